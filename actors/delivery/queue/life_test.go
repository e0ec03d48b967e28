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

	queue   *queue.Queue
	life    int // of the queue: it rises with each crash
	config  domain.Endpoint
	own     schedule.Schedule
	paused  bool
	reacher func(queue.Send) domain.Sent // the endpoint, as it is now
	mode    string

	most      int // concurrency, ever
	flying    map[int64]flight
	asked     int
	granted   int // and not used
	sent      []time.Time
	sentSince time.Time
	slowUntil time.Time
	openSince time.Time
	probedAt  time.Time       // when the last probe ended
	hastened  bool            // since then
	disabled  bool            // as far as the queue was told
	judged    map[int64]int64 // the revision of which it was said last what became of it
	recording map[int64]int   // on their way to the store
	meddled   map[int64]bool  // somebody else changed it, or this activation's predecessor
	arrived   map[int64]int   // answered 2xx

	enabled bool // it was disabled before
	crashed bool
	well    bool // the last answer that says anything of the endpoint is a success

	log      []string
	verbose  bool
	broken   string
	attempts int
	opened   int
	told     int
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
	l := &life{rng: rng, now: noon, store: newLedger(), verbose: verbose, judged: map[int64]int64{}, recording: map[int64]int{}, meddled: map[int64]bool{}, arrived: map[int64]int{}}
	l.traits = traits{
		unsafe: rng.IntN(2) == 0, deaf: rng.IntN(3) == 0, meddle: rng.IntN(2) == 0, brief: rng.IntN(3) > 0,
		room: []int{0, 2, 5}[rng.IntN(3)], actors: []int{1, 3, 10}[rng.IntN(3)],
	}
	l.configure()
	l.sayf("%+v %+v", l.traits, l.config)
	l.become("healthy")
	l.activate()
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
// that fails before or after it has committed and shows what is old, crashes, people who cancel, hasten, pause and
// configure. Whatever happens: order per lead, one in flight, nothing early, nothing after its end, bounds that hold, and
// in the end every delivery has ended.
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
		all.attempts, all.opened, all.told = all.attempts+s.attempts, all.opened+s.opened, all.told+s.told
		for state, n := range s.states {
			all.count(state, n)
		}
	}
	t.Logf("%d lives: %d attempts, the circuit opened %d times, %d changes were told, %v", seeds, all.attempts, all.opened, all.told, all.states)
	lives := int(seeds)
	require.Greater(t, all.attempts, 30*lives, "the lives are worth living")
	require.Greater(t, all.opened, lives/2)
	require.Greater(t, all.told, 2*lives)
	for _, state := range domain.DeliveryStates()[1:] {
		require.Greater(t, all.states[state], lives/5, state)
	}
}

// sum is what lives were made of.
type sum struct {
	attempts, opened, told int
	states                 map[domain.DeliveryState]int
}

func (s *sum) count(state domain.DeliveryState, n int) {
	if s.states == nil {
		s.states = map[domain.DeliveryState]int{}
	}
	s.states[state] += n
}

func (s *sum) add(l *life) {
	s.attempts, s.opened, s.told = s.attempts+l.attempts, s.opened+l.opened, s.told+l.told
	for _, d := range l.store.rows {
		s.count(d.State, 1)
	}
}
