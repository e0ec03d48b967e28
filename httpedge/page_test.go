package httpedge_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

// chrome is what the browser says it is.
const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

// The pixel in a real Chromium, on a customer's site: another origin than the edge. One browser serves all
// stories; each has a site, an edge and a profile of its own.
func TestPage(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, row := range map[string]struct {
		look  browser.Look
		story func(*testing.T, *site, *browser.Page)
	}{
		"a page is loaded, and another":                  {browser.Look{}, twoPages},
		"the edge is another site, and gets no cookie":   {browser.Look{}, otherSite},
		"scripts are off":                                {browser.Look{NoScripts: true}, image},
		"the visitor opts out":                           {browser.Look{GPC: true}, optsOut},
		"back by the back/forward cache":                 {browser.Look{}, backForward},
		"a single-page app":                              {browser.Look{}, singlePage},
		"an e-mail is hashed before it leaves":           {browser.Look{}, hashed},
		"what cannot be hashed is not sent":              {browser.Look{}, notHashed},
		"commands from before the script was there":      {browser.Look{}, earlyCommands},
		"consent is given":                               {browser.Look{}, consentGiven},
		"consent is refused, and given after all":        {browser.Look{}, consentRefused},
		"the time a page is seen":                        {browser.Look{}, timeSeen},
		"what waits leaves with the page":                {browser.Look{}, leaves},
		"pages that are left out":                        {browser.Look{}, leftOut},
		"the edge has no room for a moment":              {browser.Look{}, noRoomForAMoment},
		"more than one request takes":                    {browser.Look{}, much},
		"the page goes on whatever happens to its pixel": {browser.Look{}, pageGoesOn},
	} {
		t.Run(name, func(t *testing.T) {
			row.story(t, newSite(t), b.Page(t, row.look))
		})
	}
}

// site is a customer's: pages with the pixel on them, and the edge that the pixel talks to.
type site struct {
	t      *testing.T
	edge   *edge
	web    *httptest.Server
	script string // URL of the edge as pages write it
	tap    *tap

	mu    sync.Mutex
	pages map[string]string // by path: what stands in the head
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, pages: map[string]string{}}
	s.web = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.web.Close)
	s.edge = start(t, func(_ *httpedge.Config, d *httpedge.Deps) { d.Clock = nil })
	s.tap = newTap(t, s.edge.addr)
	s.script = "http://" + s.tap.addr
	s.pixels(func(*domain.Pixel) {})
	return s
}

// pixels gives the directory the site's pixel, as changed.
func (s *site) pixels(change func(*domain.Pixel)) {
	p := domain.Pixel{ID: "shop", Origins: []string{s.web.URL, strings.Replace(s.web.URL, "127.0.0.1", "localhost", 1)}}
	change(&p)
	c := s.edge.dir.get().Catalog
	c.Accounts = []domain.Account{{ID: "acme", Pixels: []domain.Pixel{p}}}
	s.edge.dir.set(c)
}

// page puts more into a page's head, before the pixel.
func (s *site) page(path, head string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = head
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	head := s.pages[r.URL.Path]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html><head><title>Page %[1]s</title>%[2]s<script async src="%[3]s/p.js?id=shop"></script></head>
<body><a href="/next">next</a>
<noscript><img src="%[3]s/p.gif?px=shop" referrerpolicy="no-referrer-when-downgrade" width="1" height="1" alt=""></noscript></body></html>`,
		r.URL.Path, head, s.script)
}

// stub is the snippet's first half: commands before the script has arrived.
const stub = `<script>window.leadwire=window.leadwire||function(){(leadwire.q=leadwire.q||[]).push(arguments)}</script>`

// hits waits for n hits in all, and says when more come. Those of types that are not asked for do not count.
func (s *site) hits(n int, types ...domain.HitType) (found []domain.Hit) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		found = nil
		for _, h := range s.edge.seen.kept() {
			for _, one := range types {
				if h.Type == one {
					found = append(found, h)
				}
			}
		}
		return len(found) >= n
	}, browser.Patience, 10*time.Millisecond, "%d hits of %v", n, types)
	require.Len(s.t, found, n, "%v", found)
	return found
}

// open opens a page of the site and waits for its script.
func (s *site) open(p *browser.Page, path string) {
	s.t.Helper()
	require.Equal(s.t, 200, p.Goto(s.web.URL+path))
	p.Wait("window.leadwire && leadwire.on === 1")
}

// quietly checks that the page heard nothing of its pixel.
func quietly(t *testing.T, p *browser.Page) {
	t.Helper()
	require.Empty(t, p.Console())
}

func paths(hits []domain.Hit) (all []string) {
	for _, h := range hits {
		all = append(all, h.Page.Path)
	}
	return all
}

func twoPages(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/shoes?utm_source=ads&gclid=G-1&mail=anna%40shop.example&q=1#top")
	first := s.hits(1, domain.PageView)[0]
	require.Equal(t, domain.Page{URL: s.web.URL + "/shoes?utm_source=ads&gclid=G-1&mail=&q=1", Path: "/shoes", Title: "Page /shoes"}, first.Page, "no fragment, and no e-mail of a newsletter's link")
	require.Equal(t, "ads", first.UTM.Source)
	require.Equal(t, []domain.Click{{Kind: "gclid", Value: "G-1"}}, first.Clicks)
	require.True(t, first.Fresh)
	require.Equal(t, chrome, first.UserAgent)
	require.WithinDuration(t, time.Now(), first.OccurredAt, browser.Patience)
	require.NotEmpty(t, first.View)

	p.Click("a")
	p.Wait("location.pathname === '/next' && window.leadwire && leadwire.on === 1")
	second := s.hits(2, domain.PageView)[1]
	require.Equal(t, first.Visitor, second.Visitor)
	require.False(t, second.Fresh)
	require.NotEqual(t, first.View, second.View)
	require.Equal(t, s.web.URL+"/shoes?utm_source=ads&gclid=G-1&mail=&q=1", second.Page.Referrer)
	leave := s.hits(1, domain.PageLeave)[0]
	require.Equal(t, first.View, leave.View)
	require.Contains(t, s.tap.text(), "leadwire_v="+string(first.Visitor), "the cookie came along")
	quietly(t, p)
}

func otherSite(t *testing.T, s *site, p *browser.Page) {
	home := strings.Replace(s.web.URL, "127.0.0.1", "localhost", 1) // by SameSite another site than 127.0.0.1
	require.Equal(t, 200, p.Goto(home+"/a"))
	s.hits(1, domain.PageView)
	require.Equal(t, 200, p.Goto(home+"/b"))
	views := s.hits(2, domain.PageView)
	require.Equal(t, []string{"/a", "/b"}, paths(views))
	require.Equal(t, views[0].Visitor, views[1].Visitor, "by what the script keeps")
	require.NotContains(t, s.tap.text(), "Cookie: leadwire_v")
	var kept string
	p.Evaluate("localStorage.leadwire_v", &kept)
	require.Equal(t, string(views[0].Visitor), kept)
	quietly(t, p)
}

func image(t *testing.T, s *site, p *browser.Page) {
	require.Equal(t, 200, p.Goto(s.web.URL+"/shoes?utm_source=ads"))
	view := s.hits(1, domain.PageView)[0]
	require.Equal(t, domain.Page{URL: s.web.URL + "/shoes?utm_source=ads", Path: "/shoes"}, view.Page)
	require.Equal(t, "ads", view.UTM.Source)
	p.Goto(s.web.URL + "/next")
	require.Equal(t, view.Visitor, s.hits(2, domain.PageView)[1].Visitor)
}

func optsOut(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	p.Evaluate(`leadwire('identify', 'anna@shop.example'), leadwire('track', 'after'), 0`, nil)
	s.hits(1, domain.Custom)
	view := s.hits(1, domain.PageView)[0]
	require.True(t, view.GPC, "the browser's header")
	s.hits(0, domain.Identify)
	var kept []string
	p.Evaluate("Object.keys(localStorage)", &kept)
	require.Empty(t, kept, "nothing is kept on the machine")
	s.open(p, "/next")
	require.NotEqual(t, view.Visitor, s.hits(2, domain.PageView)[1].Visitor, "and nobody is known again")
}

func backForward(t *testing.T, s *site, p *browser.Page) {
	s.page("/", `<script>addEventListener('pageshow', function (e) { window.again = e.persisted })</script>`)
	s.open(p, "/")
	s.hits(1, domain.PageView)
	s.open(p, "/next")
	s.hits(2, domain.PageView)
	p.Back()
	p.Wait("window.again === true")
	views := s.hits(3, domain.PageView)
	require.Equal(t, []string{"/", "/next", "/"}, paths(views))
	require.NotEqual(t, views[0].View, views[2].View, "another view of the same page")
	quietly(t, p)
}

func singlePage(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	s.hits(1, domain.PageView)
	p.Evaluate(`history.pushState({}, '', '/a'), document.title = 'A', 0`, nil)
	require.Equal(t, "A", s.hits(2, domain.PageView)[1].Page.Title, "it has its title")
	p.Evaluate(`history.pushState({}, '', '/b'), history.replaceState({}, '', '/c'), 0`, nil)
	require.Equal(t, "/c", s.hits(3, domain.PageView)[2].Page.Path, "the last of several at once")
	p.Evaluate(`history.replaceState({ again: 1 }, '', '/c'), history.pushState({}, '', '/c#section'), 0`, nil) // no other page
	p.Evaluate(`history.back(), 0`, nil)
	p.Wait(`location.hash === ''`)
	p.Evaluate(`history.back(), 0`, nil)
	views := s.hits(4, domain.PageView)
	require.Equal(t, []string{"/", "/a", "/c", "/a"}, paths(views))
	require.Equal(t, s.web.URL+"/a", views[2].Page.Referrer, "the page before")
	leaves := s.hits(3, domain.PageLeave)
	for i, one := range leaves {
		require.Equal(t, views[i].View, one.View)
		require.Equal(t, views[i].Page.Path, one.Page.Path)
	}
	var kept string
	p.Evaluate(`String(history.state && history.state.again)`, &kept)
	require.Equal(t, "undefined", kept)
	quietly(t, p)
}

func hashed(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	const email, phone = " Anna.Bell+News@GoogleMail.com ", "+1 (415) 555-2671"
	p.Evaluate(fmt.Sprintf(`leadwire('identify', { email: %q, phone: %q }), 0`, email, phone), nil)
	hit := s.hits(1, domain.Identify)[0]
	require.Equal(t, identity.HEMs(email), hit.HEMs, "as the server would have hashed it")
	want, _ := identity.PhoneHash(phone)
	require.Equal(t, want, hit.Phone)

	p.Evaluate(`leadwire('identify', 'ÄNNA@shop.example'), 0`, nil)
	require.Equal(t, identity.HEMs("ÄNNA@shop.example"), s.hits(2, domain.Identify)[1].HEMs)
	digest := strings.ToUpper(hit.HEMs[0].SHA1)
	p.Evaluate(fmt.Sprintf(`leadwire('identify', %q), 0`, digest), nil)
	require.Equal(t, identity.ReadEmail(digest), s.hits(3, domain.Identify)[2].HEMs, "a hash already")

	s.open(p, "/next")
	s.hits(2, domain.PageView)
	for _, clear := range []string{"anna", "nna@", "googlemail", "4155552671", "555-2671"} {
		require.NotContains(t, strings.ToLower(s.tap.text()), clear, "in clear, anywhere in what left the browser")
	}
	quietly(t, p)
}

func notHashed(t *testing.T, s *site, p *browser.Page) {
	s.page("/", `<script>Object.defineProperty(crypto, 'subtle', { value: undefined })</script>`) // as on a page without https
	s.open(p, "/")
	p.Evaluate(`leadwire('identify', 'anna@shop.example'), leadwire('identify', 'no mail'), leadwire('track', 'after'), 0`, nil)
	s.hits(1, domain.Custom)
	s.page("/next", "")
	s.open(p, "/next")
	p.Evaluate(`leadwire('identify', 'no mail'), leadwire('identify'), leadwire('identify', { phone: '415 5552671' }), leadwire('nonsense'), leadwire('track', 'after'), 0`, nil)
	s.hits(2, domain.Custom)
	s.hits(0, domain.Identify)
	require.NotContains(t, s.tap.text(), "anna")
	require.NotContains(t, s.tap.text(), "5552671")
	quietly(t, p)
}

func earlyCommands(t *testing.T, s *site, p *browser.Page) {
	s.page("/", stub+`<script>leadwire('identify', 'anna@shop.example'); leadwire('track', 'early')</script>`)
	s.open(p, "/")
	require.Equal(t, "early", s.hits(1, domain.Custom)[0].Name)
	require.Equal(t, identity.HEMs("anna@shop.example"), s.hits(1, domain.Identify)[0].HEMs)
	s.hits(1, domain.PageView)
	quietly(t, p)
}

// asks lists what the edge was asked for, scripts aside.
func (s *site) asks() (n int) {
	return strings.Count(s.tap.text(), "POST /p?") + strings.Count(s.tap.text(), "GET /p.gif")
}

func consentGiven(t *testing.T, s *site, p *browser.Page) {
	s.pixels(func(p *domain.Pixel) { p.Consent = domain.ConsentRequired })
	s.open(p, "/")
	p.Evaluate(`leadwire('track', 'early'), history.pushState({}, '', '/a'), new Promise(function (r) { setTimeout(r, 300) })`, nil)
	require.Zero(t, s.asks(), "nothing is sent before")
	var kept []string
	p.Evaluate("Object.keys(localStorage)", &kept)
	require.Empty(t, kept, "and nothing kept")
	p.Evaluate(`leadwire('consent', 'granted'), 0`, nil)
	require.Equal(t, []string{"/", "/a"}, paths(s.hits(2, domain.PageView)), "what waited is not lost")
	require.Equal(t, "early", s.hits(1, domain.Custom)[0].Name)
	quietly(t, p)
}

func consentRefused(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	visitor := s.hits(1, domain.PageView)[0].Visitor
	p.Evaluate(`leadwire('consent', 'denied'), leadwire('track', 'after'), leadwire('identify', 'anna@shop.example'), history.pushState({}, '', '/a'), 0`, nil)
	require.Eventually(t, func() bool { return s.edge.hitsCounted(t, "post", "dropped", "forgotten") == "1" }, browser.Patience, 10*time.Millisecond)
	var kept []string
	p.Evaluate("Object.keys(localStorage)", &kept)
	require.Empty(t, kept)
	p.Evaluate(`new Promise(function (r) { setTimeout(r, 300) })`, nil)
	s.hits(1, domain.PageView)
	s.hits(0, domain.Custom, domain.Identify)
	p.Evaluate(`leadwire('consent', 'granted'), 0`, nil)
	again := s.hits(2, domain.PageView)[1]
	require.Equal(t, "/a", again.Page.Path)
	require.NotEqual(t, visitor, again.Visitor, "the cookie is gone too")
	quietly(t, p)
}

// hide makes the page believe that it is out of sight, or in it again: a headless browser has no other tab
// in front.
func hide(p *browser.Page, state string) {
	p.Evaluate(fmt.Sprintf(`Object.defineProperty(document, 'visibilityState', { value: %q, configurable: true }),
		document.dispatchEvent(new Event('visibilitychange')), 0`, state), nil)
}

func timeSeen(t *testing.T, s *site, p *browser.Page) {
	s.page("/", `<script>var now = Date.now(); Date.now = function () { return now }</script>`) // time is the test's
	s.open(p, "/")
	view := s.hits(1, domain.PageView)[0]
	p.Evaluate(`now += 4000`, nil)
	hide(p, "hidden")
	first := s.hits(1, domain.PageLeave)[0]
	require.Equal(t, view.View, first.View)
	require.Equal(t, 4*time.Second, first.Duration)
	p.Evaluate(`now += 60000`, nil)
	hide(p, "visible")
	p.Evaluate(`now += 1500`, nil)
	hide(p, "hidden")
	require.Equal(t, 5500*time.Millisecond, s.hits(2, domain.PageLeave)[1].Duration, "all of it, but not while it was hidden")
	hide(p, "hidden")
	p.Evaluate(`dispatchEvent(new Event('pagehide')), 0`, nil)
	s.hits(2, domain.PageLeave)
	quietly(t, p)
}

func leaves(t *testing.T, s *site, p *browser.Page) {
	s.open(p, "/")
	s.hits(1, domain.PageView)
	p.Evaluate(`history.pushState({}, '', '/a'), leadwire('track', 'last'), location.href = '/next', 0`, nil)
	p.Wait("location.pathname === '/next' && window.leadwire && leadwire.on === 1")
	require.Equal(t, "last", s.hits(1, domain.Custom)[0].Name)
	require.Equal(t, []string{"/", "/a", "/next"}, slices.Sorted(slices.Values(paths(s.hits(3, domain.PageView)))), "also the view that was being waited for")
	quietly(t, p)
}

func leftOut(t *testing.T, s *site, p *browser.Page) {
	s.pixels(func(p *domain.Pixel) { p.Allow, p.Deny = []string{"/shop/**"}, []string{"/shop/account*"} })
	s.open(p, "/")
	p.Evaluate(`leadwire('track', 'x'), leadwire('identify', 'anna@shop.example'), 0`, nil)
	s.open(p, "/shop/account/orders")
	s.open(p, "/shop/shoes")
	require.Equal(t, []string{"/shop/shoes"}, paths(s.hits(1, domain.PageView)))
	p.Evaluate(`history.pushState({}, '', '/shop/account'), leadwire('track', 'late'), 0`, nil)
	p.Evaluate(`new Promise(function (r) { setTimeout(r, 200) })`, nil)
	p.Evaluate(`leadwire('track', 'hidden'), history.pushState({}, '', '/shop/'), 0`, nil)
	require.Equal(t, []string{"/shop/shoes", "/shop/"}, paths(s.hits(2, domain.PageView)))
	require.Equal(t, "late", s.hits(1, domain.Custom)[0].Name, "it was said while the page before was shown")
	require.NotContains(t, s.tap.text(), "account/orders\",\"at", "no hit of a page that is left out")
	quietly(t, p)
}

// patient has a page's long waits end when the test says so.
const patient = `<script>var wait = setTimeout, held = [];
	setTimeout = function (f, ms) { return ms > 1000 ? held.push(f) : wait(f, ms) }</script>`

func noRoomForAMoment(t *testing.T, s *site, p *browser.Page) {
	trouble := domain.Fail("keep hit", domain.Unavailable, nil)
	deferred := func() string { return s.edge.hitsCounted(t, "post", "deferred", "unavailable") }
	s.edge.seen.fail("", trouble)
	s.page("/", patient)
	s.open(p, "/")
	p.Wait("held.length === 1")
	require.Equal(t, "1", deferred())
	s.edge.seen.fail("", nil)
	p.Evaluate("held.shift()()", nil)
	require.Equal(t, "/", s.hits(1, domain.PageView)[0].Page.Path, "it came again")

	s.edge.seen.fail("", trouble)
	p.Evaluate(`leadwire('track', 'lost'), 0`, nil)
	p.Wait("held.length === 1")
	p.Evaluate("held.shift()()", nil)
	require.Eventually(t, func() bool { return deferred() == "3" }, browser.Patience, 10*time.Millisecond)
	s.edge.seen.fail("", nil)
	p.Evaluate(`leadwire('track', 'kept'), 0`, nil)
	require.Equal(t, "kept", s.hits(1, domain.Custom)[0].Name, "once more and no more; what comes after goes its way")
	p.Wait("held.length === 0")
}

func much(t *testing.T, s *site, p *browser.Page) {
	s.pixels(func(p *domain.Pixel) { p.Consent = domain.ConsentRequired })
	s.open(p, "/")
	// 60 views of long addresses outside of ASCII: 12 KB each as bytes.
	p.Evaluate(`(async function () {
		for (let i = 0; i < 60; i++) {
			document.title = 'ä'.repeat(1500) + i;
			history.pushState({}, '', '/v' + i + '?q=' + 'a'.repeat(1900));
			await new Promise(function (r) { setTimeout(r, 60) });
		}
		leadwire('consent', 'granted');
	})()`, nil)
	require.Eventually(t, func() bool { return len(s.edge.seen.kept()) >= 50 }, browser.Patience, 10*time.Millisecond)
	require.Len(t, s.edge.seen.kept(), 50, "the newest 50 hits wait")
	all := s.edge.seen.kept()
	require.Equal(t, "/v59", all[len(all)-1].Page.Path)
	require.Equal(t, "0", s.edge.hitsCounted(t, "post", "refused", "too_large"))
	quietly(t, p)
}

func pageGoesOn(t *testing.T, s *site, p *browser.Page) {
	s.page("/", `<script>Object.defineProperty(window, 'localStorage', { get: function () { throw Error('blocked') } })</script>`)
	s.open(p, "/")
	s.hits(1, domain.PageView)
	quietly(t, p)

	s.page("/gone", `<script>var faults = []; addEventListener('unhandledrejection', function () { faults.push(1) }); addEventListener('error', function () { faults.push(2) });
		fetch = function () { return Promise.reject(Error('blocked')) }; navigator.sendBeacon = function () { throw Error('blocked') }</script>`)
	s.open(p, "/gone")
	p.Evaluate(`leadwire('track', 'x'), leadwire('consent', 'denied'), leadwire('consent', 'granted'), leadwire(), new Promise(function (r) { setTimeout(r, 200) })`, nil)
	hide(p, "hidden")
	var faults []int
	p.Evaluate("faults", &faults)
	require.Empty(t, faults)
	quietly(t, p)
}

// tap passes connections on to an address, and keeps what clients sent.
type tap struct {
	addr string
	mu   sync.Mutex
	sent bytes.Buffer
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	tp := &tap{addr: ln.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() { tp.pass(from, to) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		open.Wait()
	})
	return tp
}

func (tp *tap) pass(from net.Conn, to string) {
	defer func() { _ = from.Close() }()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, server)
		_ = from.Close()
	})
	_, _ = io.Copy(server, io.TeeReader(from, tp))
	_ = server.Close()
	back.Wait()
}

func (tp *tap) Write(b []byte) (int, error) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.sent.Write(b)
}

func (tp *tap) text() string {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.sent.String()
}
