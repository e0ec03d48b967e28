package httpedge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
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
