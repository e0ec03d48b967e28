package queue_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// street is endpoints that share a node: each with a queue and a store of its own, all with one real gate.
type street struct {
	rng    *rand.Rand
	now    time.Time
	events events
	seq    int
	gate   *gate.Gate
	houses []*house
	broken string
}

// house is one endpoint of the street.
type house struct {
	*street

	name   string
	store  *ledger
	queue  *queue.Queue
	rights *gate.Owner
	answer func() domain.Sent
	ends   map[int64]func() // of attempts under way, to give the right back
	sent   int
	worst  time.Duration // that a first attempt waited for its turn
}

func newStreet(seed uint64, rights int) *street {
	return &street{rng: rand.New(rand.NewPCG(seed, 7)), now: noon, gate: gate.New(gate.Config{Rights: rights})}
}

func (s *street) after(d time.Duration, do func()) {
	s.seq++
	heap.Push(&s.events, event{s.now.Add(d), s.seq, do})
}

func (s *street) run(d time.Duration) {
	for until := s.now.Add(d); len(s.events) > 0 && !s.events[0].at.After(until) && s.broken == ""; {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
}

// move lets an endpoint live there. Its answers take as long as their phases say.
func (s *street) move(name string, e domain.Endpoint, answer func() domain.Sent) *house {
	h := &house{street: s, name: name, store: newLedger(), answer: answer, ends: map[int64]func(){}}
	h.queue = queue.New(key, fence, e, false, 1, nil)
	h.rights = s.gate.Join(func() { s.after(0, func() { h.take(h.queue.Granted(s.now)) }) })
	s.houses = append(s.houses, h)
	h.take(h.queue.Start(s.now))
	return h
}

func (h *house) owe(lead int, class domain.Class) {
	h.take(h.queue.Owed(h.now, h.store.owe(h.now, domain.LeadID(fmt.Sprint("ghl-", lead)), class)))
}

func (h *house) take(steps []queue.Step) {
	for _, step := range steps {
		switch step := step.(type) {
		case queue.Load:
			h.after(time.Millisecond, func() { h.take(h.queue.Loaded(h.now, h.store.due(step.At, step.Limit, step.Except), nil)) })
		case queue.Ask:
			h.rights.Ask(domain.TierStandard, step.Class)
		case queue.Release:
			h.rights.Return()
		case queue.Send:
			h.send(step)
		case queue.Record:
			h.after(2*time.Millisecond, func() {
				got, err := h.store.record(step.Attempted)
				h.take(h.queue.Recorded(h.now, step.Attempted, got, err))
			})
		case queue.Wake:
			h.after(step.After, func() { h.take(h.queue.Due(h.now)) })
		case queue.Noted:
		default:
			h.broken = fmt.Sprintf("an unexpected step: %T", step)
		}
	}
	all, repeats := h.gate.Out()
	if most, of := h.gate.Limits(); all > most || repeats > of {
		h.broken = fmt.Sprintf("%d rights are out of %d, %d of %d for repeats", all, most, repeats, of)
	}
}

func (h *house) send(s queue.Send) {
	n := s.Delivery.N
	if h.ends[n] = h.rights.Use(); h.ends[n] == nil {
		h.broken = fmt.Sprintf("%s sends %d without a right", h.name, n)
		return
	}
	h.sent++
	if s.Trigger == domain.TriggerFirst {
		h.worst = max(h.worst, s.Queue)
	}
	sent := h.answer()
	sent.At = h.now
	h.after(sent.Phases.Total, func() {
		h.ends[n]()
		delete(h.ends, n)
		h.take(h.queue.Attempted(h.now, n, sent, "s-1"))
	})
}

// Endpoints that are dead, hang, or take hundreds at once and then become slow share a node with others that are well. Whatever
// they do, a first attempt at one of the others begins in the millisecond in which it is due: its wait is the same as if it
// were alone.
func TestQueue_LivesTogether(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if raceDetector || testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		s := newStreet(seed, 256)
		millis := func(most int) time.Duration { return time.Duration(s.rng.IntN(most*1000)) * time.Microsecond }
		var well, ill []*house
		for i := range 6 {
			well = append(well, s.move(fmt.Sprint("well-", i), domain.Endpoint{}, func() domain.Sent { return answer(200, millis(50)) }))
		}
		greedy := domain.Endpoint{Concurrency: domain.MaxConcurrency}
		takes := time.Second // while they earn their places
		for i := range 4 {
			ill = append(ill, s.move(fmt.Sprint("slow-", i), greedy, func() domain.Sent { return answer(200, takes+millis(500)) }))
		}
		ill = append(ill,
			s.move("dead", greedy, func() domain.Sent { return broken(domain.ErrorConnect, millis(2000)) }),
			s.move("hanging", greedy, func() domain.Sent { return broken(domain.ErrorTimeout, domain.DefaultTimeout) }),
			s.move("flapping", greedy, func() domain.Sent { return answer([]int{200, 500, 503}[s.rng.IntN(3)], millis(5000)) }))
		lead, most := 0, 0
		live := func(halves, owed int) {
			for range halves {
				for i, h := range append(ill[:7:7], well...) {
					n := owed
					if i >= 7 {
						n = s.rng.IntN(4)
					}
					for range n {
						lead++
						h.owe(lead, domain.Class(s.rng.IntN(2)))
					}
				}
				s.run(500 * time.Millisecond)
				all, _ := s.gate.Out()
				most = max(most, all)
			}
		}
		live(200, 60)
		takes = 12 * time.Second
		live(120, 20)
		require.Empty(t, s.broken, "seed %d", seed)
		require.Greater(t, most, 190, "seed %d: they take all that they are given", seed)
		for _, h := range well {
			require.Greater(t, h.sent, 200, "seed %d: %s", seed, h.name)
			require.LessOrEqual(t, h.worst, time.Millisecond, "seed %d: %s waited for its turn", seed, h.name)
		}
	}
}
