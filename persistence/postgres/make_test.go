package postgres

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const today = "2026-11-22"

// at is a clock that stands still.
type at time.Time

func (c at) Now() time.Time { return time.Time(c) }
func (c at) AfterFunc(d time.Duration, f func()) domain.Timer {
	return time.AfterFunc(d, f)
}

func claim(t testing.TB, s *Store, node domain.NodeID, parts ...domain.Partition) []domain.Fence {
	t.Helper()
	fences, err := s.Claim(t.Context(), node, parts)
	require.NoError(t, err)
	return fences
}

func event(id string) domain.Event {
	return domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(id), Type: "ContactCreate", Effect: domain.Open,
		Lead: domain.LeadID("ghl-" + id), Campaign: "solar", Contact: json.RawMessage(`{"first_name":"Ada"}`), Body: []byte("{}"), ReceivedAt: noon,
	}
}

// deciding is a decision about e, of a lead that does not exist yet.
func deciding(f domain.Fence, seq int64, e domain.Event, v domain.Verb) domain.Decision {
	d := domain.Decision{
		Fence: f, EventSeq: seq, Verb: v, Lead: domain.LeadKey{Account: e.Account, Lead: e.Lead}, Source: e.Source, EventID: e.ID,
		Campaign: e.Campaign, Contact: e.Contact, ReceivedAt: e.ReceivedAt, At: e.ReceivedAt.Add(time.Millisecond),
	}
	if v == domain.Assign {
		d.Buyer, d.Day, d.Trace = "bob", today, json.RawMessage(`[]`)
	}
	return d
}

func receive(t testing.TB, s *Store, f domain.Fence, e domain.Event) int64 {
	t.Helper()
	got, err := s.Receive(t.Context(), f, e)
	require.NoError(t, err)
	require.False(t, got.Duplicate)
	return got.Seq
}

// assigned gives a new lead to bob.
func assigned(t testing.TB, s *Store, f domain.Fence, id string) domain.Decided {
	t.Helper()
	return assignedAt(t, s, f, id, noon)
}

func assignedAt(t testing.TB, s *Store, f domain.Fence, id string, when time.Time) domain.Decided {
	t.Helper()
	e := event(id)
	e.ReceivedAt = when
	got, err := s.Decide(t.Context(), deciding(f, receive(t, s, f, e), e, domain.Assign))
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

// count runs a query for one number on a store's reader.
func count(t testing.TB, s *Store, sql string, args ...any) (n int64) {
	t.Helper()
	require.NoError(t, s.readers.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// requireGapless checks that every feed is 1 to its head, and that no lead has two buyers.
func requireGapless(t testing.TB, s *Store) {
	t.Helper()
	require.Zero(t, count(t, s, `SELECT count(*) FROM feeds f WHERE f.head - f.floor <> (SELECT count(DISTINCT e.seq) FROM feed_events e
		WHERE e.account = f.account AND e.buyer = f.buyer AND e.seq BETWEEN f.floor + 1 AND f.head)`), "feeds with a gap")
	require.Equal(t, count(t, s, `SELECT coalesce(sum(head - floor), 0)::bigint FROM feeds`), count(t, s, `SELECT count(*) FROM feed_events`), "events beyond a head")
	require.Zero(t, count(t, s, `SELECT count(*) FROM (SELECT 1 FROM feed_events WHERE type = 'lead.assigned' GROUP BY account, lead HAVING count(*) > 1) s`), "leads assigned twice")
}

// once is a Fail that fails one step, so many times.
type once struct {
	mu    sync.Mutex
	step  string
	times int
}

func (o *once) arm(step string, times int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.step, o.times = step, times
}

func (o *once) fail(step string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if step != o.step || o.times == 0 {
		return nil
	}
	o.times--
	return fmt.Errorf("cut at %s", step)
}

// fresh is a new store with partition 7 claimed.
func fresh(t testing.TB) (*Store, domain.Fence) {
	t.Helper()
	s := open(t, pgtest.Fresh(t), Options{Clock: at(noon)})
	return s, claim(t, s, "node", 7)[0]
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("n-", i)
	}
	return all
}
