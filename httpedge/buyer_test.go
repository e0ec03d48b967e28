package httpedge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

var nobody domain.BuyerKey

// page is the answer of GET /api/buyer/leads.
type page struct {
	Leads []struct {
		ID         string          `json:"id"`
		State      string          `json:"state"`
		Campaign   string          `json:"campaign"`
		Contact    json.RawMessage `json:"contact"`
		ReceivedAt string          `json:"received_at"`
		AssignedAt string          `json:"assigned_at"`
		AssignSeq  int             `json:"assign_seq"`
		LastSeq    int             `json:"last_seq"`
	} `json:"leads"`
	NextCursor string `json:"next_cursor"`
	Head       string `json:"head"`
}

func (a answer) page(t testing.TB) (p page) {
	t.Helper()
	require.Equal(t, 200, a.status, a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	return p
}

func (p page) ids() (ids []string) {
	for _, l := range p.Leads {
		ids = append(ids, l.ID)
	}
	return ids
}

func TestLeads_PagesNewestFirst(t *testing.T) {
	t.Parallel()
	e := start(t)
	for n := range 5 {
		e.store.assign(anna, fmt.Sprintf("ghl-%d", n+1))
	}
	first := e.get(t, "/api/buyer/leads?limit=2", anna)
	p := first.page(t)
	require.Equal(t, []string{"ghl-5", "ghl-4"}, p.ids())
	require.Equal(t, "5f3a01cc-5", p.Head)
	require.Equal(t, "2026-11-22T12:00:00.012Z", p.Leads[0].AssignedAt, "UTC, milliseconds")
	require.JSONEq(t, `{"first_name":"Zoë"}`, string(p.Leads[0].Contact))
	require.Equal(t, 5, p.Leads[0].AssignSeq)
	require.Equal(t, "private, no-cache", first.header.Get("Cache-Control"))
	require.Equal(t, "2026-11-22T12:00:00.000Z", first.header.Get("Leadwire-Now"))

	p = e.get(t, "/api/buyer/leads?limit=2&cursor="+p.NextCursor, anna).page(t)
	require.Equal(t, []string{"ghl-3", "ghl-2"}, p.ids())
	p = e.get(t, "/api/buyer/leads?limit=2&cursor="+p.NextCursor, anna).page(t)
	require.Equal(t, []string{"ghl-1"}, p.ids())
	require.Empty(t, p.NextCursor, "the last page leads nowhere")
	require.Empty(t, e.get(t, "/api/buyer/leads?limit=5", anna).page(t).NextCursor, "a full last page leads nowhere either")

	empty := e.get(t, "/api/buyer/leads", bert)
	require.JSONEq(t, `{"leads":[],"head":"5f3a01cc-0"}`, empty.body)
}

// A dashboard that has the page costs one read of the head; any change makes its copy old.
func TestLeads_AnswersNotModified(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.store.assign(anna, "ghl-1")
	tag := e.get(t, "/api/buyer/leads", anna).header.Get("ETag")
	require.NotEmpty(t, tag)
	reads := e.store.reads
	for _, header := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		got := e.get(t, "/api/buyer/leads", anna, "If-None-Match", header)
		require.Equal(t, 304, got.status, header)
		require.Empty(t, got.body)
		require.Equal(t, tag, got.header.Get("ETag"))
		require.NotEmpty(t, got.header.Get("Leadwire-Now"), "the clock's offset is worth knowing every time")
	}
	require.Equal(t, reads, e.store.reads, "no rows were read")
	require.Equal(t, 200, e.get(t, "/api/buyer/leads?limit=7", anna, "If-None-Match", tag).status, "another page is another thing")
	require.Equal(t, 200, e.get(t, "/api/buyer/leads", bert, "If-None-Match", tag).status, "and so is another buyer's")
	e.store.assign(anna, "ghl-2")
	got := e.get(t, "/api/buyer/leads", anna, "If-None-Match", tag)
	require.Equal(t, []string{"ghl-2", "ghl-1"}, got.page(t).ids())
	require.NotEqual(t, tag, got.header.Get("ETag"))
}

func TestLeads_RefusesBadQueries(t *testing.T) {
	t.Parallel()
	e := start(t)
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=201": "limit", "limit=-1": "limit", "limit=ten": "limit",
		"cursor=!": "cursor", "cursor=YQ": "cursor", "cursor=YTA": "cursor", "cursor=YS01": "cursor", "cursor=YjU": "cursor",
	} {
		got := e.get(t, "/api/buyer/leads?"+query, anna)
		require.Equal(t, 400, got.status, query)
		require.Equal(t, field, got.problem(t).Field, query)
	}
}

// A buyer sees its own leads; for all others it is as if there were none.
func TestLead_OfAnotherIsNotThere(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.store.assign(anna, "ghl-1")
	e.store.assign(domain.BuyerKey{Account: "other", Buyer: "anna"}, "ghl-9")
	mine := e.get(t, "/api/buyer/leads/ghl-1", anna)
	require.Equal(t, 200, mine.status)
	require.Contains(t, mine.body, `"id":"ghl-1"`)
	for why, got := range map[string]answer{
		"another buyer's":          e.get(t, "/api/buyer/leads/ghl-1", bert),
		"another account's":        e.get(t, "/api/buyer/leads/ghl-9", anna),
		"nobody's":                 e.get(t, "/api/buyer/leads/ghl-404", anna),
		"an id that cannot be one": e.get(t, "/api/buyer/leads/a%20b", anna),
	} {
		require.Equal(t, 404, got.status, why)
		require.Equal(t, "no such lead", got.problem(t).Detail, "and nothing tells the cases apart")
	}
}

// While the store is away a dashboard is told to come back, in words that say nothing of our insides.
func TestLeads_WithoutTheStore(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.store.assign(anna, "ghl-1")
	e.store.fail(domain.Fail("read", domain.Unavailable, fmt.Errorf("10.0.0.7: refused")))
	for _, path := range []string{"/api/buyer/leads", "/api/buyer/leads/ghl-1"} {
		got := e.get(t, path, anna)
		require.Equal(t, 503, got.status)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.Empty(t, got.header.Get("ETag"))
		require.NotContains(t, got.body, "10.0.0.7")
		require.Equal(t, "unavailable", got.problem(t).Code)
	}
	e.store.fail(fmt.Errorf("no idea"))
	got := e.get(t, "/api/buyer/leads", anna)
	require.Equal(t, 500, got.status)
	require.NotContains(t, got.body, "no idea")
}

// Every route of a buyer wants a good token, and says why it took none.
func TestBuyer_NeedsAToken(t *testing.T) {
	t.Parallel()
	e := start(t)
	good := mint(anna)
	routes := []string{"GET /api/buyer/leads", "GET /api/buyer/leads/ghl-1", "GET /api/buyer/events", "POST /api/buyer/seen"}
	for _, row := range []struct {
		why, name, value, reason string
	}{
		{"no token", "X-Nothing", "", "missing"},
		{"another scheme", "Authorization", "Basic YTpi", "missing"},
		{"nonsense", "Authorization", "Bearer nonsense", "malformed"},
		{"one character changed", "Authorization", "Bearer " + strings.Replace(good, "lwb1.Y", "lwb1.Z", 1), "forged"},
		{"a bad cookie", "Cookie", "leadwire_buyer=nonsense", "malformed"},
	} {
		for _, r := range routes {
			method, path, _ := strings.Cut(r, " ")
			got := e.send(t, method, path, "", row.name, row.value)
			require.Equal(t, 401, got.status, "%s: %s", r, row.why)
			require.Equal(t, row.reason, got.problem(t).Rule, "%s: %s", r, row.why)
			require.NotEmpty(t, got.header.Get("WWW-Authenticate"))
		}
	}
	require.Equal(t, fmt.Sprint(2*len(routes)), e.metric(t, `leadwire_buyer_unauthorized_total{reason="missing"}`))
	require.Equal(t, fmt.Sprint(len(routes)), e.metric(t, `leadwire_buyer_unauthorized_total{reason="forged"}`))
	require.Equal(t, "0", e.metric(t, `leadwire_buyer_unauthorized_total{reason="expired"}`))

	e.clock.add(time.Hour)
	require.Equal(t, "expired", e.get(t, "/api/buyer/leads", anna).problem(t).Rule)
	c := e.dir.get().Catalog
	c.Accounts[0].Buyers[0].Tokens = nil
	e.dir.set(c)
	require.Equal(t, "revoked", e.get(t, "/api/buyer/leads", anna).problem(t).Rule)
}

// The stream is handed to its holder as the buyer of the token, by header or by cookie.
func TestEvents_AreTheBuyersOwn(t *testing.T) {
	t.Parallel()
	e := start(t)
	require.Equal(t, "stream of acme/anna", e.get(t, "/api/buyer/events", anna).body)
	require.Equal(t, "stream of acme/bert", e.send(t, "GET", "/api/buyer/events", "", "Cookie", "leadwire_buyer="+mint(bert)).body)
	both := e.get(t, "/api/buyer/events", anna, "Cookie", "leadwire_buyer="+mint(bert))
	require.Equal(t, "stream of acme/anna", both.body, "a header goes before a cookie")
	require.Equal(t, 405, e.send(t, "HEAD", "/api/buyer/events", "", "Authorization", "Bearer "+mint(anna)).status, "a stream has no head: it never ends")
}

// The link a buyer is given works once per browser: the token goes into a cookie no script can read, and
// out of the address.
func TestPage_TakesTheTokenOutOfTheAddress(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.get(t, "/?token="+mint(anna), nobody)
	require.Equal(t, 303, got.status)
	require.Equal(t, "/", got.header.Get("Location"))
	require.Equal(t, "no-referrer", got.header.Get("Referrer-Policy"))
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	cookies, err := http.ParseSetCookie(got.header.Get("Set-Cookie"))
	require.NoError(t, err)
	require.Equal(t, "leadwire_buyer", cookies.Name)
	require.True(t, cookies.HttpOnly)
	require.False(t, cookies.Secure, "plain HTTP on this machine")
	require.Equal(t, http.SameSiteLaxMode, cookies.SameSite)
	require.Equal(t, "/", cookies.Path)
	require.Equal(t, 3600, cookies.MaxAge, "it ends with the token")
	require.Equal(t, "stream of acme/anna", e.send(t, "GET", "/api/buyer/events", "", "Cookie", cookies.Name+"="+cookies.Value).body)

	bad := e.get(t, "/?token=nonsense", nobody)
	require.Equal(t, 401, bad.status)
	require.Empty(t, bad.header.Get("Set-Cookie"))
	require.Equal(t, "no-referrer", bad.header.Get("Referrer-Policy"))
	require.Equal(t, "page of /", e.get(t, "/", nobody).body, "the page itself is no secret")
	require.Equal(t, "page of /ops", e.get(t, "/ops?token="+mint(anna), nobody).body, "the operator's page takes no token")
	require.Empty(t, e.get(t, "/ops?token="+mint(anna), nobody).header.Get("Set-Cookie"))
	require.Equal(t, "page of /assets/js/app.js", e.get(t, "/assets/js/app.js", nobody).body)

	secure := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.PublicURL = "https://leads.example.com" })
	require.Contains(t, secure.get(t, "/?token="+mint(anna), nobody).header.Get("Set-Cookie"), "secure")
}

func TestSeen_IsKeptAndTold(t *testing.T) {
	t.Parallel()
	e := start(t)
	for n := range 3 {
		e.store.assign(anna, fmt.Sprint("ghl-", n))
	}
	report := `[{"seq":1,"client_received_at":"2026-11-22T11:59:59.100Z","rendered_at":"2026-11-22T11:59:59.116Z"},
		{"seq":3,"client_received_at":"2026-11-22T12:00:04.999Z","rendered_at":"2026-11-22T12:00:04.999Z"}]`
	for range 2 { // sendBeacon may come twice
		got := e.send(t, "POST", "/api/buyer/seen", report, "Content-Type", "text/plain;charset=UTF-8", "Cookie", "leadwire_buyer="+mint(anna))
		require.Equal(t, 204, got.status, got.body)
		require.False(t, got.close)
	}
	require.Len(t, e.store.seen, 2)
	require.Equal(t, domain.Seen{
		Account: "acme", Buyer: "anna", Seq: 1, ReportedAt: noon,
		ClientReceivedAt: noon.Add(-900 * time.Millisecond), RenderedAt: noon.Add(-884 * time.Millisecond),
	}, e.store.seen["acme/anna/1"])
	require.Len(t, e.told.seen, 4, "telemetry decides itself which report counts")
	require.Equal(t, "2", e.metric(t, `leadwire_buyer_seen_total{result="new"}`))
	require.Equal(t, "2", e.metric(t, `leadwire_buyer_seen_total{result="repeat"}`))
}

func TestSeen_Refuses(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.store.assign(anna, "ghl-1")
	one := func(seq int, received, rendered string) string {
		return fmt.Sprintf(`{"seq":%d,"client_received_at":%q,"rendered_at":%q}`, seq, received, rendered)
	}
	const at, later = "2026-11-22T11:59:00.000Z", "2026-11-22T11:59:00.001Z"
	for _, row := range []struct {
		why, body string
		status    int
		field     string
	}{
		{"nothing", ``, 400, ""},
		{"an empty report", `[]`, 400, ""},
		{"an object", one(1, at, at), 400, ""},
		{"a sequence that is text", `[{"seq":"1"}]`, 400, ""},
		{"before the first event", `[` + one(0, at, at) + `]`, 400, "[0].seq"},
		{"an event that has not happened", `[` + one(1, at, at) + `,` + one(2, at, at) + `]`, 400, "[1].seq"},
		{"no time", `[{"seq":1}]`, 400, "[0].client_received_at"},
		{"a time in words", `[` + one(1, at, "soon") + `]`, 400, "[0].rendered_at"},
		{"received in the future", `[` + one(1, "2026-11-22T12:00:05.001Z", "2026-11-22T12:00:05.001Z") + `]`, 400, "[0].client_received_at"},
		{"rendered before it was received", `[` + one(1, later, at) + `]`, 400, "[0].rendered_at"},
		{"received in another century", `[` + one(1, "1970-01-01T00:00:00Z", at) + `]`, 400, "[0].client_received_at"},
		{"more than a report may hold", `[` + strings.Repeat(`{"seq":1},`, 500) + `{"seq":1}]`, 400, ""},
		{"longer than sendBeacon sends", `[` + strings.Repeat(" ", 70<<10) + `]`, 413, ""},
	} {
		got := e.send(t, "POST", "/api/buyer/seen", row.body, "Authorization", "Bearer "+mint(anna))
		require.Equal(t, row.status, got.status, row.why)
		require.Equal(t, row.field, got.problem(t).Field, row.why)
	}
	require.Empty(t, e.store.seen)
	require.Empty(t, e.told.seen)
	e.store.fail(domain.Fail("record", domain.Unavailable, nil))
	require.Equal(t, 503, e.send(t, "POST", "/api/buyer/seen", `[`+one(1, at, at)+`]`, "Authorization", "Bearer "+mint(anna)).status)
	require.Empty(t, e.told.seen)
}
