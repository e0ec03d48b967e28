package httpedge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

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
