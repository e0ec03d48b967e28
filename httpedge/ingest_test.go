package httpedge_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

// A signed webhook reaches the leads placed, whole and in memory of its own.
func TestIngest_KeepsAnEvent(t *testing.T) {
	t.Parallel()
	e := start(t)
	body := contact("c1")
	got := e.post(t, body)
	require.Equal(t, 200, got.status, got.body)
	require.JSONEq(t, `{"status":"kept"}`, got.body)
	require.Empty(t, got.header.Get("Server"), "who we are is nobody's business")
	for range 20 { // the server uses its buffers again for others
		e.post(t, contact("another"))
	}
	kept := e.leads.kept()["w-c1"]
	require.Equal(t, domain.AccountID("acme"), kept.Account)
	require.Equal(t, domain.CampaignID("solar"), kept.Campaign)
	require.Equal(t, domain.LeadID("ghl-c1"), kept.Lead)
	require.Equal(t, body, string(kept.Body))
	require.Equal(t, noon, kept.ReceivedAt)
	require.JSONEq(t, `{"first_name":"Zoë"}`, string(kept.Contact))

	again := e.post(t, body)
	require.Equal(t, 200, again.status)
	require.JSONEq(t, `{"status":"duplicate"}`, again.body)
	require.Equal(t, "2", e.counted(t, "ed25519", "kept", ""))
	require.Equal(t, "20", e.counted(t, "ed25519", "duplicate", ""))
	require.Equal(t, "22", e.metric(t, `leadwire_ingest_ack_seconds_count{source="ghl"}`))
}

// Senders say what they like of the body's type, and may send it in chunks.
func TestIngest_TakesAnyFraming(t *testing.T) {
	t.Parallel()
	e := start(t)
	for i, kind := range []string{"", "application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		body := contact(fmt.Sprint("type", i))
		got := e.send(t, "POST", "/leads/webhook/ghl", body, signature.GHLHeader, signature.SignGHL(e.key, []byte(body)), "Content-Type", kind)
		require.Equal(t, 200, got.status, kind)
	}
	body := contact("chunks")
	r, err := http.NewRequestWithContext(t.Context(), "POST", e.url+"/leads/webhook/ghl", io.MultiReader(strings.NewReader(body[:9]), strings.NewReader(body[9:])))
	require.NoError(t, err)
	r.Header.Set(signature.GHLHeader, signature.SignGHL(e.key, []byte(body)))
	got := e.do(t, r)
	require.Equal(t, 200, got.status, got.body)
	require.False(t, got.close, "a body that was read to its end leaves the connection good")
	r, err = http.NewRequestWithContext(t.Context(), "POST", e.url+"/leads/webhook/ghl", strings.NewReader(contact("waits")))
	require.NoError(t, err)
	r.Header.Set(signature.GHLHeader, signature.SignGHL(e.key, []byte(contact("waits"))))
	r.Header.Set("Expect", "100-continue")
	require.Equal(t, 200, e.do(t, r).status)
	require.Len(t, e.leads.kept(), 8)
}

// Everything that is not a genuine, readable event of somebody here is turned away: nothing reaches the
// leads, and exactly one counter says why.
func TestIngest_Refuses(t *testing.T) {
	t.Parallel()
	deep := `{"type":"ContactCreate","locationId":"L","id":"c","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`
	for _, row := range []struct {
		why    string
		body   string
		sign   bool
		header []string
		status int
		count  [3]string // scheme, outcome, reason
		field  string
	}{
		{"no signature", contact("c"), false, nil, 401, [3]string{"none", "unverified", "missing"}, ""},
		{"N/A for a signature", contact("c"), false, []string{signature.GHLHeader, "N/A"}, 401, [3]string{"none", "unverified", "missing"}, ""},
		{"nonsense for a signature", contact("c"), false, []string{signature.GHLHeader, "nonsense"}, 401, [3]string{"none", "unverified", "malformed"}, ""},
		{"a forged signature", contact("c"), false, []string{signature.GHLHeader, strings.Repeat("A", 86) + "=="}, 401, [3]string{"ed25519", "unverified", "mismatch"}, ""},
		{"a legacy signature where it is off", contact("c"), false, []string{signature.GHLLegacyHeader, strings.Repeat("A", 683) + "="}, 401, [3]string{"rsa4096", "unverified", "scheme_disabled"}, ""},
		{"an unsigned body that is no JSON is not even parsed", `{{{`, false, nil, 401, [3]string{"none", "unverified", "missing"}, ""},
		{"no body", ``, true, nil, 400, [3]string{"ed25519", "refused", "json"}, ""},
		{"malformed JSON", `{"type":`, true, nil, 400, [3]string{"ed25519", "refused", "json"}, ""},
		{"nested too deep", deep, true, nil, 400, [3]string{"ed25519", "refused", "depth"}, ""},
		{"a key twice", `{"type":"ContactCreate","locationId":"L","id":"a","id":"b"}`, true, nil, 400, [3]string{"ed25519", "refused", "duplicate_key"}, "id"},
		{"bytes that are no UTF-8", "{\"type\":\"\xff\"}", true, nil, 400, [3]string{"ed25519", "refused", "utf8"}, ""},
		{"too many values", `{"x":[` + strings.Repeat("1,", 20000) + `1]}`, true, nil, 400, [3]string{"ed25519", "refused", "count"}, ""},
		{"a needed field missing", `{"type":"ContactCreate","locationId":"L"}`, true, nil, 400, [3]string{"ed25519", "refused", "required"}, "id"},
		{"a needed field of another type", `{"type":"ContactCreate","locationId":"L","id":1}`, true, nil, 400, [3]string{"ed25519", "refused", "type"}, "id"},
		{"a type that is no word", `{"type":"a b","locationId":"L","id":"c"}`, true, nil, 400, [3]string{"ed25519", "refused", "form"}, "type"},
		{"somebody else's location", `{"type":"ContactCreate","locationId":"M","id":"c"}`, true, nil, 403, [3]string{"ed25519", "refused", "unknown_tenant"}, ""},
		{"longer than the source may send", `"` + strings.Repeat("x", 64<<10) + `"`, true, nil, 413, [3]string{"none", "refused", "too_large"}, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			e := start(t)
			require.Equal(t, "0", e.counted(t, row.count[0], row.count[1], row.count[2]), "the counter is born at zero")
			if row.sign {
				row.header = append(row.header, signature.GHLHeader, signature.SignGHL(e.key, []byte(row.body)))
			}
			got := e.send(t, "POST", "/leads/webhook/ghl", row.body, row.header...)
			require.Equal(t, row.status, got.status, got.body)
			require.Equal(t, "1", e.counted(t, row.count[0], row.count[1], row.count[2]))
			require.Empty(t, e.leads.kept())
			require.Equal(t, "0", e.metric(t, "leadwire_ingest_body_bytes"), "what it held is given back")
			require.Equal(t, "0", e.metric(t, "leadwire_ingest_in_flight"))
			if row.status == 401 {
				require.Empty(t, got.body, "a forger learns nothing")
				return
			}
			p := got.problem(t)
			require.Equal(t, row.count[2], p.Rule)
			require.Equal(t, row.field, p.Field)
			require.NotEmpty(t, p.Detail)
		})
	}
}

// Over a real socket an empty header is there, and hides no weaker one behind it.
func TestIngest_EmptyHeaderIsNoWayDown(t *testing.T) {
	t.Parallel()
	e := start(t)
	body := contact("c")
	good := signature.SignGHL(e.key, []byte(body)) // good in the legacy header too
	got := e.raw(t, fmt.Sprintf("POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\n%s:\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		signature.GHLHeader, signature.GHLLegacyHeader, good, len(body), body))
	require.Equal(t, 401, got.status)
	require.Empty(t, e.leads.kept())
}

// raw writes bytes to a connection of its own and reads one response.
func (e *edge) raw(t testing.TB, request string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	return response(t, conn)
}

func response(t testing.TB, conn net.Conn) answer {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// Bodies that do not arrive as announced are cut off, and the connection with them: what follows would be
// taken for a request.
func TestIngest_CutsOffBodies(t *testing.T) {
	t.Parallel()
	head := "POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\n"
	for _, row := range []struct {
		why     string
		request string
		status  int
		reason  string
	}{
		{"a body that stops coming", head + "Content-Length: 1000\r\n\r\n{", 429, "slow"},
		{"a long body that stops coming", head + "Content-Length: 60000\r\n\r\n" + strings.Repeat("x", 20000), 429, "slow"},
		{"chunks that stop coming", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n", 429, "slow"},
		{"chunks that are none", head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "aborted"},
		{"a declared length over the cap, nothing sent but a byte", head + "Content-Length: 1000000000\r\n\r\n{", 413, "too_large"},
		{"chunks without end", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("8000\r\n"+strings.Repeat("x", 0x8000)+"\r\n", 4), 413, "too_large"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) {
				if row.reason == "slow" {
					c.ReadTimeout = time.Second
				}
			})
			got := e.raw(t, row.request)
			require.Equal(t, row.status, got.status, got.body)
			require.True(t, got.close)
			if row.status == 429 { // a slow sender may be a genuine one
				require.NotEmpty(t, got.header.Get("Retry-After"))
				require.Equal(t, "1", e.counted(t, "none", "deferred", row.reason))
			} else {
				require.Equal(t, row.reason, got.problem(t).Rule)
				require.Equal(t, "1", e.counted(t, "none", "refused", row.reason))
			}
			require.Equal(t, "0", e.metric(t, "leadwire_ingest_body_bytes"))
			require.Empty(t, e.leads.kept())
		})
	}
}

// A sender that hangs up inside its body is counted, though nobody is left to answer.
func TestIngest_CountsAbortedBodies(t *testing.T) {
	t.Parallel()
	e := start(t)
	conn, err := net.Dial("tcp", e.addr)
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /leads/webhook/ghl HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	got := response(t, conn)
	require.Equal(t, 400, got.status)
	require.NoError(t, conn.Close())
	require.Equal(t, "1", e.counted(t, "none", "refused", "aborted"))
}

// A body nobody reads must not become the connection's next request.
func TestServe_ClosesBehindUnreadBodies(t *testing.T) {
	t.Parallel()
	e := start(t)
	inner := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, line := range []string{"POST /nowhere", "GET /healthz", "POST /leads/webhook/nobody", "DELETE /api/buyer/seen", "POST /api/buyer/seen", "GET /api/buyer/leads"} {
		conn, err := net.Dial("tcp", e.addr)
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", line, len(inner), inner)
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		all, err := io.ReadAll(conn)
		require.NoError(t, err, line)
		require.Equal(t, 1, strings.Count(string(all), "HTTP/1.1 "), "%s was answered twice: %s", line, all)
		require.NoError(t, conn.Close())
	}
}

// Whatever keeps us from keeping a genuine event, the sender is told to come back: any other code would be
// its last word.
func TestIngest_PutsOff(t *testing.T) {
	t.Parallel()
	stuck := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, row := range []struct {
		why    string
		set    func(e *edge)
		reason string
		scheme string
	}{
		{"the store cannot take it", func(e *edge) { e.leads.fail(domain.Fail("receive", domain.Unavailable, nil)) }, "unavailable", "ed25519"},
		{"the partition moved away", func(e *edge) { e.leads.fail(domain.ErrFenced) }, "fenced", "ed25519"},
		{"a bug of ours", func(e *edge) { e.leads.fail(errors.New("no idea")) }, "internal", "ed25519"},
		{"the commit does not come back", func(e *edge) { e.leads.hold(stuck) }, "timeout", "ed25519"},
		{"the source's key was mistyped", func(e *edge) {
			c := e.dir.get().Catalog
			c.Sources = []domain.Source{{ID: "ghl", Kind: "ghl", PublicKeys: []string{"typo"}}}
			e.dir.set(c)
		}, "misconfigured", "none"},
		{"the source is of a kind this version does not know", func(e *edge) {
			c := e.dir.get().Catalog
			c.Sources = []domain.Source{{ID: "ghl", Kind: "carrier-pigeon"}}
			e.dir.set(c)
		}, "misconfigured", "none"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.IngestTimeout = 100 * time.Millisecond })
			row.set(e)
			require.Equal(t, "0", e.counted(t, row.scheme, "deferred", row.reason))
			got := e.post(t, contact("c"))
			require.Equal(t, 429, got.status, got.body)
			seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, seconds, 10)
			require.LessOrEqual(t, seconds, 20)
			require.NotContains(t, got.problem(t).Detail, "no idea")
			require.Equal(t, "1", e.counted(t, row.scheme, "deferred", row.reason))
			require.Empty(t, e.leads.kept())
		})
	}
}

// A panic costs one request, and for a webhook not even the event.
func TestIngest_SurvivesPanics(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.leads.hold(func(context.Context) error { panic("a bug") })
	got := e.post(t, contact("c"))
	require.Equal(t, 429, got.status)
	require.Equal(t, "1", e.metric(t, "leadwire_http_panics_total"))
	require.Equal(t, "0", e.metric(t, "leadwire_ingest_in_flight"))
	require.Equal(t, 200, e.get(t, "/healthz", domain.BuyerKey{}).status)
}

// What the store finds wrong with an event would be wrong every time.
func TestIngest_RefusesWhatTheStoreRejects(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.leads.fail(domain.FailField("receive", "lead", "must be shorter"))
	got := e.post(t, contact("c"))
	require.Equal(t, 400, got.status)
	require.Equal(t, "1", e.counted(t, "ed25519", "refused", "rejected"))
}

// Each event ten times, all at once: everyone is told yes, and it is kept once.
func TestIngest_RetryStorm(t *testing.T) {
	t.Parallel()
	e := start(t)
	const events, times = 40, 10
	var wait sync.WaitGroup
	statuses := make(chan string, events*times)
	for n := range events {
		for range times {
			wait.Go(func() {
				got := e.post(t, contact(fmt.Sprint("c", n)))
				statuses <- fmt.Sprint(got.status, got.body)
			})
		}
	}
	wait.Wait()
	close(statuses)
	count := map[string]int{}
	for s := range statuses {
		count[s]++
	}
	require.Equal(t, map[string]int{`200{"status":"kept"}`: events, `200{"status":"duplicate"}`: events * (times - 1)}, count)
	require.Len(t, e.leads.kept(), events)
}

func TestIngest_UnknownSource(t *testing.T) {
	t.Parallel()
	e := start(t)
	got := e.send(t, "POST", "/leads/webhook/nobody", contact("c"))
	require.Equal(t, 404, got.status)
	require.Equal(t, "not_found", got.problem(t).Code)
	require.Equal(t, "1", e.metric(t, "leadwire_ingest_unknown_source_total"))
}

// A source that is added while we run is counted from zero before its first webhook, and works.
func TestIngest_TakesOnNewSources(t *testing.T) {
	t.Parallel()
	e := start(t)
	c := e.dir.get().Catalog
	another := c.Sources[0]
	another.ID = "ghl-eu"
	c.Sources = append([]domain.Source{another}, c.Sources...)
	c.Accounts[0].Locations = append(c.Accounts[0].Locations, domain.Location{ID: "L", Source: "ghl-eu", Campaign: "solar"})
	e.dir.set(c)
	series := `leadwire_ingest_requests_total{outcome="kept",reason="",scheme="ed25519",source="ghl-eu"}`
	require.Equal(t, "0", e.metric(t, series))
	body := contact("c1")
	require.Equal(t, 200, e.send(t, "POST", "/leads/webhook/ghl-eu", body, signature.GHLHeader, signature.SignGHL(e.key, []byte(body))).status)
	require.Equal(t, domain.LeadID("ghl-eu-c1"), e.leads.kept()["w-c1"].Lead)
	require.Equal(t, "1", e.metric(t, series))
}
