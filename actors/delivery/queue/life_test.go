package queue_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

// life is one endpoint's, from a seed.
type life struct {
	rng    *rand.Rand
	traits traits
	store  *ledger
	now    time.Time
	events events
	seq    int

	config  domain.Endpoint // as the catalog has it
	own     schedule.Schedule
	paused  bool
	reacher func(queue.Send) domain.Sent // the endpoint, as it is now
	mode    string

	owner   *owner         // whose records the store takes
	formers []*owner       // those that were it, and do not know better
	most    int            // concurrency, ever
	meddled map[int64]bool // somebody else changed it, or an activation of the same epoch, or a hint of it is late
	arrived map[int64]int  // answered 2xx

	enabled     bool // it was disabled before
	interrupted bool // by a crash or a take-over: answers were lost
	well        bool // the last answer that says anything of the endpoint is a success

	log      []string
	verbose  bool
	broken   string
	attempts int
	batches  int // of them
	opened   int
	told     int
	repeats  int            // that one sent that was stale
	calm     int            // inputs to queues that were paused and had settled
	fenced   int            // owners that learned of a take-over from a record
	taken    map[string]int // take-overs, by what they met
}

func (l *life) failf(format string, args ...any) {
	if l.broken == "" {
		l.broken = fmt.Sprintf(format, args...)
		l.sayf("BROKEN: %s", l.broken)
	}
}

func (l *life) sayf(format string, args ...any) {
	if l.verbose {
		l.log = append(l.log, fmt.Sprintf("%-14s ", l.now.Sub(noon))+fmt.Sprintf(format, args...))
	}
}

func newLife(seed uint64, verbose bool) *life {
	rng := rand.New(rand.NewPCG(seed, 5))
	l := &life{rng: rng, now: noon, store: newLedger(), verbose: verbose, meddled: map[int64]bool{}, arrived: map[int64]int{}, taken: map[string]int{}}
	l.traits = traits{
		unsafe: rng.IntN(2) == 0, deaf: rng.IntN(3) == 0, meddle: rng.IntN(2) == 0, brief: rng.IntN(3) > 0,
		room: []int{0, 2, 5}[rng.IntN(3)], actors: []int{1, 3, 10}[rng.IntN(3)], roams: rng.IntN(2) == 0,
	}
	l.configure()
	l.sayf("%+v %+v", l.traits, l.config)
	l.become("healthy")
	l.activate(nodes[0])
	return l
}

func run(seed uint64, verbose bool) *life {
	l := newLife(seed, verbose)
	l.live()
	l.finish()
	l.ends()
	return l
}

// Whole lives from seeds: endpoints that are slow, dead, overloaded or gone, hints that are lost, late and doubled, a store
// that fails before or after it has committed, shows what is old and cannot be reached, crashes, other nodes that take the
// endpoint over and give it back while whoever had it believes in it, people who cancel, hasten, pause and configure.
// Whatever happens: order per lead, one in flight, nothing early, nothing after its end, bounds that hold, and in the end
// every delivery has ended, once. Whoever is stale keeps the order too, changes nothing in the store, sends each delivery
// once more at most, and stops with the first record that is refused.
func TestQueue_Lives(t *testing.T) {
	t.Parallel()
	seeds := uint64(10_000)
	if raceDetector || testing.Short() {
		seeds = 1000
	}
	const workers = 4
	var (
		wg     sync.WaitGroup
		broken atomic.Bool
		sums   [workers]sum
	)
	for w := range uint64(workers) {
		wg.Go(func() {
			for seed := w; seed < seeds && !broken.Load(); seed += workers {
				l := run(seed, false)
				if l.broken != "" {
					broken.Store(true)
					t.Errorf("seed %d: %s\n%s", seed, l.broken, strings.Join(run(seed, true).log, "\n"))
				}
				sums[w].add(l)
			}
		})
	}
	wg.Wait()
	var all sum
	for _, s := range sums {
		all.join(s)
	}
	t.Logf("%d lives: %d attempts and %d batches, the circuit opened %d times, %d changes were told, %v", seeds, all.attempts, all.batches, all.opened, all.told, all.states)
	t.Logf("taken over %v; %d learned it from a record; %d attempts were repeats of one that was stale", all.taken, all.fenced, all.repeats)
	lives := int(seeds)
	require.Greater(t, all.attempts, 30*lives, "the lives are worth living")
	require.Greater(t, all.batches, lives/2)
	require.Greater(t, all.opened, lives/2)
	require.Greater(t, all.told, 2*lives)
	require.Greater(t, all.fenced, lives/5)
	require.Greater(t, all.repeats, lives/5)
	require.Greater(t, all.calm, lives)
	for _, state := range domain.DeliveryStates()[1:] {
		require.Greater(t, all.states[state], lives/5, state)
	}
	for _, what := range []string{"paused", "disabled", "open", "flying", "record waits", "stale twice"} {
		require.Greater(t, all.taken[what], lives/100, "taken over while "+what)
	}
}

// sum is what lives were made of.
type sum struct {
	attempts, batches, opened, told, fenced, repeats, calm int

	states map[domain.DeliveryState]int
	taken  map[string]int
}

func (s *sum) add(l *life) {
	of := sum{l.attempts, l.batches, l.opened, l.told, l.fenced, l.repeats, l.calm, map[domain.DeliveryState]int{}, l.taken}
	for _, d := range l.store.rows {
		of.states[d.State]++
	}
	s.join(of)
}

func (s *sum) join(o sum) {
	if s.states == nil {
		s.states, s.taken = map[domain.DeliveryState]int{}, map[string]int{}
	}
	s.attempts, s.batches, s.opened, s.told = s.attempts+o.attempts, s.batches+o.batches, s.opened+o.opened, s.told+o.told
	s.fenced, s.repeats, s.calm = s.fenced+o.fenced, s.repeats+o.repeats, s.calm+o.calm
	for state, n := range o.states {
		s.states[state] += n
	}
	for what, n := range o.taken {
		s.taken[what] += n
	}
}
