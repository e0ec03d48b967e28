package intake_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/intake"
)

// ledger is what the store promises of one lead, in a few lines: the model that whole lives are played
// against. The real stores are held to the same promises by storetest.
type ledger struct {
	seq     int64
	keys    map[domain.EventID]bool
	said    string // the contact of the newest event
	pending map[int64]domain.Pending
	lead    domain.Lead
	feed    []domain.FeedEvent
}

func (m *ledger) receive(e domain.Event) domain.Received {
	if m.keys[e.ID] {
		return domain.Received{Duplicate: true}
	}
	m.seq++
	m.keys[e.ID] = true
	m.said = string(e.Contact)
	m.pending[m.seq] = domain.Pending{Seq: m.seq, Event: e}
	return domain.Received{Seq: m.seq}
}

func (m *ledger) decide(d domain.Decision) domain.Decided {
	p, ok := m.pending[d.EventSeq]
	switch {
	case !ok:
		return domain.Decided{Outcome: domain.AlreadyDecided}
	case m.lead.Revision != d.Expect:
		return domain.Decided{Outcome: domain.Stale, Lead: m.lead}
	}
	delete(m.pending, d.EventSeq)
	if d.Verb == domain.Ignore {
		return domain.Decided{Outcome: domain.Done}
	}
	m.lead.Revision++
	m.lead.EventSeq = max(m.lead.EventSeq, d.EventSeq)
	m.lead.Contact = d.Contact
	m.lead.Campaign = d.Campaign
	var e domain.FeedEvent
	switch {
	case d.Verb == domain.Hold:
		p.Held = true
		m.pending[p.Seq] = p
		m.lead.State, m.lead.HeldSeq = domain.Waiting, p.Seq
	case d.Verb == domain.Assign:
		delete(m.pending, m.lead.HeldSeq)
		m.lead.State, m.lead.Buyer, m.lead.HeldSeq = domain.Assigned, d.Buyer, 0
		e = domain.FeedEvent{Type: domain.LeadAssigned}
	case m.lead.State == domain.Assigned:
		e = domain.FeedEvent{Type: domain.LeadUpdated}
	}
	if e.Type != "" {
		e.Seq, e.EventID = domain.Seq(len(m.feed)+1), d.EventID
		m.feed = append(m.feed, e)
	}
	return domain.Decided{Outcome: domain.Done, Lead: m.lead, Event: e}
}

// Whole lives from seeds: repeats, a store that fails before or after it committed, crashes of the
// actor, recoveries, a second activation that decides behind our back, buyers that come and go. Whatever
// happens, an acked event is kept once, the lead is assigned once, every event takes effect at most
// once, the newest event has the last word, and in the end nothing that a buyer could have is pending.
func TestLead_Lives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		live(t, seed)
	}
}

func live(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 2))
	open, closed := newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"}), newOffice(domain.Buyer{ID: "ann", Paused: true})
	o := &office{open.desk, closed.routing}
	m := &ledger{keys: map[domain.EventID]bool{}, pending: map[int64]domain.Pending{}}
	l := intake.New(key, fence, intake.Deps{Chooser: o})
	acked := map[domain.EventID]bool{}
	var todo []intake.Step

	run := func(steps []intake.Step) {
		for _, s := range steps {
			switch s := s.(type) {
			case intake.Answer:
				if s.Err == nil {
					acked[s.To.(domain.EventID)] = true
				}
			case intake.Keep, intake.Decide, intake.Retry:
				todo = append(todo, s)
			}
		}
	}
	perform := func(i int, fail int) { // fail: 1 before the commit, 2 after it
		s := todo[i]
		todo = append(todo[:i:i], todo[i+1:]...)
		switch s := s.(type) {
		case intake.Keep:
			o := intake.Outcome{At: noon, Err: down}
			if fail != 1 {
				o = intake.Outcome{At: noon, Received: m.receive(s.Event)}
				if s.Decision != nil && !o.Received.Duplicate {
					d := *s.Decision
					d.EventSeq = o.Received.Seq
					o.Decided = m.decide(d)
				}
			}
			if fail == 2 {
				o = intake.Outcome{Err: down}
			}
			run(l.Kept(noon, s, o))
		case intake.Decide:
			if fail == 1 {
				run(l.Decided(noon, s.Decision, domain.Decided{}, noon, down))
				return
			}
			r := m.decide(s.Decision)
			if fail == 2 {
				run(l.Decided(noon, s.Decision, domain.Decided{}, noon, down))
				return
			}
			run(l.Decided(noon, s.Decision, r, noon, nil))
		case intake.Retry:
			run(l.Retry(noon))
		}
	}
	pending := func() []domain.Pending {
		var out []domain.Pending
		for seq := range m.seq + 1 {
			if p, ok := m.pending[seq]; ok {
				out = append(out, p)
			}
		}
		return out
	}

	for step := range 150 {
		switch rng.IntN(12) {
		case 0, 1, 2:
			id := domain.EventID(fmt.Sprint(rng.IntN(40)))
			run(l.Ingest(noon, event(string(id), fmt.Sprintf(`{"city":"%d"}`, step)), id))
		case 3, 4, 5, 6, 7:
			if len(todo) > 0 {
				perform(rng.IntN(len(todo)), max(0, rng.IntN(8)-5))
			}
		case 8:
			o.routing = []*domain.Routing{open.routing, closed.routing}[rng.IntN(2)]
		case 9:
			run(l.Recover(noon, pending()))
		case 10: // the actor crashes: its memory and its work are gone, some of the work was done
			for _, s := range todo {
				switch s := s.(type) {
				case intake.Decide:
					if rng.IntN(2) == 0 {
						m.decide(s.Decision)
					}
				case intake.Keep:
					if rng.IntN(2) == 0 {
						m.receive(s.Event)
					}
				}
			}
			if rng.IntN(2) == 0 { // else their answers come to the next incarnation
				todo = nil
			}
			l = intake.New(key, fence, intake.Deps{Chooser: o})
		}
	}
	o.routing = open.routing
	for len(todo) > 0 {
		perform(0, 0)
	}
	for range 2 { // the second pass brings what the first had no room for
		run(l.Recover(noon, pending()))
		for len(todo) > 0 {
			perform(0, 0)
		}
	}

	require.Empty(t, m.pending, "seed %d: everything is decided", seed)
	require.False(t, l.Busy(), "seed %d", seed)
	for id := range acked {
		require.True(t, m.keys[id], "seed %d: %s was acked and is not kept", seed, id)
	}
	var assigned int
	effects := map[domain.EventID]bool{}
	for i, e := range m.feed {
		require.Equal(t, domain.Seq(i+1), e.Seq)
		require.False(t, effects[e.EventID], "seed %d: %s took effect twice", seed, e.EventID)
		effects[e.EventID] = true
		if e.Type == domain.LeadAssigned {
			assigned++
		}
	}
	if len(m.keys) > 0 {
		require.Equal(t, 1, assigned, "seed %d", seed)
		require.JSONEq(t, m.said, string(m.lead.Contact), "seed %d: the newest event has the last word", seed)
	}
}
