package chaos_test

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/arena"
	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
)

// faults carries a plan out.
type faults struct {
	plan    plan.Plan
	network *arena.Network
	hosts   map[plan.Place]*arena.Host
	nodes   map[plan.Place]*node
	store   *pgserver.Server
	history *history
	broken  func(format string, args ...any)

	turn  sync.Mutex // of faults of the store
	mu    sync.Mutex
	links map[plan.Link][]plan.Event // what is wrong with a link now
}

// run returns when the last fault is over, and everything is whole again.
func (f *faults) run(ctx context.Context) {
	f.links = map[plan.Link][]plan.Event{}
	since := time.Now()
	var under sync.WaitGroup
	for _, e := range f.plan.Events {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(since.Add(e.At))):
			under.Go(func() { f.one(e) })
		}
	}
	under.Wait()
}

// one is a fault from its beginning to its end.
func (f *faults) one(e plan.Event) {
	turn := &sync.Mutex{}
	switch e.Kind {
	case plan.Kill, plan.Stop, plan.Pause:
		turn = &f.nodes[e.Node].turn
	case plan.Restart:
		turn = &f.turn
	}
	turn.Lock()
	defer turn.Unlock()
	f.history.note(planned, map[string]any{"what": "begin", "fault": e.String()})
	over := func() { <-time.After(e.For) } // nobody tells: it is over when its time is
	switch n := f.nodes[e.Node]; e.Kind {
	case plan.Kill:
		n.down(syscall.SIGKILL)
		over()
		n.up(e.Skew)
	case plan.Stop:
		n.down(syscall.SIGTERM)
		over()
		n.up(e.Skew)
	case plan.Pause:
		again := n.signal(syscall.SIGSTOP)
		over()
		again(syscall.SIGCONT)
	case plan.Restart:
		f.check(f.store.Stop(map[string]pgserver.Mode{"fast": pgserver.Fast, "immediate": pgserver.Immediate, "kill": pgserver.Kill}[e.How]))
		over()
		f.check(f.store.StartAgain())
	default:
		f.wrong(e, true)
		over()
		f.wrong(e, false)
	}
	f.history.note(planned, map[string]any{"what": "end", "fault": e.String()})
}

func (f *faults) check(err error) {
	if err != nil {
		f.broken("the harness: %v", err)
	}
}

// wrong adds a fault to its links, or takes it away; of several on a link a cut counts, or else the last.
func (f *faults) wrong(e plan.Event, now bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range e.Links {
		var rest []plan.Event
		for _, other := range f.links[l] {
			if other.At != e.At {
				rest = append(rest, other)
			}
		}
		if now {
			rest = append(rest, e)
		}
		f.links[l] = rest
		f.check(f.set(l, rest))
	}
}

func (f *faults) set(l plan.Link, wrong []plan.Event) error {
	from, to := f.hosts[l.From], f.hosts[l.To]
	var how arena.Manner
	mangled := false
	for _, e := range wrong {
		switch e.Kind {
		case plan.Lossy:
			how.Loss, mangled = e.Loss, true
		case plan.Slow:
			how.Delay, how.Jitter, mangled = e.Delay, e.Jitter, true
		default:
			return f.network.Cut(from, to)
		}
	}
	if mangled {
		return f.network.Mangle(from, to, how)
	}
	return f.network.Heal(from, to)
}
