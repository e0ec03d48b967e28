package bench

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// blow is a kill as it is planned: which node, and how long after the cluster was whole.
type blow struct {
	node  int
	after time.Duration
}

// A kill comes at any moment of the protocol's periods, which are 2 s at most: probes, leases, readings of the ledger.
const (
	restMin  = time.Second
	restMore = 2 * time.Second
)

// planBlows decides them, from a seed. No node is killed twice in a row, if there are others.
func planBlows(seed uint64, nodes, kills int) []blow {
	draw := rand.New(rand.NewPCG(seed, 0))
	all := make([]blow, kills)
	last := -1
	for i := range all {
		node := draw.IntN(nodes)
		if nodes > 1 && node == last {
			node = (node + 1 + draw.IntN(nodes-1)) % nodes
		}
		last = node
		all[i] = blow{node, restMin + time.Duration(draw.Int64N(int64(restMore)))}
	}
	return all
}

// strike is a node that was killed, and what has been heard since of the actors that it had.
type strike struct {
	at     time.Time
	leads  map[*probe]bool // that have not answered yet
	buyers map[int]bool    // streams whose buyers have not shown anything new yet
	took   struct{ leads, buyers []time.Duration }
	done   chan struct{} // closed when all have
}

func newStrike() *strike {
	return &strike{leads: map[*probe]bool{}, buyers: map[int]bool{}, done: make(chan struct{})}
}

func (s *strike) answered(p *probe, at time.Time) {
	if s.leads[p] {
		delete(s.leads, p)
		s.took.leads = append(s.took.leads, at.Sub(s.at))
		s.look()
	}
}

func (s *strike) heard(stream int, at time.Time) {
	if s.buyers[stream] {
		delete(s.buyers, stream)
		s.took.buyers = append(s.took.buyers, at.Sub(s.at))
		s.look()
	}
}

func (s *strike) look() {
	if len(s.leads)+len(s.buyers) == 0 {
		close(s.done)
	}
}

// silentLeads are the numbers of the webhooks whose leads have not answered.
func (s *strike) silentLeads() []int64 {
	var all []int64
	for p := range s.leads {
		all = append(all, p.lead)
	}
	slices.Sort(all)
	return all
}

// recovery is how long it took until the last of them had answered; of those who have not, at least until now.
func (s *strike) recovery(now time.Time) time.Duration {
	var worst time.Duration
	for _, took := range append(append([]time.Duration(nil), s.took.leads...), s.took.buyers...) {
		worst = max(worst, took)
	}
	if len(s.leads)+len(s.buyers) > 0 {
		worst = max(worst, now.Sub(s.at))
	}
	return worst
}

// aim chooses who is asked when a node dies that has these partitions: of each the lead that was acked last, and the buyers
// among them whose streams are open elsewhere.
func (l *fleetLoad) aim(node int, partitions map[domain.Partition]bool, buyers []domain.Partition) *strike {
	s := newStrike()
	for p, n := range l.latest {
		if n >= 0 && partitions[domain.Partition(p)] {
			l.latest[p] = -1
			one := l.newProbe(n)
			one.strike, s.leads[one] = s, true
		}
	}
	for i, stream := range l.streams.all {
		if at := nodeOf(i, stream.tries-1, len(l.pools)); at != node && !stream.since.IsZero() && partitions[buyers[i]] {
			s.buyers[i] = true
		}
	}
	return s
}

// hit kills a node and sends the probes at once, none of them to it.
func (l *fleetLoad) hit(node int, s *strike, kill func() error) error {
	l.strike = s
	s.at = time.Now()
	if err := kill(); err != nil {
		return err
	}
	for i, p := range l.probes {
		if s.leads[p] {
			l.skip(node)
			l.send(firstProbe+int64(i), s.at)
		}
	}
	return nil
}
