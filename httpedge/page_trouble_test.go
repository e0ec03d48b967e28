package httpedge_test

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

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
