package delivery_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// ledger is what the store promises of one acquaintance, in a few lines: the model that whole lives are played
// against. The real stores are held to the same promises by storetest.
type ledger struct {
	epoch      int64
	basis      int64
	suppressed bool
	owed       map[int64]domain.Sighting
	settled    map[int64]int
	unmet      int64 // of them without a trace
	known      domain.Acquaintance
	announced  []domain.Announcement
	newest     []int64 // the newest sighting of the commit that each announcement came with
	entered    []domain.Pending
	broken     string // a promise that a commit broke
}

func (m *ledger) judge(j domain.Judgement) (domain.Judged, error) {
	if j.Fence.Epoch != m.epoch {
		return domain.Judged{}, domain.ErrFenced
	}
	for _, n := range j.Settle {
		if _, ok := m.owed[n]; !ok {
			return domain.Judged{Outcome: domain.AlreadyDecided}, nil
		}
	}
	switch {
	case j.Basis < m.basis:
		return domain.Judged{Outcome: domain.Outdated, Basis: m.basis}, nil
	case j.Expect != m.known.Revision:
		return domain.Judged{Outcome: domain.Stale, Acquaintance: m.known}, nil
	}
	for _, n := range j.Settle {
		delete(m.owed, n)
		m.settled[n]++
	}
	if j.Unmet {
		m.unmet += int64(len(j.Settle))
		return domain.Judged{Outcome: domain.Done}, nil
	}
	if m.suppressed && m.known.Revision == 0 {
		m.broken = "remembered somebody who is suppressed"
	}
	revision := m.known.Revision
	m.known = j.After
	m.known.Revision = revision + 1
	for _, a := range j.Announce {
		if m.suppressed {
			m.broken = "announced somebody who is suppressed"
		}
		m.announced = append(m.announced, a)
		m.newest = append(m.newest, slices.Max(j.Settle))
	}
	if j.Enter != nil {
		m.entered = append(m.entered, *j.Enter)
	}
	return domain.Judged{Outcome: domain.Done, Acquaintance: m.known, Announced: j.Announce}, nil
}

// pending is everything owed, by N, as recovery lists it.
func (m *ledger) pending() []domain.Sighting {
	var all []domain.Sighting
	for _, s := range m.owed {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b domain.Sighting) int { return int(a.N - b.N) })
	return all
}

// activation is one judge with what it has asked for and not been answered.
type activation struct {
	judge *delivery.Judge
	todo  []delivery.Step
	wakes []time.Time
	now   *time.Time
}

func (a *activation) take(steps []delivery.Step) {
	for _, s := range steps {
		switch s := s.(type) {
		case delivery.Decide, delivery.Refresh:
			a.todo = append(a.todo, s)
		case delivery.Wake:
			a.wakes = append(a.wakes, a.now.Add(s.After))
		}
	}
}

// life is one account's way with Ada, from a seed.
type life struct {
	t       *testing.T
	rng     *rand.Rand
	store   *ledger
	office  *office
	now     time.Time
	current *activation
	old     []*activation // of which nobody has told them yet
	hits    int64
}

func (l *life) activate() *activation {
	return &activation{now: &l.now, judge: delivery.NewJudge(key, domain.Fence{Partition: 7, Epoch: l.store.epoch}, l.office.deps())}
}

// perform does a step of an activation; fail: 1 before the commit, 2 after it.
func (l *life) perform(a *activation, i, fail int) {
	s := a.todo[i]
	a.todo = slices.Delete(a.todo, i, i+1)
	switch s := s.(type) {
	case delivery.Refresh:
		if fail > 0 {
			a.take(a.judge.Refreshed(l.now, down))
			return
		}
		l.sync()
		a.take(a.judge.Refreshed(l.now, nil))
	case delivery.Decide:
		r, err := domain.Judged{}, error(down)
		if fail != 1 {
			r, err = l.store.judge(s.Judgement)
		}
		if fail == 2 {
			r, err = domain.Judged{}, down
		}
		a.take(a.judge.Judged(l.now, s.Judgement, r, err))
	}
}

// sync brings this node's memory up to the store.
func (l *life) sync() {
	suppressed := l.store.suppressed
	l.office.basis = l.store.basis
	l.office.suppressed = func(identity.Subject) bool { return suppressed }
}

func (l *life) advance(by time.Duration) {
	l.now = l.now.Add(by)
	for _, a := range append([]*activation{l.current}, l.old...) {
		wakes := a.wakes
		a.wakes = nil
		for _, at := range wakes {
			if at.After(l.now) {
				a.wakes = append(a.wakes, at)
			} else {
				a.take(a.judge.Due(l.now))
			}
		}
	}
}

// hit owes a sighting, which this node is told of, or not.
func (l *life) hit(hint bool) {
	l.hits++
	s := sighting(l.hits)
	s.MatchedAt, s.OccurredAt, s.ReceivedAt = l.now, l.now, l.now
	l.store.owed[s.N] = s
	if hint {
		l.current.take(l.current.judge.Sighted(l.now, s))
	}
}

// finish lets everything that was begun end well.
func (l *life) finish() {
	for range 6 {
		l.current.take(l.current.judge.Sighted(l.now, l.store.pending()...))
		for range 1000 {
			switch {
			case len(l.current.todo) > 0:
				l.perform(l.current, 0, 0)
			case len(l.current.wakes) > 0:
				l.advance(time.Second)
			}
		}
	}
}

// Whole lives from seeds: repeats, hints that are lost, a store that fails before or after it committed, crashes,
// suppressions that come and go, a second activation that decides behind our back, another node that takes over.
// Whatever happens, a first match is announced once and under one id, every sighting is settled once, nothing leaves
// about somebody who is suppressed, the cap holds, and what is announced is not announced again.
func TestJudge_Lives(t *testing.T) {
	t.Parallel()
	var firsts, updates, suppressions, capped int
	for seed := range uint64(1500) {
		l := &life{
			t: t, rng: rand.New(rand.NewPCG(seed, 3)), now: noon,
			store: &ledger{epoch: 3, basis: 1, owed: map[int64]domain.Sighting{}, settled: map[int64]int{}},
		}
		rules := domain.Announce{Coalesce: time.Duration(1+seed%3) * time.Second}
		suppressible, orderly := seed%2 == 0, seed%3 == 0
		if seed%5 == 0 {
			rules.Frequency = domain.Frequency{Max: 1 + int(seed/5%3), Per: 20 * time.Second}
			capped++
		}
		if seed%7 == 0 {
			rules.Pages = []string{"/p/*[13579]", "/p/?1", "/p/1*"} // some of them
		}
		l.office = newOffice(rules)
		l.office.pixels["shop"].Pixel.Campaign = "pumps"
		l.sync()
		l.current = l.activate()
		l.live(suppressible, orderly)
		l.finish()
		l.check(seed, rules, suppressible, orderly)
		for _, a := range l.store.announced {
			if a.Type == domain.VisitorIdentifiedEvent {
				firsts++
			} else {
				updates++
			}
		}
		suppressions += int(l.store.basis - 1)
	}
	require.Greater(t, firsts, 1000, "the lives are worth living")
	require.Greater(t, updates, 3000)
	require.Greater(t, suppressions, 1000)
	require.Greater(t, capped, 100)
}

func (l *life) live(suppressible, orderly bool) {
	rng := l.rng
	for range 120 {
		switch rng.IntN(14) {
		case 0, 1, 2:
			l.hit(orderly || rng.IntN(4) > 0)
		case 3, 4, 5, 6:
			if n := len(l.current.todo); n > 0 {
				l.perform(l.current, rng.IntN(n), max(0, rng.IntN(8)-5))
			}
		case 7, 8:
			l.advance(time.Duration(rng.IntN(3000)) * time.Millisecond)
		case 9:
			if !orderly {
				l.current.take(l.current.judge.Sighted(l.now, l.store.pending()...))
			}
		case 10:
			if suppressible && rng.IntN(3) == 0 {
				l.store.suppressed = !l.store.suppressed
				l.store.basis++
			}
		case 11: // the actor crashes: its memory is gone; some of its work was done, and answers may still come
			if orderly {
				continue
			}
			crashed := l.current
			l.current = l.activate()
			if rng.IntN(2) == 0 {
				l.current.todo = crashed.todo
			} else {
				for _, s := range crashed.todo {
					if d, ok := s.(delivery.Decide); ok && rng.IntN(2) == 0 {
						_, _ = l.store.judge(d.Judgement)
					}
				}
			}
		case 12: // another node takes over, or a second activation comes to be: the old one does not know
			if orderly || rng.IntN(3) > 0 {
				continue
			}
			if rng.IntN(2) == 0 {
				l.store.epoch++
			}
			l.old = append(l.old, l.current)
			l.current = l.activate()
		case 13:
			for _, a := range l.old {
				if n := len(a.todo); n > 0 {
					l.perform(a, rng.IntN(n), max(0, rng.IntN(8)-5))
				}
			}
		}
	}
}

func (l *life) check(seed uint64, rules domain.Announce, suppressible, orderly bool) {
	t, m := l.t, l.store
	require.Empty(t, m.broken, "seed %d", seed)
	require.Empty(t, m.owed, "seed %d: everything is settled", seed)
	require.Len(t, m.settled, int(l.hits), "seed %d", seed)
	for n, times := range m.settled {
		require.Equal(t, 1, times, "seed %d: sighting %d", seed, n)
	}
	require.Equal(t, l.hits, m.known.Sightings+m.unmet, "seed %d", seed)
	require.Len(t, m.announced, int(m.known.Announced), "seed %d", seed)
	require.False(t, l.current.judge.Busy(), "seed %d", seed)

	ids, firsts, said := map[domain.EventID]bool{}, 0, 0
	for i, a := range m.announced {
		require.False(t, ids[a.ID], "seed %d: %s was announced twice", seed, a.ID)
		ids[a.ID] = true
		said += read(t, a).Sightings
		if a.Type == domain.VisitorIdentifiedEvent {
			firsts++
			require.Zero(t, i, "seed %d: an update came before the first match", seed)
			require.Equal(t, m.known.FirstID, a.ID, "seed %d", seed)
		}
		if orderly && i > 0 {
			require.Greater(t, m.newest[i], m.newest[i-1], "seed %d: updates are in order", seed)
		}
		if rules.Frequency.Max > 0 {
			within := 0
			for _, b := range m.announced[:i+1] {
				if b.At.After(a.At.Add(-rules.Frequency.Per)) {
					within++
				}
			}
			require.LessOrEqual(t, within, rules.Frequency.Max, "seed %d", seed)
		}
	}
	require.LessOrEqual(t, firsts, 1, "seed %d", seed)
	require.Len(t, m.entered, firsts, "seed %d: the campaign is entered with the first match", seed)
	if !suppressible && len(rules.Pages) == 0 && l.hits > 0 {
		require.Equal(t, 1, firsts, "seed %d: the first match is not lost", seed)
		if rules.Frequency.Max == 0 {
			require.Equal(t, int(l.hits), said, "seed %d: no sighting is lost, none is told twice", seed)
		}
	}
}
