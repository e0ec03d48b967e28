package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// shop is a node behind a TCP proxy, so that its address outlives it, and a CRM that posts to it.
type shop struct {
	t      *testing.T
	crm    *crm
	node   *process
	proxy  *ssetest.Proxy
	tokens map[string]string
	store  []string
	sent   int
}

func newShop(t *testing.T, buyers ...string) *shop {
	t.Helper()
	s := &shop{t: t, crm: newCRM(t), store: []string{"--data", t.TempDir()}}
	s.tokens = apply(t, s.store, s.crm.catalog(buyers, 0))
	s.node = serve(t, s.store)
	var err error
	s.proxy, err = ssetest.NewProxy(s.node.address)
	require.NoError(t, err)
	t.Cleanup(s.proxy.Close)
	return s
}

// page opens a buyer's dashboard by the link an operator would send.
func (s *shop) page(b *browser.Browser, buyer string) *browser.Page {
	s.t.Helper()
	p := b.Page(s.t, browser.Look{})
	require.Equal(s.t, http.StatusOK, p.Goto("http://"+s.proxy.Addr()+"/?token="+s.tokens[buyer]))
	p.WaitState("live")
	return p
}

// lead posts the next contact, straight to the node, and returns its id on the dashboard.
func (s *shop) lead() (id string) {
	s.t.Helper()
	s.sent++
	lead := fmt.Sprintf("b%d", s.sent)
	status, err := s.crm.post(s.node, contact("ev-"+lead, lead, "Person "+lead))
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, status)
	return "ghl-" + lead
}

// restart kills the node and puts another one in its place, on the same store.
func (s *shop) restart() {
	s.t.Helper()
	s.node.kill()
	s.node = serve(s.t, s.store)
	s.proxy.Retarget(s.node.address)
}

// TestDashboard is the whole product in a real Chromium: a signed POST at one end, a row at the other.
func TestDashboard(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	b := browser.Start(t)
	for name, story := range map[string]func(*testing.T, *browser.Browser){
		"a signed webhook becomes a row, and its way is measured": rowAppears,
		"a forged one becomes nothing":                            forgedIsNothing,
		"the server is killed in mid-stream and comes back":       killedInMidStream,
		"the connection is cut":                                   connectionCut,
		"one buyer never sees another's lead":                     feedsAreApart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, b)
		})
	}
}

func rowAppears(t *testing.T, b *browser.Browser) {
	s := newShop(t, "ann")
	p := s.page(b, "ann")
	p.WaitRow(s.lead(), "Person b1")
	p.WaitRow("ghl-b1", " ms") // its time to seen stands in the row
	p.Evaluate("document.dispatchEvent(new Event('visibilitychange'))", nil)
	require.Eventually(t, func() bool {
		return strings.Contains(metrics(t, s.node), `leadwire_segment_seconds_count{segment="received_rendered"} 1`)
	}, browser.Patience, patienceStep, "the dashboard reported when the row was on the screen")
	require.Empty(t, p.Console())
	var url string
	p.Evaluate("location.href", &url)
	require.NotContains(t, url, "token", "the token does not stay in the address bar")
}

func forgedIsNothing(t *testing.T, b *browser.Browser) {
	s := newShop(t, "ann")
	p := s.page(b, "ann")
	body := contact("ev-forged", "forged", "Nobody")
	status, err := s.crm.send(s.node.url("/leads/webhook/ghl"), body, strings.Repeat("A", 86)+"==")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnauthorized, status)
	p.WaitRow(s.lead(), "Person b1")
	p.WaitRows(1)
	require.Contains(t, metrics(t, s.node), `outcome="unverified"`)
}

func killedInMidStream(t *testing.T, b *browser.Browser) {
	s := newShop(t, "ann")
	p := s.page(b, "ann")
	want := []string{s.lead(), s.lead()}
	p.WaitRow(want[1], "Person b2")
	s.restart()
	want = append(want, s.lead(), s.lead()) // perhaps before the page has found its way back
	p.WaitRow(want[3], "Person b4")
	shows(t, p, want)
}

func connectionCut(t *testing.T, b *browser.Browser) {
	s := newShop(t, "ann")
	p := s.page(b, "ann")
	want := []string{s.lead()}
	p.WaitRow(want[0], "Person b1")
	s.proxy.Down()
	want = append(want, s.lead(), s.lead())
	s.proxy.Up()
	p.WaitRow(want[2], "Person b3")
	shows(t, p, want)
}

func feedsAreApart(t *testing.T, b *browser.Browser) {
	s := newShop(t, "ann", "bob")
	ann, bob := s.page(b, "ann"), s.page(b, "bob")
	var leads []string
	for range 6 {
		leads = append(leads, s.lead())
	}
	ann.WaitRows(3)
	bob.WaitRows(3)
	var anns, bobs []string
	for _, r := range ann.Rows() {
		anns = append(anns, r.Lead)
	}
	for _, r := range bob.Rows() {
		bobs = append(bobs, r.Lead)
	}
	require.ElementsMatch(t, leads, append(anns, bobs...), "every lead is on one page")
	var status int
	ann.Evaluate(fmt.Sprintf("fetch('/api/buyer/leads/%s').then(r => r.status)", bobs[0]), &status)
	require.Equal(t, http.StatusNotFound, status, "bob's lead, asked for by ann")
	ann.Evaluate(fmt.Sprintf("fetch('/api/buyer/leads/%s').then(r => r.status)", anns[0]), &status)
	require.Equal(t, http.StatusOK, status)
}

// shows checks that a page has each lead once, newest first.
func shows(t *testing.T, p *browser.Page, leads []string) {
	t.Helper()
	p.WaitRows(len(leads))
	for i, row := range p.Rows() {
		require.Equal(t, leads[len(leads)-1-i], row.Lead)
	}
}

func metrics(t *testing.T, p *process) string {
	t.Helper()
	res, err := http.Get(p.url("/metrics"))
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(body)
}
