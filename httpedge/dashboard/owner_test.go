package dashboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse"
)

// The page in a real Chromium, where there are several nodes and its buyer lives on one of them.
func TestPage_AtItsOwner(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, story := range map[string]func(*testing.T, *world, *browser.Page){
		"the stream is at the owner":               atOwner,
		"the owner cannot be reached":              ownerUnreachable,
		"the owner never answers":                  ownerSilent,
		"a node that came after the page":          ownerUnknown,
		"the owner dies and the buyer moves":       ownerDies,
		"the buyer moves, and the page with it":    buyerMoves,
		"the buyer moves where no browser reaches": movesOutOfReach,
		"nobody knows where the buyer is":          nobodyKnows,
		"the buyer moves on before the page comes": movesOn,
		"who is asked has not heard of the move":   notHeard,
		"a stream at the owner grows old":          ownerStreamAges,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newWorld(t, calmly()), b.Page(t, browser.Look{}))
		})
	}
}

// calmly is a usual heart, so that a busy machine's stall is no silence, and quick returns.
func calmly() sse.Config {
	return sse.Config{RetryMin: 50 * time.Millisecond, RetryMax: 150 * time.Millisecond}
}

// states has the page write down what its connection has been since.
func states(p *browser.Page) {
	p.Evaluate(`(() => {
		window.been = [];
		new MutationObserver(() => window.been.push(document.getElementById('state').dataset.state))
			.observe(document.getElementById('state'), { attributes: true, attributeFilter: ['data-state'] });
	})()`, nil)
}

// unbroken checks that the connection has been live all the while.
func unbroken(t *testing.T, p *browser.Page) {
	t.Helper()
	var been []string
	p.Evaluate("window.been", &been)
	require.Empty(t, been)
}

// streamsAt counts the streams that the page has asked for at a place.
func streamsAt(p *browser.Page, url string) int {
	return requests(p, "GET "+strings.TrimSuffix(url, "/")+"/api/buyer/events")
}

func waitStreamAt(t *testing.T, p *browser.Page, url string, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return streamsAt(p, url) == n }, browser.Patience, 10*time.Millisecond)
}

func atOwner(t *testing.T, w *world, p *browser.Page) {
	two := w.beside(calmly())
	w.move(two)
	w.Feeds.Publish(ada, people(1, 2)...)
	open(w, p)
	w.Feeds.Publish(ada, person(3))
	whole(t, p, 1, 3)
	require.Equal(t, 1, streamsAt(p, two.URL))
	require.Zero(t, streamsAt(p, w.URL))
	require.Empty(t, p.Console(), "the page's own policy lets it")
	w.Net.Cut() // what the page came by has nothing to do with its stream
	w.Feeds.Publish(ada, person(4))
	whole(t, p, 1, 4)
	require.Equal(t, 1, streamsAt(p, two.URL))
}

func ownerUnreachable(t *testing.T, w *world, p *browser.Page) {
	two := w.beside(calmly())
	w.move(two)
	two.Net.Down()
	open(w, p)
	w.Feeds.Publish(ada, people(1, 3)...)
	whole(t, p, 1, 3)
	states(p)
	before := streamsAt(p, two.URL)
	require.Positive(t, before)
	two.Net.Up() // and the page finds it by itself
	require.Eventually(t, func() bool { return streamsAt(p, two.URL) > before }, browser.Patience, 10*time.Millisecond)
	w.Net.Cut()
	w.Feeds.Publish(ada, person(4))
	whole(t, p, 1, 4)
	unbroken(t, p)
	require.Equal(t, 1, streamsAt(p, w.URL))
}

func ownerSilent(t *testing.T, w *world, p *browser.Page) {
	two := w.beside(calmly())
	w.move(two)
	two.Net.Freeze()
	open(w, p)
	w.Feeds.Publish(ada, people(1, 3)...)
	whole(t, p, 1, 3)
	require.Equal(t, 1, streamsAt(p, w.URL))
}

func ownerUnknown(t *testing.T, w *world, p *browser.Page) {
	open(w, p)
	two := w.beside(calmly()) // the page's policy does not name it
	states(p)
	w.move(two)
	require.Eventually(t, func() bool { return len(p.Console()) > 0 }, browser.Patience, 10*time.Millisecond)
	require.Contains(t, p.Console()[0], "Content Security Policy")
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	unbroken(t, p)
	require.Equal(t, 1, streamsAt(p, w.URL), "it stays where it is")
}

func ownerDies(t *testing.T, w *world, p *browser.Page) {
	two, three := w.beside(calmly()), w.beside(calmly())
	w.move(two)
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	two.Net.Down()
	w.Feeds.Publish(ada, people(2, 5)...) // nobody knows yet that it is dead
	whole(t, p, 1, 5)
	p.WaitState("live")
	require.Equal(t, 1, streamsAt(p, w.URL), "any node will do")
	states(p)
	w.move(three)
	waitStreamAt(t, p, three.URL, 1)
	w.Feeds.Publish(ada, people(6, 9)...)
	whole(t, p, 1, 9)
	unbroken(t, p)
}

func buyerMoves(t *testing.T, w *world, p *browser.Page) {
	two, three := w.beside(calmly()), w.beside(calmly())
	w.move(two)
	open(w, p)
	states(p)
	all := 0
	for _, to := range []*second{three, two, three, two} {
		before := streamsAt(p, to.URL)
		w.move(to)
		for end := time.Now().Add(browser.Patience); streamsAt(p, to.URL) == before; { // leads come all the while
			require.True(t, time.Now().Before(end), "it does not follow")
			all++
			w.Feeds.Publish(ada, person(all))
			p.WaitRow(fmt.Sprintf("ghl-%d", all), "Person")
		}
	}
	w.Feeds.Publish(ada, person(all+1))
	p.WaitRow(fmt.Sprintf("ghl-%d", all+1), "Person")
	whole(t, p, max(1, all-498), all+1) // what the page shows at most
	unbroken(t, p)
	require.Zero(t, streamsAt(p, w.URL))
	pages, _ := w.Pulls()
	require.Equal(t, 1, pages, "and nothing was missed on the way")
}

func movesOutOfReach(t *testing.T, w *world, p *browser.Page) {
	two := w.beside(calmly())
	w.move(two)
	open(w, p)
	states(p)
	w.move(&second{node: &node{addr: "10.0.0.9:7100"}})
	w.Feeds.Publish(ada, people(1, 3)...)
	whole(t, p, 1, 3)
	unbroken(t, p)
	require.Equal(t, 1, streamsAt(p, two.URL), "it goes on where it is")
}

func nobodyKnows(t *testing.T, w *world, p *browser.Page) {
	two, three := w.beside(calmly()), w.beside(calmly())
	w.move(two)
	w.misplace(1, nil)
	open(w, p)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	states(p)
	waitStreamAt(t, p, two.URL, 1) // it asks again by itself
	w.misplace(2, nil)
	w.move(three)
	waitStreamAt(t, p, three.URL, 1)
	w.Feeds.Publish(ada, person(2))
	whole(t, p, 1, 2)
	unbroken(t, p)
	require.Equal(t, 1, streamsAt(p, w.URL))
}

func movesOn(t *testing.T, w *world, p *browser.Page) {
	two, three := w.beside(calmly()), w.beside(calmly())
	w.move(three)
	w.misplace(0, two)
	open(w, p)
	waitStreamAt(t, p, two.URL, 1)
	waitStreamAt(t, p, three.URL, 1)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	require.Equal(t, 1, streamsAt(p, two.URL), "it stays where its buyer is")
	require.Zero(t, streamsAt(p, w.URL))
}

func notHeard(t *testing.T, w *world, p *browser.Page) {
	two, three := w.beside(calmly()), w.beside(calmly())
	w.move(two)
	open(w, p)
	waitStreamAt(t, p, two.URL, 1)
	states(p)
	w.misplace(0, two)
	w.move(three)
	waitStreamAt(t, p, three.URL, 1)
	w.Feeds.Publish(ada, person(1))
	whole(t, p, 1, 1)
	unbroken(t, p)
	require.Equal(t, 1, streamsAt(p, two.URL))
}

func ownerStreamAges(t *testing.T, w *world, p *browser.Page) {
	short := calmly()
	short.MaxAge, short.Heartbeat = 500*time.Millisecond, 100*time.Millisecond
	two := w.beside(short)
	w.move(two)
	open(w, p)
	for n := 1; n <= 20; n++ {
		w.Feeds.Publish(ada, person(n))
		p.WaitRow(fmt.Sprintf("ghl-%d", n), "Person")
	}
	require.Eventually(t, func() bool { return streamsAt(p, two.URL) >= 2 }, browser.Patience, 10*time.Millisecond)
	w.Feeds.Publish(ada, person(21))
	whole(t, p, 1, 21)
}
