package httpedge_test

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

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
