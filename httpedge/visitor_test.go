package httpedge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/stretchr/testify/require"
)

// Who a browser is: its cookie, else what its script kept, else somebody new.
func TestVisitor_IsFound(t *testing.T) {
	t.Parallel()
	e := start(t)
	const made = "made here"
	for name, row := range map[string]struct {
		query, cookie string
		want          string
		fresh         bool
	}{
		"nobody yet":                              {"", "", made, true},
		"the script's":                            {"&v=" + known, "", known, false},
		"the script's, which it has just made":    {"&v=" + known + "&n=1", "", known, true},
		"the cookie's":                            {"", known, known, false},
		"the cookie wins":                         {"&v=" + other + "&n=1", known, known, false},
		"letter case does not matter":             {"&v=" + strings.ToUpper(known), "", known, false},
		"what is no UUID is replaced":             {"&v=1234", "5678", made, true},
		"a broken cookie leaves the script's":     {"&v=" + known, "0b9a1c2d-3e4f-4a5b-8c6d-7e8f90a1b2c", known, false},
		"nor is what only looks like one":         {"&v=" + strings.ReplaceAll(known, "-", "_"), "", made, true},
		"an empty id of the script's that is new": {"&v=&n=1", "", made, true},
	} {
		var headers []string
		if row.cookie != "" {
			headers = []string{"Cookie", "leadwire_v=" + row.cookie}
		}
		id := fmt.Sprint("id-", len(e.seen.kept()))
		got := e.hit(t, "px=shop"+row.query, pageView(id, "/"), headers...)
		require.Equal(t, 204, got.status, name)
		all := e.seen.kept()
		hit := all[len(all)-1]
		require.Equal(t, row.fresh, hit.Fresh, name)
		if row.want == made {
			_, valid := pixel.Visitor(string(hit.Visitor))
			require.True(t, valid, name)
			require.NotEqual(t, domain.VisitorID(known), hit.Visitor)
		} else {
			require.Equal(t, domain.VisitorID(row.want), hit.Visitor, name)
		}
		require.Contains(t, got.header.Get("Set-Cookie"), "leadwire_v="+string(hit.Visitor)+";", name)
	}
}

// Over https the cookie goes along from the customer's site, and is that site's alone.
func TestVisitor_CookieOverHTTPS(t *testing.T) {
	t.Parallel()
	const want = "; Max-Age=34128000; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"
	public := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.PublicURL = "https://leads.example.com" })
	require.Equal(t, "leadwire_v="+known+want, public.hit(t, "px=shop&v="+known, pageView("h1", "/")).header.Get("Set-Cookie"))

	proxied := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.TrustedProxies = []string{"127.0.0.0/8"} })
	got := proxied.hit(t, "px=shop&v="+known, pageView("h1", "/"), "X-Forwarded-Proto", "https")
	require.Equal(t, "leadwire_v="+known+want, got.header.Get("Set-Cookie"))
	got = start(t).hit(t, "px=shop&v="+known, pageView("h1", "/"), "X-Forwarded-Proto", "https")
	require.Contains(t, got.header.Get("Set-Cookie"), "SameSite=Lax", "a stranger's word does not count")
}

// GPC goes along with the hit, and sets no cookie.
func TestVisitor_GPC(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.hit(t, "px=shop&v="+known, pageView("h1", "/"), "Sec-GPC", "1")
	require.Equal(t, 204, got.status)
	require.Empty(t, got.header.Get("Set-Cookie"))
	require.True(t, e.seen.kept()[0].GPC)
	e.hit(t, "px=shop&v="+known, pageView("h2", "/"), "Sec-GPC", "0")
	require.False(t, e.seen.kept()[1].GPC)
	require.Empty(t, e.hit(t, "px=shop&gpc=1&v="+known, pageView("h3", "/")).header.Get("Set-Cookie"))
	require.True(t, e.seen.kept()[2].GPC, "the script's word counts too")
}

// A consent that is withdrawn takes the cookie back, and keeps nothing.
func TestVisitor_Forget(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.hit(t, "px=shop&forget=1", "[]", "Cookie", "leadwire_v="+known)
	require.Equal(t, 204, got.status)
	require.Equal(t, "leadwire_v=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", got.header.Get("Set-Cookie"))
	require.Equal(t, "1", e.hitsCounted(t, "post", "dropped", "forgotten"))
	require.Equal(t, 403, e.hit(t, "px=shop&forget=1", "[]", "Origin", "https://evil.example").status, "not for just anybody")
}

// Where a client is: what a trusted proxy says, and nobody else.
func TestClient_IsBehindTrustedProxies(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		proxies   []string
		forwarded string
		want      string
		place     string
	}{
		"nobody is trusted":                     {nil, "203.0.113.1", "127.0.0.1", ""},
		"a proxy that is not ours":              {[]string{"10.0.0.0/8"}, "203.0.113.1", "127.0.0.1", ""},
		"one proxy":                             {[]string{"127.0.0.0/8"}, "203.0.113.1", "203.0.113.1", "US/CA"},
		"by its address":                        {[]string{"127.0.0.1"}, "203.0.113.1", "203.0.113.1", "US/CA"},
		"two proxies":                           {[]string{"127.0.0.1", "10.0.0.0/8"}, "203.0.113.1, 10.1.2.3", "203.0.113.1", "US/CA"},
		"what the client invents stands before": {[]string{"127.0.0.1"}, "198.51.100.9, 203.0.113.1", "203.0.113.1", "US/CA"},
		"with a port":                           {[]string{"127.0.0.1"}, "203.0.113.1:4711", "203.0.113.1", "US/CA"},
		"IPv6":                                  {[]string{"127.0.0.1"}, "2001:db8::1", "2001:db8::1", "US/CA"},
		"IPv4 in IPv6":                          {[]string{"127.0.0.1"}, "::ffff:203.0.113.1", "203.0.113.1", "US/CA"},
		"nonsense ends the walk":                {[]string{"127.0.0.1"}, "203.0.113.1, unknown", "127.0.0.1", "US/CA"},
		"nothing":                               {[]string{"127.0.0.1"}, "", "127.0.0.1", "US/CA"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) {
				c.TrustedProxies, c.CountryHeader, c.RegionHeader = row.proxies, "CF-IPCountry", "CF-Region-Code"
			})
			headers := []string{"CF-IPCountry", "us", "CF-Region-Code", "CA"}
			if row.forwarded != "" {
				headers = append(headers, "X-Forwarded-For", row.forwarded)
			}
			require.Equal(t, 204, e.hit(t, "px=shop", pageView("h1", "/"), headers...).status)
			hit := e.seen.kept()[0]
			require.Equal(t, netip.MustParseAddr(row.want), hit.Address)
			require.Equal(t, row.place, strings.Trim(hit.Country+"/"+hit.State, "/"))
		})
	}
	e := start(t)
	_, err := httpedge.New(httpedge.Config{TrustedProxies: []string{"nowhere"}}, httpedge.Deps{Leads: e.leads, Reader: e.store, Directory: e.dir.get, Stream: e.stream})
	require.ErrorContains(t, err, "trusted_proxies")
}

// A page without scripts loads an image; whatever becomes of it, it gets one.
func TestImage_IsAPageView(t *testing.T) {
	t.Parallel()
	e := start(t)
	get := func(query string, headers ...string) answer {
		return e.send(t, "GET", "/p.gif?"+query, "", append([]string{"User-Agent", firefox}, headers...)...)
	}
	for _, row := range []struct {
		name, query     string
		headers         []string
		outcome, reason string
	}{
		{"a page view", "px=shop", []string{"Referer", shop + "/shoes?utm_source=ads"}, "kept", ""},
		{"no referer", "px=shop", nil, "refused", "origin"},
		{"a stranger's page", "px=shop", []string{"Referer", "https://evil.example/"}, "refused", "origin"},
		{"no pixel", "px=ship", []string{"Referer", shop + "/"}, "refused", "unknown_pixel"},
		{"a program", "px=shop", []string{"Referer", shop + "/", "User-Agent", "curl/8"}, "dropped", "bot"},
		{"a page left out", "px=shop", []string{"Referer", shop + "/account"}, "dropped", "path"},
		{"a pixel that is paused", "px=off", []string{"Referer", shop + "/"}, "dropped", "paused"},
		{"a pixel that asks first", "px=ask", []string{"Referer", shop + "/"}, "dropped", "no_consent"},
		{"also of whoever is known", "px=ask", []string{"Referer", shop + "/", "Cookie", "leadwire_v=" + known}, "dropped", "no_consent"},
	} {
		got := get(row.query, row.headers...)
		require.Equal(t, 200, got.status, row.name)
		require.Equal(t, "image/gif", got.header.Get("Content-Type"))
		require.Equal(t, pixel.GIF, got.body)
		require.Len(t, got.body, 43)
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		require.Equal(t, row.outcome == "kept", got.header.Get("Set-Cookie") != "", row.name)
		require.NotEqual(t, "0", e.hitsCounted(t, "image", row.outcome, row.reason), row.name)
	}
	require.Len(t, e.seen.kept(), 1)
	hit := e.seen.kept()[0]
	require.Equal(t, domain.PageView, hit.Type)
	require.Equal(t, domain.Page{URL: shop + "/shoes?utm_source=ads", Path: "/shoes"}, hit.Page)
	require.Equal(t, "ads", hit.UTM.Source)
	require.True(t, hit.Fresh)
	require.JSONEq(t, fmt.Sprintf(`{"id":%q,"type":"page_view","url":"https://shop.example/shoes?utm_source=ads","by":"image"}`, hit.ID), string(hit.Body))

	e.seen.fail("", domain.Fail("keep hit", domain.Unavailable, nil))
	require.Equal(t, pixel.GIF, get("px=shop", "Referer", shop+"/").body)
	require.Equal(t, "1", e.hitsCounted(t, "image", "deferred", "unavailable"))
	require.Equal(t, 200, e.send(t, "HEAD", "/p.gif?px=shop", "", "User-Agent", firefox, "Referer", shop+"/").status)
	require.Equal(t, "1", e.hitsCounted(t, "image", "dropped", "head"))
}

// The script comes as small as the browser takes it, and not at all while its copy is good.
func TestScript_IsServed(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.http.Transport = &http.Transport{DisableCompression: true}
	plain := e.send(t, "GET", "/p.js?id=shop", "")
	require.Equal(t, 200, plain.status)
	require.Equal(t, "text/javascript; charset=utf-8", plain.header.Get("Content-Type"))
	require.Equal(t, "public, max-age=300, stale-while-revalidate=86400", plain.header.Get("Cache-Control"))
	require.Equal(t, "Accept-Encoding", plain.header.Get("Vary"))
	require.Contains(t, plain.body, `({"id":"shop","deny":["/account/**"]})`)

	packed := e.send(t, "GET", "/p.js?id=shop", "", "Accept-Encoding", "gzip")
	require.Equal(t, "gzip", packed.header.Get("Content-Encoding"))
	unpacked, err := gzip.NewReader(strings.NewReader(packed.body))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	require.Equal(t, plain.body, string(text))
	small := e.send(t, "GET", "/p.js?id=shop", "", "Accept-Encoding", "gzip, deflate, br, zstd")
	require.Equal(t, "br", small.header.Get("Content-Encoding"))
	require.Less(t, len(small.body), len(packed.body))
	require.NotEqual(t, small.header.Get("ETag"), packed.header.Get("ETag"), "another form is another copy")

	same := e.send(t, "GET", "/p.js?id=shop", "", "Accept-Encoding", "br", "If-None-Match", "W/"+small.header.Get("ETag"))
	require.Equal(t, 304, same.status)
	require.Empty(t, same.body)

	require.Contains(t, e.send(t, "GET", "/p.js?id=off", "").body, "paused")
	unknown := e.send(t, "GET", "/p.js?id=ship", "")
	require.Equal(t, 200, unknown.status, "a script that is answered 404 says nothing")
	require.Contains(t, unknown.body, "console.warn")
	require.Equal(t, "no-store", unknown.header.Get("Cache-Control"))
	for result, n := range map[string]string{"served": "4", "unchanged": "1", "unknown_pixel": "1"} {
		require.Equal(t, n, e.metric(t, fmt.Sprintf(`leadwire_pixel_scripts_total{result=%q}`, result)), result)
	}
}

// A page that sends application/json itself is asked for by its browser first.
func TestPreflight(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.send(t, "OPTIONS", "/p?px=shop", "", "Origin", shop, "Access-Control-Request-Method", "POST")
	require.Equal(t, 204, got.status)
	require.Equal(t, shop, got.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "POST", got.header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Content-Type", got.header.Get("Access-Control-Allow-Headers"))
	require.Equal(t, 403, e.send(t, "OPTIONS", "/p?px=shop", "", "Origin", "https://evil.example").status)
	require.Equal(t, 404, e.send(t, "OPTIONS", "/p?px=ship", "", "Origin", shop).status)
}
