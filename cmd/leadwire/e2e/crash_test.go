package e2e_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// rounds of kill -9 on each store.
const rounds = 20

var buyers = []string{"ann", "bob", "cat", "dan", "eve"}

// A process under load is killed at random moments, again and again. Afterwards every acked event has
// exactly one row, every lead one assignment, the cap holds, feeds have no gap, and dashboards that kept
// their Last-Event-ID have been shown each event exactly once.
func TestKill9LosesNothing(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b backend) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		const firstCap = 40
		crm := newCRM(t)
		tokens := apply(t, b.storage, crm.catalog(buyers, firstCap))
		dashboards := map[string]*dashboard{}
		for _, buyer := range buyers {
			dashboards[buyer] = newDashboard(tokens[buyer])
		}
		l := newLoad(crm, "k")
		for range rounds {
			p := serve(t, b.storage)
			watching := watch(t.Context(), p, dashboards)
			stop := make(chan struct{})
			loading := l.run(p, stop)
			<-time.After(time.Duration(50+rng.IntN(400)) * time.Millisecond) // the moment is what the round is about
			p.kill()
			close(stop)
			loading.Wait()
			watching()
		}
		p := serve(t, b.storage)
		defer watch(t.Context(), p, dashboards)()
		settle(t, p, l, dashboards)
		p.stop()
		inspect(t, b, l, dashboards, buyers[0], firstCap)
		acked, _ := l.count()
		t.Logf("%d events acked over %d kills", acked, rounds)
	})
}

// watch lets every dashboard follow a process; the function returned ends it and waits. It returns when
// each knows its place in the feed: what happens before a dashboard was ever open is not for it to see.
func watch(ctx context.Context, p *process, dashboards map[string]*dashboard) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, d := range dashboards {
		wg.Go(func() { d.follow(ctx, p.url("/api/buyer/events")) })
	}
	for _, d := range dashboards {
		d.until(ctx, func() bool { return d.last != "" })
	}
	return func() { cancel(); wg.Wait() }
}

// settle sends what was never acked until it is, and waits until the dashboards have been shown every
// lead, those included that were received but whose ack was lost.
func settle(t *testing.T, p *process, l *load, dashboards map[string]*dashboard) {
	t.Helper()
	for len(l.open) > 0 {
		l.one(p)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	want := map[string]bool{}
	for _, lead := range l.leads() {
		want[lead] = true
	}
	for len(want) > 0 {
		for _, d := range dashboards {
			for _, r := range d.seen() {
				delete(want, r.Lead)
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d leads were acked and never shown, one of them %v\n%s", len(want), first(want), p.log)
		case <-time.After(20 * time.Millisecond): // five dashboards, any of which may be shown the next
		}
	}
}

func first(m map[string]bool) string {
	for k := range m {
		return k
	}
	return ""
}
