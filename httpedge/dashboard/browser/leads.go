package browser

import (
	"fmt"
	"strconv"
)

// Row is a lead as the dashboard shows it: the text of its cells.
type Row struct {
	Lead     string `json:"lead"`
	Received string `json:"received"`
	Name     string `json:"name"`
	Contact  string `json:"contact"`
	Place    string `json:"place"`
	Campaign string `json:"campaign"`
	Seen     string `json:"seen"` // "12 ms", or "–" when it was not measured
}

// Rows reads the dashboard's table, newest lead first.
func (p *Page) Rows() (rows []Row) {
	p.t.Helper()
	p.Evaluate(`[...document.querySelectorAll('#rows tr')].map(tr => {
		const [received, name, contact, place, campaign, seen] = [...tr.cells].map(td => td.innerText.trim());
		return { lead: tr.dataset.lead, received, name, contact, place, campaign, seen };
	})`, &rows)
	return rows
}

// WaitRow waits until a lead has a row whose text contains text.
func (p *Page) WaitRow(lead, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`[...document.querySelectorAll('#rows tr')].some(tr => tr.dataset.lead === %s && tr.textContent.includes(%s))`,
		strconv.Quote(lead), strconv.Quote(text)))
}

// WaitRows waits until the table has n rows.
func (p *Page) WaitRows(n int) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.querySelectorAll('#rows tr').length === %d`, n))
}

// WaitState waits for the dashboard's connection: "connecting", "live", "waiting", "signed-out".
func (p *Page) WaitState(state string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf(`document.getElementById('state')?.dataset.state === %s`, strconv.Quote(state)))
}
