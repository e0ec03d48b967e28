package postgres

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// The server is shot, stopped in an orderly way, and shut down at once, under load. What was answered
// is there afterwards, everything else was refused as Unavailable, and work goes on by itself.
func TestStore_KeepsWhatItAnsweredAcrossRestarts(t *testing.T) {
	t.Parallel()
	pgtest.SkipShort(t)
	server, err := pgserver.Start(t.TempDir())
	pgtest.Require(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(pgserver.Immediate)) })
	s := open(t, pgtest.FreshAt(t, server.URL()), Options{Patience: 200 * time.Millisecond})
	fences := claim(t, s, "node", 1, 2, 3)
	crowd := newCrowd(s, fences)
	for _, how := range []pgserver.Mode{pgserver.Kill, pgserver.Fast, pgserver.Immediate} {
		crowd.awaitProgress(t)
		require.NoError(t, server.Stop(how))
		crowd.awaitRefusal(t)
		require.Error(t, s.Ping(t.Context()))
		require.NoError(t, server.StartAgain())
		crowd.awaitProgress(t)
	}
	crowd.stop(t)
	require.NoError(t, s.Ping(t.Context()))
	for id, seq := range crowd.received {
		require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM events WHERE event_id = $1`, id), "acked event %s", id)
		if seq > 0 {
			require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM events WHERE event_id = $1 AND seq = $2`, id, seq), "number of %s", id)
		}
	}
	for lead, event := range crowd.decided {
		require.EqualValues(t, 1, count(t, s, `SELECT count(*) FROM feed_events WHERE lead = $1 AND buyer = $2 AND seq = $3`,
			string(lead), string(event.Buyer), int64(event.Seq)), "announced event of %s", lead)
	}
	require.NotEmpty(t, crowd.decided)
	requireGapless(t, s)
}

// While the database is away nobody waits for long: the first batch gives up after Patience, and what
// comes later is refused at once.
func TestStore_RefusesQuicklyWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	pgtest.SkipShort(t)
	server, err := pgserver.Start(t.TempDir())
	pgtest.Require(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(pgserver.Immediate)) })
	s := open(t, pgtest.FreshAt(t, server.URL()), Options{Patience: 300 * time.Millisecond})
	f := claim(t, s, "node", 7)[0]
	require.NoError(t, server.Stop(pgserver.Immediate))
	start := time.Now()
	_, err = s.Receive(t.Context(), f, event("first"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
	require.Less(t, time.Since(start), 10*time.Second, "patience is 0.3 s; the rest is this machine's")
	start = time.Now()
	for i := range 1000 {
		_, err = s.Receive(t.Context(), f, event(fmt.Sprint("later-", i)))
		require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	}
	require.Less(t, time.Since(start), 10*time.Second, "a thousand refusals, none of which waited")
	for _, call := range []func() error{
		func() error { _, err := s.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: "x"}); return err },
		func() error { _, err := s.Claim(t.Context(), "node", []domain.Partition{1}); return err },
		func() error { _, err := s.Catalog(t.Context()); return err },
	} {
		require.Equal(t, domain.Unavailable, domain.CodeOf(call()))
	}
}

// crowd is many callers, each of which receives and decides one lead after the other.
type crowd struct {
	s        *Store
	done     atomic.Bool
	ok       chan struct{} // holds one: a lead went all the way
	refused  chan struct{} // holds one: somebody was refused
	callers  sync.WaitGroup
	mu       sync.Mutex
	wrong    []error
	received map[string]int64 // event → its number; 0 for one that was there already
	decided  map[domain.LeadID]domain.FeedEvent
}

func newCrowd(s *Store, fences []domain.Fence) *crowd {
	c := &crowd{s: s, ok: make(chan struct{}, 1), refused: make(chan struct{}, 1), received: map[string]int64{}, decided: map[domain.LeadID]domain.FeedEvent{}}
	for n := range 16 {
		c.callers.Go(func() {
			for i := 0; !c.done.Load(); i++ {
				c.lead(fences[n%len(fences)], fmt.Sprintf("e-%d-%d", n, i))
			}
		})
	}
	return c
}

func (c *crowd) lead(f domain.Fence, id string) {
	e := event(id)
	got, err := c.s.Receive(context.Background(), f, e)
	if !c.note(err) {
		return
	}
	c.mu.Lock()
	c.received[id] = got.Seq
	c.mu.Unlock()
	if got.Duplicate {
		return
	}
	d := deciding(f, got.Seq, e, domain.Assign)
	d.Buyer = domain.BuyerID("buyer-" + id[len(id)-1:])
	decided, err := c.s.Decide(context.Background(), d)
	if !c.note(err) || decided.Outcome != domain.Done {
		return
	}
	c.mu.Lock()
	c.decided[e.Lead] = decided.Event
	c.mu.Unlock()
	signal(c.ok)
}

// note sorts an answer: ok, refused, or wrong.
func (c *crowd) note(err error) bool {
	if err == nil {
		return true
	}
	if domain.CodeOf(err) != domain.Unavailable {
		c.mu.Lock()
		c.wrong = append(c.wrong, err)
		c.mu.Unlock()
	}
	signal(c.refused)
	return false
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (c *crowd) awaitProgress(t *testing.T) { t.Helper(); await(t, c.ok, "a lead goes all the way") }
func (c *crowd) awaitRefusal(t *testing.T)  { t.Helper(); await(t, c.refused, "a caller is refused") }

// await waits for two signals: the first may be from before.
func await(t *testing.T, c chan struct{}, what string) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for range 2 {
		select {
		case <-c:
		case <-deadline:
			t.Fatal("still waiting until ", what)
		}
	}
}

func (c *crowd) stop(t *testing.T) {
	t.Helper()
	c.done.Store(true)
	c.callers.Wait()
	require.Empty(t, c.wrong)
}
