package dashboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse"
)

// The page in a real Chromium. One browser serves all stories; each has a page and a world of its own.
func TestPage(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	quick := sse.Config{Heartbeat: 200 * time.Millisecond, RetryMin: 50 * time.Millisecond, RetryMax: 150 * time.Millisecond}
	for name, story := range map[string]func(*testing.T, *world, *browser.Page){
		"a lead appears by itself, from its event":    appears,
		"five hundred at once":                        burst,
		"an update changes the row in place":          updates,
		"what a stranger wrote stays text":            text,
		"the network goes and comes back":             networkGone,
		"the server is replaced":                      replaced,
		"a connection is cut":                         cut,
		"a connection falls silent":                   silent,
		"the feed's place is lost":                    lost,
		"an event is missing":                         missing,
		"two screens of one buyer":                    twoScreens,
		"nobody is signed in":                         signedOut,
		"the token ends while the page is open":       tokenEnds,
		"the server drains":                           drained,
		"a row too big for an event is fetched":       tooBig,
		"coming back by the back button":              back,
		"nothing there yet is said, and then is over": empty,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			story(t, w, b.Page(t, browser.Look{}))
		})
	}
}

func open(w *world, p *browser.Page) {
	require.Equal(w.t, 200, p.Goto(w.URL))
	p.WaitState("live")
}

// requests counts what the page asked for.
func requests(p *browser.Page, prefix string) (n int) {
	for _, r := range p.Requests() {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// whole checks that the table is the people of from..to, each once, newest first.
func whole(t *testing.T, p *browser.Page, from, to int) {
	t.Helper()
	p.WaitRows(to - from + 1)
	for i, row := range p.Rows() {
		require.Equal(t, fmt.Sprintf("ghl-%d", to-i), row.Lead)
	}
}

func appears(t *testing.T, _ *world, p *browser.Page) {
	w := calm(t)
	w.Feeds.Publish(ada, people(1, 3)...)
	open(w, p)
	whole(t, p, 1, 3)
	sent := time.Now()
	w.Feeds.Publish(ada, person(4))
	p.WaitRow("ghl-4", "Person 4")
	whole(t, p, 1, 4)
	pages, _ := w.Pulls()
	require.Equal(t, 1, pages, "the event itself is the row")

	row := p.Rows()[0]
	require.Contains(t, row.Contact, "person4@example.com")
	require.Contains(t, row.Contact, "+12025550004")
	require.Equal(t, "Austin, TX 73301", row.Place)
	require.Contains(t, row.Campaign, "solar")

	mark := w.Seen(1)[4]
	require.WithinRange(t, mark.Received, sent.Add(-time.Second), time.Now().Add(time.Second), "by the server's clock, to within a round trip of a busy machine")
	require.False(t, mark.Rendered.Before(mark.Received))
	require.Len(t, w.Seen(1), 1, "rows that were there before are no measurement")
	p.Wait(`document.querySelector('#rows tr .number').innerText.endsWith(' ms')`)
	require.Empty(t, p.Console(), "nothing was refused by the page's own policy")
}

// calm is a world whose heart beats at its usual pace, for stories that count pulls: at the quick one half a
// second's stall of a busy machine is taken for silence, and the page rightly looks again.
func calm(t *testing.T) *world {
	t.Helper()
	return newWorld(t, sse.Config{RetryMin: 50 * time.Millisecond, RetryMax: 150 * time.Millisecond})
}

func burst(t *testing.T, _ *world, p *browser.Page) {
	w := calm(t)
	open(w, p)
	for n := 1; n <= 500; n += 10 {
		w.Feeds.Publish(ada, people(n, n+9)...)
	}
	whole(t, p, 1, 500)
	require.Len(t, w.Seen(500), 500)
	require.Zero(t, w.repeats)
	pages, _ := w.Pulls()
	require.Equal(t, 1, pages, "a burst asks for nothing")
}

func updates(t *testing.T, w *world, p *browser.Page) {
	w.Feeds.Publish(ada, people(1, 3)...)
	open(w, p)
	changed := person(2)
	changed.Type = domain.LeadUpdated
	changed.Contact = domain.Contact{Name: "Grace Hopper", Company: "Navy", Status: "won"}.JSON()
	w.Feeds.Publish(ada, changed)
	p.WaitRow("ghl-2", "Grace Hopper")
	whole(t, p, 1, 3)
	require.Contains(t, p.Rows()[1].Name, "won")
	w.Seen(1)
}

func text(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	evil := `<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>`
	w.Feeds.Publish(ada, lead(1, domain.Contact{
		Name: evil, Company: evil, Email: `javascript:alert(1)@x`, Phone: `javascript:alert(1)`, City: evil, Channel: evil, Status: evil,
	}))
	p.WaitRow("ghl-1", evil)
	var state struct{ Title, Tags, Links string }
	p.Evaluate(`({
		title: document.title,
		tags: [...new Set([...document.querySelectorAll('#rows *')].map(e => e.tagName))].sort().join(),
		links: [...document.querySelectorAll('#rows a')].map(a => a.protocol).join(),
	})`, &state)
	require.NotContains(t, state.Title, "taken")
	require.NotContains(t, state.Tags, "IMG")
	require.NotContains(t, state.Tags, "SCRIPT")
	require.Equal(t, "mailto:", state.Links, "what does not look like a number is no link")
}

func networkGone(t *testing.T, w *world, p *browser.Page) {
	w.Feeds.Publish(ada, people(1, 2)...)
	open(w, p)
	w.Feeds.Publish(ada, person(3))
	whole(t, p, 1, 3)
	w.Net.Down()
	p.WaitState("waiting")
	w.Feeds.Publish(ada, people(4, 20)...)
	p.Wait(`!document.getElementById('banner').hidden`)
	w.Net.Up()
	p.WaitState("live")
	whole(t, p, 1, 20)
	p.Wait(`document.getElementById('banner').hidden`)
	w.Feeds.Publish(ada, person(21))
	whole(t, p, 1, 21)
}

func replaced(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	for n := 1; n <= 5; n++ {
		w.Feeds.Publish(ada, person(2*n-1))
		w.restart(sse.Config{Heartbeat: 200 * time.Millisecond, RetryMin: 50 * time.Millisecond, RetryMax: 150 * time.Millisecond})
		w.Feeds.Publish(ada, person(2*n))
		p.WaitRow(fmt.Sprintf("ghl-%d", 2*n), "Person")
	}
	whole(t, p, 1, 10)
}

func cut(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	for n := 1; n <= 10; n++ {
		w.Net.Cut()
		w.Feeds.Publish(ada, person(n))
	}
	whole(t, p, 1, 10)
	p.WaitState("live")
	w.Feeds.Publish(ada, person(11))
	whole(t, p, 1, 11)
}

func silent(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	before := requests(p, "GET "+w.URL+"api/buyer/events")
	w.Net.Freeze()
	w.Feeds.Publish(ada, person(2)) // into a network that says nothing
	p.WaitState("waiting")
	w.Net.Thaw()
	p.WaitState("live")
	whole(t, p, 1, 2)
	require.Greater(t, requests(p, "GET "+w.URL+"api/buyer/events"), before, "a new stream, not the silent one")
}

func lost(t *testing.T, _ *world, p *browser.Page) {
	w := calm(t)
	w.Feeds.MaxReplay = 3
	w.Feeds.Publish(ada, person(1))
	open(w, p)
	whole(t, p, 1, 1)
	before, _ := w.Pulls()
	w.Net.Down()
	p.WaitState("waiting")
	w.Feeds.Publish(ada, people(2, 40)...) // more than is replayed
	w.Net.Up()
	whole(t, p, 1, 40)
	w.Feeds.Publish(ada, person(41))
	whole(t, p, 1, 41)
	after, _ := w.Pulls()
	require.Equal(t, before+1, after, "one refetch")
	require.Len(t, w.Seen(1), 1, "what was fetched measures nothing")
}

// The server promises that it does not happen. Should it, the page shows the truth all the same.
func missing(t *testing.T, _ *world, p *browser.Page) {
	w := calm(t)
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	w.Feeds.Keep(ada, people(2, 4)...)
	w.Feeds.Publish(ada, person(5))
	whole(t, p, 1, 5)
	pages, _ := w.Pulls()
	require.Equal(t, 2, pages, "one pull for the gap")
}

func twoScreens(t *testing.T, w *world, p *browser.Page) {
	other := p.Another()
	open(w, p)
	open(w, other)
	w.Feeds.Publish(ada, people(1, 5)...)
	whole(t, p, 1, 5)
	whole(t, other, 1, 5)
	other.Goto("about:blank")
	w.Feeds.Publish(ada, person(6))
	whole(t, p, 1, 6)
}

func signedOut(t *testing.T, w *world, p *browser.Page) {
	w.SignOut(true)
	w.Feeds.Publish(ada, person(1))
	require.Equal(t, 200, p.Goto(w.URL))
	p.WaitState("signed-out")
	var said string
	p.Evaluate(`document.getElementById('signin').innerText`, &said)
	require.Contains(t, said, "Open the link you were given")
	require.Zero(t, requests(p, "GET "+w.URL+"api/buyer/events"), "it does not ask for what it will not get")
	w.SignOut(false)
	p.Click("#again")
	p.WaitState("live")
	whole(t, p, 1, 1)
}

func tokenEnds(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	w.SignOut(true)
	w.Net.Cut()
	p.WaitState("signed-out")
	p.Wait(`document.getElementById('feed').hidden`)
}

func drained(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	old := w.node
	w.node = w.start(sse.Config{})
	w.Net.Retarget(w.node.addr)
	require.NoError(t, old.Streams.Drain(t.Context(), 50*time.Millisecond))
	w.Feeds.Publish(ada, person(2))
	whole(t, p, 1, 2)
	p.WaitState("live")
	old.stop(t)
}

func tooBig(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	w.Feeds.Publish(ada, lead(1, domain.Contact{Name: "Very Long", Website: strings.Repeat("x", 40<<10)}))
	p.WaitRow("ghl-1", "Very Long")
}

func back(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	require.Equal(t, 200, p.Goto(w.URL+"assets/icon.svg"))
	w.Feeds.Publish(ada, person(2))
	p.Back()
	p.WaitState("live")
	whole(t, p, 1, 2)
}

func empty(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	p.Wait(`!document.getElementById('empty').hidden && document.getElementById('leads').hidden`)
	w.Feeds.Publish(ada, person(1))
	p.Wait(`document.getElementById('empty').hidden && !document.getElementById('leads').hidden`)
}

// A buyer with more screens than streams still sees every lead, by pulling, and gets a stream when one
// is free: a refused EventSource is closed for ever, and the page has to make another.
func TestPage_NoStreamFree(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	w := newWorld(t, sse.Config{PerBuyer: 1})
	first, second := b.Page(t, browser.Look{}), b.Page(t, browser.Look{})
	open(w, first)
	require.Equal(t, 200, second.Goto(w.URL))
	second.WaitState("waiting")
	w.Feeds.Publish(ada, person(1))
	whole(t, second, 1, 1)
	first.Goto("about:blank")
	second.WaitState("live")
	w.Feeds.Publish(ada, person(2))
	whole(t, second, 1, 2)
}

// How it looks, for eyes: LEADWIRE_SCREENSHOTS names the folder.
func TestPage_Screenshots(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("LEADWIRE_SCREENSHOTS")
	if folder == "" {
		t.Skip("skipped: LEADWIRE_SCREENSHOTS names no folder to write to")
	}
	b := browser.Start(t)
	for name, look := range map[string]browser.Look{
		"light": {}, "dark": {Dark: true}, "phone": {Width: 390, Height: 844}, "phone-dark": {Dark: true, Width: 390, Height: 844},
	} {
		w := newWorld(t, sse.Config{})
		p := b.Page(t, look)
		open(w, p)
		p.Screenshot(filepath.Join(folder, name+"-empty.png"))
		for n, c := range sample() {
			w.Feeds.Publish(ada, lead(n, c))
			p.WaitRow(fmt.Sprintf("ghl-%d", n), "ms")
		}
		p.Screenshot(filepath.Join(folder, name+".png"))
		w.Net.Down()
		p.Wait(`!document.getElementById('banner').hidden`)
		p.Screenshot(filepath.Join(folder, name+"-lost.png"))
		w.Net.Up()
		w.SignOut(true)
		p.WaitState("signed-out")
		p.Screenshot(filepath.Join(folder, name+"-signed-out.png"))
	}
}

func sample() []domain.Contact {
	return []domain.Contact{
		{FirstName: "Marisol", LastName: "Vega", Email: "marisol.vega@example.com", Phone: "+15125550143", City: "Austin", State: "TX", PostalCode: "78701", Channel: "facebook"},
		{Name: "Tom O’Brien", Company: "O’Brien Roofing", Email: "tom@obrienroofing.example", City: "Portland", State: "OR", Channel: "website form"},
		{FirstName: "Wanjikũ", Phone: "+254712345678", Country: "KE"},
		{FirstName: "Agnieszka", LastName: "Wiśniewska-Kowalczyk", Email: "agnieszka.wisniewska-kowalczyk@bardzodlugadomena.example", Phone: "+48221234567", City: "Warszawa", Country: "PL", Status: "open"},
		{Email: "no-name@example.com"},
		{FirstName: "Grace", LastName: "Hopper", Company: "Navy", Email: "grace@example.com", Phone: "+12025550123", City: "Arlington", State: "VA", PostalCode: "22202", Channel: "referral", Status: "won"},
	}
}
