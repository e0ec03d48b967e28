package demo

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge/ghl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var evening = time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)

// The demo's catalog passes the check that an operator's has to, and is known again as the demo's.
func TestMarket(t *testing.T) {
	t.Parallel()
	public, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	c := Market(public, evening, "http://127.0.0.1:9000/hooks", nil)
	require.NoError(t, provision.Check(c))
	require.Len(t, c.Accounts[0].Buyers, 5)
	c = Market(public, evening, "http://127.0.0.1:9000/hooks", &Site{Origins: []string{"http://127.0.0.1:8081"}, Graph: "/tmp/demo.lwg"})
	require.NoError(t, provision.Check(c))
	require.Len(t, c.Accounts[0].Pixels, 1)
}

// The source's own reader takes every webhook of the story, finds its tenant and its lead, and every
// event is one of its own. What a contact is told later belongs to the lead it began with.
func TestStory_IsReadable(t *testing.T) {
	t.Parallel()
	reader, err := ghl.Open(domain.Source{ID: Source, Kind: ghl.Kind})
	require.NoError(t, err)
	story := NewStory(1)
	events, types, leads := map[domain.EventID]bool{}, map[string]int{}, map[domain.LeadID]string{}
	for i := range 2000 {
		w := story.Next(evening.Add(time.Duration(i) * time.Second))
		drafts, err := reader.Parse(w.Body)
		require.NoError(t, err, string(w.Body))
		require.Len(t, drafts, 1)
		d := drafts[0]
		require.Equal(t, Location, d.Tenant)
		require.False(t, d.WeakID)
		require.False(t, events[d.ID], "each event has an id of its own")
		require.Zero(t, d.Cut)
		events[d.ID] = true
		types[d.Type]++
		if d.Type == "ContactCreate" {
			leads[d.Lead] = w.Contact
		}
		require.Equal(t, w.Contact, leads[d.Lead], "%s of a lead that has come before", d.Type)
	}
	for _, kind := range []string{"ContactCreate", "ContactUpdate", "OpportunityCreate", "OpportunityStatusUpdate"} {
		require.Positive(t, types[kind], kind)
	}
	require.Greater(t, types["ContactCreate"], 1000, "most of what happens is somebody new")
}

// The same seed tells the same story; another one does not.
func TestStory_FollowsItsSeed(t *testing.T) {
	t.Parallel()
	tell := func(seed uint64) string {
		var all strings.Builder
		story := NewStory(seed)
		for i := range 50 {
			all.Write(story.Next(evening.Add(time.Duration(i) * time.Second)).Body)
		}
		return all.String()
	}
	first, again, other := tell(7), tell(7), tell(8)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
}

// The sender is a CRM: it signs the bytes it sends, sends again what was answered 429, and nothing else.
func TestSender(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	verify, err := signature.NewGHL(Market(public, evening, "http://127.0.0.1:9000/hooks", nil).Sources[0])
	require.NoError(t, err)
	answers := []int{http.StatusOK, http.StatusTooManyRequests, http.StatusOK, http.StatusInternalServerError, http.StatusOK}
	var mu sync.Mutex
	var bodies []string
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		if !verify.Verify(signature.Request{Header: header(r.Header), Body: body}).OK() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		bodies = append(bodies, string(body))
		status := http.StatusOK
		if len(bodies) <= len(answers) {
			status = answers[len(bodies)-1]
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
	}))
	defer crm.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acked := Sender{
		URL: crm.URL, Key: private, Rate: 1000, Log: slog.New(slog.DiscardHandler),
		Acked: func(n int) {
			if n == 3 {
				cancel()
			}
		},
	}.Run(ctx, NewStory(1))
	require.Equal(t, 3, acked)
	require.Len(t, bodies, 5)
	require.Equal(t, bodies[1], bodies[2], "429: the same webhook comes again")
	require.NotEqual(t, bodies[3], bodies[4], "500: it does not")
}

type header http.Header

func (h header) Peek(name string) []byte {
	if v := http.Header(h).Get(name); v != "" {
		return []byte(v)
	}
	return nil
}

// A table for people: three figures each, and a word on what a browser would have measured.
func TestWriteTable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, WriteTable(&out, []telemetry.Segment{
		{Name: telemetry.Committed, Count: 120, P50: 1523 * time.Microsecond, P95: 12345 * time.Microsecond, P99: 1234 * time.Millisecond},
		{Name: telemetry.Published, Count: 120, P50: 31 * time.Microsecond, P95: 310 * time.Microsecond, P99: 3100 * time.Microsecond},
		{Name: telemetry.Arrived}, {Name: telemetry.Rendered}, {Name: telemetry.Total},
	}))
	require.Equal(t, `                       segment   events      p50      p95     p99
          received → committed      120   1.52ms   12.3ms   1.23s
         committed → published      120     31µs    310µs   3.1ms
   published → client received        0        -        -       -
    client received → rendered        0        -        -       -
           received → rendered        0        -        -       -
Segments without events are measured in a browser, and no page was open.
`, out.String())
}
