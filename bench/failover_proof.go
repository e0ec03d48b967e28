package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// proof is what the buyers' API lists at the end: the truth that streams only hint at.
type proof struct {
	listed  []uint8 // of each webhook's lead, on how many buyers' lists; 2 is more than one
	company map[int64]string
	probed  map[int64]*probe
}

func (l *fleetLoad) newProof() *proof {
	p := &proof{listed: make([]uint8, l.next), company: map[int64]string{}, probed: map[int64]*probe{}}
	for _, one := range l.probes {
		p.probed[one.lead] = one
	}
	return p
}

// note takes one row.
func (p *proof) note(n int64, company string) {
	if n < 0 || n >= int64(len(p.listed)) {
		return
	}
	p.listed[n] = min(p.listed[n]+1, 2)
	if p.probed[n] != nil {
		p.company[n] = company
	}
}

// lost counts what was acked and is not there: leads that no buyer has, and updates that have not changed theirs.
func (p *proof) lost(answers []answer) (lost int) {
	for n, a := range answers {
		if a == wasAcked && p.listed[n] == 0 {
			lost++
		}
	}
	for n, one := range p.probed {
		if one.acked && p.company[n] != one.company {
			lost++
		}
	}
	return lost
}

// doubled counts leads that two buyers have.
func (p *proof) doubled() (count int) {
	for _, times := range p.listed {
		if times > 1 {
			count++
		}
	}
	return count
}

// prove reads every buyer's leads, and reports what is missing.
func (r *failoverRun) prove(ctx context.Context) error {
	r.cfg.Log.Info("reading what the store has", "leads", r.load.next)
	p := r.load.newProof()
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for _, token := range r.fleet.Tokens {
		if err := p.read(ctx, client, r.fleet.nodes[0].URL, token, r.load.prefix); err != nil {
			return err
		}
	}
	r.report.set("lost", float64(p.lost(r.load.ledger.answers)))
	r.report.set("doubled", float64(p.doubled()))
	return nil
}

// read pages through one buyer's leads.
func (p *proof) read(ctx context.Context, client *http.Client, base, token string, prefix []byte) error {
	query := url.Values{"limit": {"200"}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/buyer/leads?"+query.Encode(), nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		body, err := send(client, req, maxPage)
		if err != nil {
			return err
		}
		var page struct {
			Leads []struct {
				ID      string `json:"id"`
				Contact struct {
					Company string `json:"company"`
				} `json:"contact"`
			} `json:"leads"`
			Next string `json:"next_cursor"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, lead := range page.Leads {
			if n, ours := number([]byte(lead.ID), prefix); ours {
				p.note(n, lead.Contact.Company)
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
}
