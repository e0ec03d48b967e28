package e2e_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds of kill -9 on each store, and how many events each acks before the kill is armed: a round that
// takes nothing says nothing.
const (
	rounds  = 20
	atLeast = 10
	hasty   = "--cluster-lease=1s" // on Postgres a node waits until the lease of the one before it is over
)

var buyers = []string{"ann", "bob", "cat", "dan", "eve"}

// A process under a load of new leads, changes of old ones and repeats is killed at random moments, again
// and again. Afterwards every acked event has exactly one row and took effect once, every lead has one
// assignment, the cap holds, feeds have no gap, and dashboards that kept their Last-Event-ID have been
// shown each event exactly once.
func TestKill9LosesNothing(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	eachBackend(t, func(t *testing.T, b backend) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		const firstCap = 40
		crm := newCRM(t)
		dashboards := openAll(apply(t, b.storage, crm.catalog(buyers, firstCap)))
		l := newLoad(crm, "k")
		for range rounds {
			p := serve(t, b.storage, hasty)
			watching := watch(t, p, dashboards)
			stop := make(chan struct{})
			loading := l.run(p, stop)
			ackedMore(t, l, atLeast)
			<-time.After(time.Duration(rng.IntN(400)) * time.Millisecond) // the moment is what the round is about
			p.kill()
			close(stop)
			loading.Wait()
			watching()
		}
		p := serve(t, b.storage, hasty)
		defer watch(t, p, dashboards)()
		settle(t, p, l, dashboards)
		p.stop()
		l.answeredWell(t) // that some were not answered at all is what a kill is
		acked, _ := l.count()
		t.Logf("%d events acked over %d kills; answers: %v", acked, rounds, l.statuses)
		require.GreaterOrEqual(t, acked, rounds*atLeast)
		inspect(t, b, l, dashboards, buyers[0], firstCap)
	})
}

// settle sends what was never acked until it is, and waits until the dashboards have been shown as many
// events as there were: all of them are acked then, and each is shown once.
func settle(t *testing.T, p *process, l *load, dashboards map[string]*dashboard) {
	t.Helper()
	for end := time.Now().Add(patience); l.unacked() > 0; l.send(p, l.draw()) {
		require.True(t, time.Now().Before(end), "%d events are not acked\n%s", l.unacked(), p.log)
	}
	acked, _ := l.count()
	shown := 0
	for end := time.After(patience); ; {
		shown = 0
		for _, d := range dashboards {
			rows, _ := d.counts()
			shown += rows
		}
		if shown >= acked {
			return
		}
		select {
		case <-end:
			t.Fatalf("%d events were acked and %d shown\n%s", acked, shown, p.log)
		case <-time.After(patienceStep): // five dashboards, any of which may be shown the next
		}
	}
}
