package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/stretchr/testify/require"
)

// Three nodes, of which each believes it owns everything, write the same events, leads, buyers and marks
// in random order. Nobody deadlocks, every event is kept once, caps hold and feeds have no gap.
func TestStore_NodesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	const nodes, callers, rounds, leads, limit = 3, 24, 40, 300, 20
	url := pgtest.Fresh(t)
	parts := make([]domain.Partition, 16)
	for i := range parts {
		parts[i] = domain.Partition(i)
	}
	var stores []*Store
	for range nodes {
		stores = append(stores, open(t, url, Options{}))
	}
	fences := claim(t, stores[0], "all", parts...)
	var mu sync.Mutex
	fresh, errs := map[int]int{}, []error{}
	var wg sync.WaitGroup
	for n, s := range stores {
		for c := range callers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(n), uint64(c)))
				for range rounds {
					lead := random.IntN(leads)
					isNew, err := liveOnce(t, s, fences[lead%len(fences)], lead, random, limit)
					mu.Lock()
					if isNew {
						fresh[lead]++
					}
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	for lead, n := range fresh {
		require.Equal(t, 1, n, "event of lead %d was new", lead)
	}
	for i, s := range stores {
		require.Zero(t, value(t, s.metrics.retries.WithLabelValues(retryRollback)), "deadlocks and the like on node %d", i)
		require.Zero(t, value(t, s.metrics.lost), "connections lost by node %d", i)
	}
	require.Zero(t, count(t, stores[0], `SELECT count(*) FROM feeds WHERE day_count > $1`, limit), "buyers over their cap")
	require.EqualValues(t, len(fresh), count(t, stores[0], `SELECT count(*) FROM events`))
	requireGapless(t, stores[0])
}

// liveOnce receives the event of a lead, tries to give it to some buyer, and reports a mark.
func liveOnce(t *testing.T, s *Store, f domain.Fence, lead int, random *rand.Rand, limit int) (isNew bool, err error) {
	e := event(fmt.Sprint("e-", lead))
	got, err := s.Receive(t.Context(), f, e)
	if err != nil {
		return false, err
	}
	for pendingSeq := got.Seq; pendingSeq > 0; pendingSeq = 0 {
		d := deciding(f, pendingSeq, e, domain.Assign)
		d.Buyer, d.Cap = domain.BuyerID(fmt.Sprint("buyer-", random.IntN(10))), limit
		if _, err := s.Decide(t.Context(), d); err != nil {
			return !got.Duplicate, err
		}
	}
	marks := make([]domain.Seen, 5)
	for i := range marks {
		marks[i] = domain.Seen{Account: "acme", Buyer: domain.BuyerID(fmt.Sprint("buyer-", random.IntN(10))), Seq: domain.Seq(1 + random.IntN(10)), ReportedAt: noon}
	}
	_, err = s.RecordSeen(t.Context(), marks)
	return !got.Duplicate, err
}

// A node whose partitions are taken while it writes at full rate gets nothing in after the claim.
func TestStore_AClaimFencesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	url := pgtest.Fresh(t)
	old, young := open(t, url, Options{}), open(t, url, Options{})
	f := claim(t, old, "old", 7)[0]
	started := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				if _, err := old.Receive(t.Context(), f, event(fmt.Sprintf("old-%d-%d", c, i))); err != nil {
					if !errors.Is(err, domain.ErrFenced) {
						t.Error(err)
					}
					return
				}
				signal(started)
			}
		})
	}
	<-started
	var g domain.Fence
	require.Eventually(t, func() bool { // a row that is locked is left alone, and asked for again
		g = claim(t, young, "young", 7)[0]
		return g.Epoch > 0
	}, time.Minute, time.Millisecond)
	last := receive(t, young, g, event("young"))
	wg.Wait()
	require.Zero(t, count(t, young, `SELECT count(*) FROM events WHERE seq > $1`, last), "rows of the old epoch after one of the new")
}
