package httpedge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

const (
	shop    = "https://shop.example"
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	known   = "0b9a1c2d-3e4f-4a5b-8c6d-7e8f90a1b2c3" // a visitor
	other   = "1b9a1c2d-3e4f-4a5b-8c6d-7e8f90a1b2c3"
)

func pixels() []domain.Pixel {
	return []domain.Pixel{
		{ID: "shop", Origins: []string{shop, "https://*.shop.example"}, Deny: []string{"/account/**"}},
		{ID: "slow", Origins: []string{shop}, Rate: 60, RatePerAddress: 55},
		{ID: "off", Origins: []string{shop}, Paused: true},
		{ID: "ask", Origins: []string{shop}, Consent: domain.ConsentRequired},
	}
}

// pageView is a hit as the script writes it.
func pageView(id, path string) string {
	return fmt.Sprintf(`{"id":%q,"type":"page_view","view":"v1","url":"https://shop.example%s","title":"Shoes","referrer":"https://search.example/","at":%d}`,
		id, path, noon.Add(-2*time.Second).UnixMilli())
}

// hit sends a body to POST /p as a browser on the shop's page does; more headers replace those.
func (e *edge) hit(t testing.TB, query, body string, headers ...string) answer {
	t.Helper()
	all := append([]string{"Origin", shop, "User-Agent", firefox, "Content-Type", "text/plain;charset=UTF-8"}, headers...)
	return e.send(t, "POST", "/p?"+query, body, all...)
}

// hitsCounted reads leadwire_pixel_requests_total.
func (e *edge) hitsCounted(t testing.TB, by, outcome, reason string) string {
	t.Helper()
	return e.metric(t, fmt.Sprintf(`leadwire_pixel_requests_total{by=%q,outcome=%q,reason=%q}`, by, outcome, reason))
}

// itemsCounted reads leadwire_pixel_items_total.
func (e *edge) itemsCounted(t testing.TB, outcome, reason string) string {
	t.Helper()
	return e.metric(t, fmt.Sprintf(`leadwire_pixel_items_total{outcome=%q,reason=%q}`, outcome, reason))
}

// A page view reaches its visitor placed, whole, on our clock, and in memory of its own.
func TestHits_KeepsAPageView(t *testing.T) {
	t.Parallel()
	e := start(t)
	body := pageView("h1", "/shoes?utm_source=ads&gclid=G-1#top")
	sent := noon.Add(-time.Second).UnixMilli() // the browser's clock is a second behind
	got := e.hit(t, fmt.Sprintf("px=shop&v=%s&n=1&t=%d", known, sent), body)
	require.Equal(t, 204, got.status, got.body)
	for range 20 { // the server uses its buffers again for others
		e.hit(t, "px=shop", pageView("another", "/"))
	}
	require.Equal(t, domain.Hit{
		Account: "acme", Pixel: "shop", Visitor: known, Fresh: true, ID: "h1", Type: domain.PageView, View: "v1",
		Page: domain.Page{
			URL: "https://shop.example/shoes?utm_source=ads&gclid=G-1", Path: "/shoes", Title: "Shoes", Referrer: "https://search.example/",
		},
		UTM: domain.UTM{Source: "ads"}, Clicks: []domain.Click{{Kind: "gclid", Value: "G-1"}},
		Address: netip.MustParseAddr("127.0.0.1"), UserAgent: firefox, Body: []byte(body),
		OccurredAt: noon.Add(-time.Second), ReceivedAt: noon, // a second before it was sent
	}, e.seen.kept()[0])

	require.Equal(t, shop, got.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, shop, got.header.Get("Timing-Allow-Origin"))
	require.Equal(t, "Origin", got.header.Get("Vary"))
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.Equal(t, "leadwire_v="+known+"; Max-Age=34128000; Path=/; HttpOnly; SameSite=Lax", got.header.Get("Set-Cookie"))

	again := e.hit(t, "px=shop&v="+known, body)
	require.Equal(t, 204, again.status, "a repeat is no fault")
	require.Equal(t, "22", e.hitsCounted(t, "post", "kept", ""))
	require.Equal(t, "2", e.itemsCounted(t, "kept", ""))
	require.Equal(t, "20", e.itemsCounted(t, "duplicate", ""))
	require.Equal(t, "22", e.metric(t, "leadwire_pixel_ack_seconds_count"))
}

// Whose hits are refused, and what they are told.
func TestHits_OnlyFromThePixelsOrigins(t *testing.T) {
	t.Parallel()
	e := start(t)
	for name, row := range map[string]struct {
		query, origin string
		want          int
	}{
		"the pixel's own":                          {"px=shop", shop, 204},
		"letter case is the browser's affair":      {"px=shop", "https://SHOP.example", 204},
		"a host below a wildcard":                  {"px=shop", "https://eu.shop.example", 204},
		"two below":                                {"px=shop", "https://a.b.shop.example", 204},
		"plain http is another origin":             {"px=shop", "http://shop.example", 403},
		"another port too":                         {"px=shop", "https://shop.example:8443", 403},
		"what ends alike":                          {"px=shop", "https://evilshop.example", 403},
		"what begins alike":                        {"px=shop", "https://shop.example.evil.example", 403},
		"a wildcard is one host, not an address":   {"px=shop", "https://evil.example/.shop.example", 403},
		"nor a name before the host":               {"px=shop", "https://evil.example@x.shop.example", 403},
		"a sandboxed frame":                        {"px=shop", "null", 403},
		"no origin: browsers send one with POST":   {"px=shop", "", 403},
		"a pixel that does not exist":              {"px=ship", shop, 404},
		"no pixel":                                 {"", shop, 404},
		"another's pixel does not help a stranger": {"px=slow", "https://eu.shop.example", 403},
	} {
		got := e.hit(t, row.query, pageView(fmt.Sprint("id-", len(e.seen.kept())), "/"), "Origin", row.origin)
		require.Equal(t, row.want, got.status, name)
		if row.want != 204 {
			require.Empty(t, got.header.Get("Access-Control-Allow-Origin"), name)
			require.Empty(t, got.header.Get("Set-Cookie"), name)
			require.NotEmpty(t, got.problem(t).Code)
		}
	}
	require.Equal(t, "2", e.hitsCounted(t, "post", "refused", "unknown_pixel"))
	require.Equal(t, "9", e.hitsCounted(t, "post", "refused", "origin"))
	require.Len(t, e.seen.kept(), 4)
}

// Nothing is read before it is known whose it is: a stranger's body costs nothing, and a good one's is
// bounded.
func TestHits_BodiesAreBounded(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.Equal(t, 403, e.hit(t, "px=shop", "not JSON", "Origin", "https://evil.example").status)
	large := e.hit(t, "px=shop", strings.Repeat(" ", 64<<10)+"[]")
	require.Equal(t, 413, large.status)
	require.Equal(t, shop, large.header.Get("Access-Control-Allow-Origin"), "the page may read why")
	many := e.hit(t, "px=shop", "["+strings.Repeat(`{},`, 50)+"{}]")
	require.Equal(t, 400, many.status)
	require.Equal(t, "count", many.problem(t).Rule)
	for rule, body := range map[string]string{
		"json": "{", "type": `"x"`, "utf8": "\"\xff\"", "duplicate_key": `{"id":"a","id":"b"}`, "depth": strings.Repeat("[", 20) + strings.Repeat("]", 20),
	} {
		got := e.hit(t, "px=shop", body)
		require.Equal(t, 400, got.status, rule)
		require.Equal(t, rule, got.problem(t).Rule)
		require.Equal(t, "1", e.hitsCounted(t, "post", "refused", rule))
	}
	require.Equal(t, "0", e.metric(t, "leadwire_ingest_body_bytes"), "what was held is given back")
	require.Empty(t, e.seen.kept())
}

// Programs, prefetching browsers and paused pixels are told that all is well.
func TestHits_WhoIsNotCounted(t *testing.T) {
	t.Parallel()
	e := start(t)
	for _, row := range []struct {
		reason, query string
		headers       []string
	}{
		{"bot", "px=shop", []string{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}},
		{"no_agent", "px=shop", []string{"User-Agent", ""}},
		{"prefetch", "px=shop", []string{"Sec-Purpose", "prefetch;prerender"}},
		{"paused", "px=off", nil},
	} {
		got := e.hit(t, row.query, pageView("h1", "/"), row.headers...)
		require.Equal(t, 204, got.status, row.reason)
		require.Empty(t, got.header.Get("Set-Cookie"))
		require.Equal(t, "1", e.hitsCounted(t, "post", "dropped", row.reason), row.reason)
	}
	require.Empty(t, e.seen.kept())
}

// One bad hit of many refuses itself alone, and the others keep their order.
func TestHits_EachHasItsOutcome(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.Equal(t, 204, e.hit(t, "px=shop", pageView("h0", "/")).status)
	got := e.hit(t, "px=shop", "["+strings.Join([]string{
		pageView("h0", "/"), pageView("h1", "/"), `{"id":"h2","type":"identify","url":"https://shop.example/","email":"a@b.example"}`,
		pageView("h3", "/account/settings"), pageView("h4", "/b"), `{"id":"h5","type":"page_view","url":"https://evil.example/"}`,
	}, ",")+"]")
	require.Equal(t, 200, got.status)
	require.JSONEq(t, `{"items":[
		{"id":"h0","outcome":"duplicate"}, {"id":"h1","outcome":"kept"}, {"id":"h2","outcome":"refused","field":"email","rule":"clear"},
		{"id":"h3","outcome":"dropped"}, {"id":"h4","outcome":"kept"}, {"id":"h5","outcome":"refused","field":"url","rule":"origin"}]}`, got.body)
	require.Equal(t, []domain.EventID{"h0", "h1", "h4"}, ids(e.seen.kept()))
	require.Equal(t, "1", e.hitsCounted(t, "post", "partial", ""))
	require.Equal(t, "1", e.itemsCounted(t, "dropped", "path"))
	require.Equal(t, "1", e.itemsCounted(t, "refused", "clear"))
	dropped := e.hit(t, "px=shop", pageView("h9", "/account"))
	require.Equal(t, 204, dropped.status, "left out on purpose is not a fault")
}

func ids(hits []domain.Hit) (all []domain.EventID) {
	for _, h := range hits {
		all = append(all, h.ID)
	}
	return all
}

// What is our trouble is put off: all of it by 429, some of it by its outcome, and never past one that
// waits.
func TestHits_AreDeferred(t *testing.T) {
	t.Parallel()
	for reason, err := range map[string]error{
		"unavailable": domain.Fail("keep hit", domain.Unavailable, nil), "fenced": domain.ErrFenced,
		"timeout": context.DeadlineExceeded, "internal": fmt.Errorf("no disk"),
	} {
		e := start(t)
		e.seen.fail("h1", err)
		got := e.hit(t, "px=shop", "["+pageView("h0", "/")+","+pageView("h1", "/")+","+pageView("h2", "/")+"]")
		require.Equal(t, 429, got.status, "they are one step")
		require.Empty(t, e.seen.kept())
		require.Equal(t, "3", e.itemsCounted(t, "deferred", reason))
		mixed := e.hit(t, "px=shop", "["+pageView("h0", "/account")+","+pageView("h1", "/")+",{},"+pageView("h2", "/")+"]")
		require.Equal(t, 200, mixed.status)
		var out struct {
			Items []struct{ ID, Outcome string }
		}
		require.NoError(t, json.Unmarshal([]byte(mixed.body), &out))
		require.Len(t, out.Items, 4)
		for i, outcome := range []string{"dropped", "deferred", "refused", "deferred"} {
			require.Equal(t, outcome, out.Items[i].Outcome, i)
		}

		all := e.hit(t, "px=shop", pageView("h1", "/"))
		require.Equal(t, 429, all.status)
		require.NotEmpty(t, all.header.Get("Retry-After"))
		require.Equal(t, shop, all.header.Get("Access-Control-Allow-Origin"), "the script has to see the status")
		require.Equal(t, "2", e.hitsCounted(t, "post", "deferred", "unavailable"))
		e.seen.fail("h1", nil)
		require.Equal(t, 204, e.hit(t, "px=shop", "["+pageView("h1", "/")+","+pageView("h2", "/")+"]").status)
		require.Equal(t, 1, e.seen.calls, "one call for a request")
	}
	e := start(t)
	e.seen.fail("h1", domain.FailField("keep hit", "name", "is odd"))
	got := e.hit(t, "px=shop", pageView("h1", "/"))
	require.Equal(t, 200, got.status, "what the store finds wrong would be wrong every time")
	require.JSONEq(t, `{"items":[{"id":"h1","outcome":"refused","field":"","rule":"rejected"}]}`, got.body)
}

// More hits than the rate are put off until there is room: of one address, and of the pixel.
func TestHits_Rates(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.TrustedProxies = []string{"127.0.0.1"} })
	from := func(address string) []string { return []string{"X-Forwarded-For", address} }
	for i := range 55 {
		require.Equal(t, 204, e.hit(t, "px=slow", pageView(fmt.Sprint("a", i), "/"), from("203.0.113.1")...).status, i)
	}
	over := e.hit(t, "px=slow", pageView("late", "/"), from("203.0.113.1")...)
	require.Equal(t, 429, over.status, "55 a second from one address")
	require.Equal(t, "1", over.header.Get("Retry-After"))
	require.Equal(t, "rate_address", over.problem(t).Rule)
	for i := range 5 {
		require.Equal(t, 204, e.hit(t, "px=slow", pageView(fmt.Sprint("b", i), "/"), from("203.0.113.2")...).status, "another address has its own")
	}
	require.Equal(t, "rate_pixel", e.hit(t, "px=slow", pageView("late", "/"), from("203.0.113.3")...).problem(t).Rule, "60 a second from all")
	require.Equal(t, 204, e.hit(t, "px=shop", pageView("else", "/"), from("203.0.113.1")...).status, "another pixel has its own")
	e.clock.add(time.Second)
	require.Equal(t, 204, e.hit(t, "px=slow", pageView("late", "/"), from("203.0.113.1")...).status, "a second later there is room")
	require.Equal(t, "1", e.hitsCounted(t, "post", "deferred", "rate_address"))
	require.Equal(t, "1", e.hitsCounted(t, "post", "deferred", "rate_pixel"))
	require.Equal(t, "3", e.metric(t, "leadwire_pixel_addresses"), "of this pixel two, of the other one; who was refused is not remembered")
}

// Requests that wait for their commit are bounded, and a drain waits for them.
func TestHits_InFlight(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.HitsInFlight = 1 })
	entered, open := make(chan struct{}), make(chan struct{})
	e.seen.hold(func(context.Context) error {
		close(entered)
		<-open
		return nil
	})
	first := make(chan answer, 1)
	go func() { first <- e.hit(t, "px=shop", pageView("h1", "/")) }()
	<-entered
	require.Equal(t, "1", e.metric(t, "leadwire_pixel_in_flight"))
	second := e.hit(t, "px=shop", pageView("h2", "/"))
	require.Equal(t, 429, second.status)
	require.Equal(t, "overloaded", second.problem(t).Rule)

	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, e.Drain(short), context.DeadlineExceeded, "a hit waits for its commit")
	require.Equal(t, "draining", e.hit(t, "px=shop", pageView("h3", "/")).problem(t).Rule)
	close(open)
	require.Equal(t, 204, (<-first).status)
	require.NoError(t, e.Drain(t.Context()))
}

// Without visitors there are no pixels.
func TestHits_NoPixels(t *testing.T) {
	t.Parallel()
	e := start(t, func(_ *httpedge.Config, d *httpedge.Deps) { d.Visitors = nil })
	require.Equal(t, 404, e.hit(t, "px=shop", pageView("h1", "/")).status)
	for _, path := range []string{"/p.gif?px=shop", "/p.js?id=shop"} {
		require.Equal(t, 404, e.send(t, "GET", path, "").status)
	}
}
