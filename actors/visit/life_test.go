package visit_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/visit"
)

// ledger is what the store promises of one visitor, in a few lines: the model that whole lives are played
// against. The real stores are held to the same promises by storetest.
type ledger struct {
	t          *testing.T
	seed       uint64
	seq, n     int64
	keys       map[domain.EventID]bool
	row        domain.Visit
	basis      int64
	suppressed map[domain.PersonID]bool
	owed       map[int64]domain.Sighting
}

func (m *ledger) observe(o domain.Observation) domain.Observed {
	known, some := make([]bool, len(o.Hits)), false
	for i, h := range o.Hits {
		known[i] = m.keys[h.ID]
		some = some || known[i]
	}
	switch {
	case some:
		return domain.Observed{Outcome: domain.Duplicated, Known: known, Basis: m.basis}
	case o.Basis < m.basis:
		return domain.Observed{Outcome: domain.Outdated, Basis: m.basis}
	case o.Expect != m.row.Revision:
		return domain.Observed{Outcome: domain.Stale, Visit: m.row, Basis: m.basis}
	}
	m.check(o)
	r := domain.Observed{Outcome: domain.Done, Basis: m.basis}
	before := m.row
	m.row = o.Visit
	m.row.Revision, m.row.EventSeq = before.Revision+1, before.EventSeq
	for _, h := range o.Hits {
		require.False(m.t, m.keys[h.ID], "seed %d: the same hit twice in one step", m.seed)
		m.keys[h.ID] = true
		m.seq++
		m.row.EventSeq, r.Seqs = m.seq, append(r.Seqs, m.seq)
	}
	r.Visit = m.row
	for _, s := range o.Owed {
		m.n++
		s.N, s.Visit = m.n, m.row
		m.owed[m.n], r.Owed = s, append(r.Owed, m.n)
	}
	return r
}

// check holds every commit to what the package promises.
func (m *ledger) check(o domain.Observation) {
	v := o.Visit
	require.LessOrEqual(m.t, len(o.Hits), domain.MaxHits, "seed %d", m.seed)
	require.False(m.t, m.suppressed[v.Person], "seed %d: somebody suppressed was identified", m.seed)
	require.GreaterOrEqual(m.t, v.Number, m.row.Number, "seed %d: sessions are counted", m.seed)
	require.Equal(m.t, m.row.Session != v.Session, v.Number > m.row.Number, "seed %d: sessions are counted", m.seed)
	require.LessOrEqual(m.t, len(v.Pages), domain.MaxPages)
	upgraded := 0
	for _, s := range o.Owed {
		require.Equal(m.t, v.Person, s.Person, "seed %d: whoever is sighted is whom the visit is of", m.seed)
		require.False(m.t, m.suppressed[s.Person], "seed %d: somebody suppressed is sighted", m.seed)
		require.Empty(m.t, v.Suppressed, "seed %d: a sighting with a suppressed visit", m.seed)
		upgraded += s.Upgraded
	}
	for _, l := range o.Learn {
		require.False(m.t, m.suppressed[l.Person], "seed %d: a link to somebody suppressed", m.seed)
	}
	require.Equal(m.t, v.Person != "", len(o.Owed) > 0, "seed %d: whoever is known is sighted, and nobody else", m.seed)
	if v.Session == m.row.Session {
		require.GreaterOrEqual(m.t, v.Duration, m.row.Duration, "seed %d", m.seed)
		require.GreaterOrEqual(m.t, v.Views, m.row.Views, "seed %d", m.seed)
		// A hit that is hidden takes the name out of the visit; whoever comes after it in one step is anybody.
		hides := slices.ContainsFunc(o.Hits, func(h domain.Hit) bool {
			named := h.Type == domain.Identify && len(h.HEMs) == 0
			return h.GPC || named || m.suppressed[m.row.Person]
		})
		require.True(m.t, hides || m.row.Person == "" || v.Person == "" || m.row.Person == v.Person, "seed %d: a visit is of one person", m.seed)
	}
	for _, h := range o.Hits {
		if h.GPC {
			require.Empty(m.t, h.HEMs, "seed %d: hashes of a suppressed hit", m.seed)
			for _, p := range v.Pages {
				require.NotEqual(m.t, h.View+"/"+string(domain.PageView), p.View+"/"+string(h.Type), "seed %d: a suppressed page is seen", m.seed)
			}
		}
	}
	if v.Suppressed != "" {
		require.Empty(m.t, v.HEMs)
		require.Empty(m.t, v.Phone)
		require.Zero(m.t, v.Match)
	}
	require.GreaterOrEqual(m.t, v.Views, upgraded, "seed %d: earlier views go along", m.seed)
	for i, s := range o.Owed {
		if i > 0 {
			require.Zero(m.t, s.Upgraded, "seed %d: once", m.seed)
		}
	}
}

// Whole lives from seeds: repeats, a store that fails before or after it committed, crashes of the actor,
// another activation that writes behind our back, suppressions that come and go, a slow tier that knows, does
// not know, and fails. Whatever happens: an acked hit is kept once, hits are answered in their order, nobody
// suppressed is identified, whoever is known is sighted in the same commit, earlier views go along once, and
// what was told is what is owed.
func TestLane_Lives(t *testing.T) {
	t.Parallel()
	var upgraded, late, hidden int
	for seed := range uint64(1000) {
		u, l, h := live(t, seed)
		upgraded, late, hidden = upgraded+u, late+l, hidden+h
	}
	for _, n := range []int{upgraded, late, hidden} {
		require.Greater(t, n, 100, "the lives are not as wild as they should be")
	}
}

func live(t *testing.T, seed uint64) (upgraded, late, hidden int) {
	rng := rand.New(rand.NewPCG(seed, 3))
	w := newWorld()
	w.hasSlow, w.slow["cy@"], w.slow["di@"] = rng.IntN(3) > 0, "cy", ""
	m := &ledger{t: t, seed: seed, keys: map[domain.EventID]bool{}, suppressed: map[domain.PersonID]bool{}, owed: map[int64]domain.Sighting{}}
	core := visit.New(key, fence, w.deps())
	acked := map[domain.EventID]bool{}
	var todo []visit.Step
	fresh := map[domain.EventID]int{} // how often it was said to be new
	var order []*group                // of this incarnation, without an answer yet
	now := noon

	run := func(steps []visit.Step) {
		for _, s := range steps {
			switch s := s.(type) {
			case visit.Answer:
				g := s.To.(*group)
				if len(order) > 0 && order[0] == g {
					order = order[1:]
				} else {
					require.False(t, slices.Contains(order, g), "seed %d: answered before its turn", seed)
				}
				require.False(t, g.answered, "seed %d: answered twice", seed)
				g.answered = true
				if s.Err != nil {
					continue
				}
				require.Len(t, s.Received, len(g.ids), "seed %d", seed)
				for i, r := range s.Received {
					acked[g.ids[i]] = true
					if !r.Duplicate {
						fresh[g.ids[i]]++
					}
				}
			case visit.Sight:
				for _, one := range s.Sightings {
					require.Equal(t, m.owed[one.N].Visit, one.Visit, "seed %d: what is told is what is owed", seed)
					require.Equal(t, s.Sightings[0].Key(), one.Key(), "seed %d: one lead", seed)
				}
			case visit.Resolved:
				upgraded += s.Upgraded
				if s.Late {
					late++
				}
				if s.Suppressed != "" {
					hidden++
				}
			case visit.Load, visit.Observe, visit.Refresh, visit.Ask, visit.Retry:
				todo = append(todo, s)
			}
		}
	}
	perform := func(i, fail int) { // fail: 1 before the commit, 2 after it
		s := todo[i]
		todo = append(todo[:i:i], todo[i+1:]...)
		switch s := s.(type) {
		case visit.Load:
			if fail > 0 {
				run(core.Loaded(now, domain.Visit{}, down))
				return
			}
			run(core.Loaded(now, m.row, nil))
		case visit.Observe:
			var r domain.Observed
			if fail != 1 {
				r = m.observe(s.Observation)
			}
			if fail > 0 {
				run(core.Observed(now, s.Observation, domain.Observed{}, down))
				return
			}
			run(core.Observed(now, s.Observation, r, nil))
		case visit.Refresh:
			if fail > 0 {
				run(core.Refreshed(now, down))
				return
			}
			w.basis, w.persons = m.basis, maps.Clone(m.suppressed)
			run(core.Refreshed(now, nil))
		case visit.Ask:
			if fail > 0 {
				run(core.Found(now, down))
				return
			}
			for _, k := range s.Keys {
				w.told[k.Value] = true
			}
			run(core.Found(now, nil))
		case visit.Retry:
			run(core.Retry(now))
		}
	}
	random := func() domain.Hit {
		id := fmt.Sprint(rng.IntN(60))
		var h domain.Hit
		switch rng.IntN(8) {
		case 0:
			h = identify(id, []string{"ada@", "bob@", "cy@", "di@"}[rng.IntN(4)])
		case 1, 2:
			h = leave(id, fmt.Sprint(rng.IntN(60)), 1000)
		default:
			h = view(id)
		}
		h.GPC, h.ReceivedAt = rng.IntN(12) == 0, now
		return h
	}

	for range 200 {
		switch rng.IntN(16) {
		case 0, 1, 2, 3:
			g := &group{}
			var hits []domain.Hit
			for range 1 + max(0, rng.IntN(12)-6) {
				hits = append(hits, random())
				g.ids = append(g.ids, hits[len(hits)-1].ID)
			}
			if !slices.ContainsFunc(order, func(o *group) bool { return slices.Equal(o.ids, g.ids) }) {
				order = append(order, g)
			}
			before := len(order)
			steps := core.Hits(now, hits, g)
			if a, ok := at(steps, 0).(visit.Answer); ok && a.To == g && order[before-1] == g {
				order = order[:before-1] // remembered, or refused: at once
			}
			run(steps)
		case 4, 5, 6, 7, 8, 9, 10:
			if len(todo) > 0 {
				perform(rng.IntN(len(todo)), max(0, rng.IntN(8)-5))
			}
		case 11:
			m.basis++
			p := domain.PersonID([]string{"ada", "bob", "cy"}[rng.IntN(3)])
			m.suppressed[p] = !m.suppressed[p]
		case 12:
			now = now.Add(time.Duration([]int{1, 60, 3000}[rng.IntN(3)]) * time.Second)
		case 13: // another activation, on a node that still believes, writes behind our back
			if rng.IntN(4) == 0 && m.row.Revision > 0 {
				m.row.Revision++
			}
		case 14: // what the tier knew has left memory
			clear(w.told)
		case 15: // the actor crashes: its memory is gone, and its work, some of it done
			if rng.IntN(4) > 0 {
				continue
			}
			for _, s := range todo {
				if s, ok := s.(visit.Observe); ok && rng.IntN(2) == 0 {
					m.observe(s.Observation)
				}
			}
			todo, order = nil, nil
			core = visit.New(key, fence, w.deps())
		}
	}
	for len(todo) > 0 {
		perform(0, 0)
	}
	require.False(t, core.Busy(), "seed %d", seed)
	require.Empty(t, order, "seed %d: everybody was answered", seed)
	for id := range acked {
		require.True(t, m.keys[id], "seed %d: %s was acked and is not kept", seed, id)
		require.LessOrEqual(t, fresh[id], 1, "seed %d: %s was new twice", seed, id)
	}
	return upgraded, late, hidden
}

// group is hits that came together, by whom.
type group struct {
	ids      []domain.EventID
	answered bool
}

func at(steps []visit.Step, i int) visit.Step {
	if i < len(steps) {
		return steps[i]
	}
	return nil
}
