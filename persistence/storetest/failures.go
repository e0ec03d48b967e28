package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func failures(t *testing.T, h Harness) {
	// The disk or the connection fails once, at each step of a commit in turn, under a mixed load. Each
	// operation afterwards happened whole or not at all, and repeating it completes it.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			allOrNothing(t, h, step)
		})
	}

	// The same with the process gone before anybody can repeat anything.
	for _, step := range h.Steps {
		t.Run("CrashAt/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			f := claim(t, in.Store)
			prepared := lives(t, in.Store, f, 6)
			p.set(step, 1<<30)
			live(t, in.Store, f, prepared)
			require.Positive(t, p.hits(), "the load passes this step")
			after := in.Crash(t)
			whole(t, after.Store, prepared)
		})
	}

	// While the disk is full everything is refused as Unavailable, and nothing has to be restarted when
	// there is space again.
	t.Run("ALongOutageEndsByItself", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		kept := receive(t, s, f, event("before", "ghl-before"))
		p.set(h.Steps[0], 1<<30)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // a store may try again by itself for a while
		defer cancel()
		_, err := s.Receive(ctx, f, event("during", "ghl-during"))
		require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
		require.Equal(t, domain.Unavailable, domain.CodeOf(s.Ping(ctx)))
		p.set("", 0)
		require.Eventually(t, func() bool { return s.Ping(t.Context()) == nil }, 10*time.Second, time.Millisecond)
		decide(t, s, assign(f, kept, "bea"))
		retry(t, func() error { _, err := s.Receive(t.Context(), f, event("during", "ghl-during")); return err })
		require.Len(t, undecided(t, s, false), 1)
	})

	// At the queue's limit the answer comes at once: a source is told to try again while it still listens.
	t.Run("AFullQueueIsUnavailable", func(t *testing.T) {
		t.Parallel()
		const limit = 8
		var p trap
		s := h.Open(t, Options{Fail: p.fail, QueueOps: limit}).Store
		f := claim(t, s)
		held, release := p.holdAt(h.Steps[0])
		defer release()
		errs := make(chan error, 100)
		go func() { errs <- s.Ping(t.Context()) }()
		<-held
		for _, id := range names("e", cap(errs)-1) {
			go func() {
				_, err := s.Receive(t.Context(), f, event(id, domain.LeadID(id)))
				errs <- err
			}()
		}
		refused := cap(errs) - 1 - limit
		for range refused { // they are answered while the commit still stands
			require.Equal(t, domain.Unavailable, domain.CodeOf(<-errs))
		}
		release()
		for range cap(errs) - refused {
			require.NoError(t, <-errs)
		}
		require.Len(t, undecided(t, s, false), limit)
	})

	// A caller that gives up does not withdraw what it asked for; asking again finds out.
	t.Run("AnAbandonedCallStillCounts", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		f := claim(t, s)
		held, release := p.holdAt(h.Steps[0])
		defer release()
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() { _, err := s.Receive(ctx, f, event("e-1", "ghl-ada")); answer <- err }()
		<-held
		cancel()
		require.Equal(t, domain.Unavailable, domain.CodeOf(<-answer))
		release()
		again, err := s.Receive(t.Context(), f, event("e-1", "ghl-ada"))
		require.NoError(t, err)
		require.True(t, again.Duplicate)
	})
}

// story is one lead from its event to its assignment, with what was answered.
type story struct {
	event    domain.Event
	buyer    domain.BuyerID
	pending  domain.Pending // of an event received before the failure
	received bool           // before or during it
	decided  bool
	updated  bool // pending is a later event of a lead that was assigned before
	hold     bool // the lead is to be held
}

// lives prepares stories at every stage, so that one batch has all kinds of operations in it.
func lives(t *testing.T, s domain.Store, f domain.Fence, n int) []*story {
	t.Helper()
	all := make([]*story, n*4)
	for i, id := range names("life", len(all)) {
		l := &story{event: event(id, domain.LeadID("ghl-"+id)), buyer: domain.BuyerID(fmt.Sprintf("buyer-%d", i%2))}
		switch i % 4 {
		case 1: // received, not decided
			l.pending, l.received = receive(t, s, f, l.event), true
		case 2: // assigned, and a later event came
			assigned(t, s, f, id, l.buyer)
			l.event.ID += "-later"
			l.pending, l.received, l.updated = receive(t, s, f, l.event), true, true
		case 3: // received, and nobody will be eligible
			l.pending, l.received, l.hold = receive(t, s, f, l.event), true, true
		}
		all[i] = l
	}
	met(t, s, f, "h-lives", visit1, ada)
	owe(t, s, f, "a-lives", "ghl-lives", "lives-fails", "lives-arrives")
	return all
}

// passBy adds a pixel's and an endpoint's operations to a load, so that it passes their steps too. What becomes of
// them is told in their own stories.
func passBy(t *testing.T, s domain.Store, f domain.Fence, wg *sync.WaitGroup) {
	t.Helper()
	o := meeting(t, s, f, hit("h-pass", visit2), bob)
	o.Learn = []domain.Link{link(bobKey, bob)}
	var js []domain.Judgement
	for _, sighting := range owed(t, s) {
		j := judgement(t, s, f, sighting)
		j.Announce[0].Owed = owes("pass")
		js = append(js, j)
	}
	var attempts []domain.Attempted
	for _, d := range deliveries(t, s, domain.DeliveryFilter{Lead: "ghl-lives"}) {
		if d.Endpoint == "lives-fails" {
			attempts = append(attempts, fails(f, d, noon))
		} else {
			attempts = append(attempts, arrives(f, d, noon))
		}
	}
	for _, a := range attempts {
		wg.Go(func() { _, _ = s.RecordAttempt(t.Context(), a) })
	}
	wg.Go(func() { _, _ = s.Observe(t.Context(), o) })
	for _, j := range js {
		wg.Go(func() { _, _ = s.Judge(t.Context(), j) })
	}
}

func (l *story) decision(f domain.Fence) domain.Decision {
	if l.updated {
		d := settle(f, l.pending, domain.Update)
		d.Expect = 1
		return d
	}
	if l.hold {
		return settle(f, l.pending, domain.Hold)
	}
	d := assign(f, l.pending, l.buyer)
	d.Cap = 1000
	return d
}

// live goes on with every story at once and notes what was acknowledged.
func live(t *testing.T, s domain.Store, f domain.Fence, stories []*story) {
	t.Helper()
	var wg sync.WaitGroup
	for _, l := range stories {
		wg.Go(func() {
			if !l.received {
				got, err := s.Receive(t.Context(), f, l.event)
				l.received = err == nil
				if err == nil && !got.Duplicate {
					l.pending = domain.Pending{Seq: got.Seq, Event: l.event}
				}
				return
			}
			d, err := s.Decide(t.Context(), l.decision(f))
			l.decided = err == nil && d.Outcome == domain.Done
		})
	}
	passBy(t, s, f, &wg)
	wg.Add(3)
	go func() { defer wg.Done(); _ = s.Ping(t.Context()) }()
	go func() { defer wg.Done(); _, _ = s.Claim(t.Context(), "node-2", []domain.Partition{99}) }()
	go func() {
		defer wg.Done()
		_, _ = s.RecordSeen(t.Context(), []domain.Seen{{Account: account, Buyer: "buyer-0", Seq: 1, ClientReceivedAt: noon, ReportedAt: noon}})
	}()
	wg.Wait()
	_, _ = s.Erase(t.Context(), domain.Erasure{Account: account, Audit: audit("erase")}) // of nobody
}

// whole checks that no story stands half in the store: what was acknowledged is there, what pends has
// no effect yet, what has an effect no longer pends, and feeds and counters agree with the leads.
func whole(t *testing.T, s domain.Store, stories []*story) {
	t.Helper()
	pending := map[domain.EventID]bool{}
	for _, p := range undecided(t, s, false) {
		pending[p.Event.ID] = true
	}
	held := map[domain.EventID]int64{}
	for _, p := range undecided(t, s, true) {
		held[p.Event.ID] = p.Seq
	}
	announced := map[domain.EventID]domain.Seq{}
	assignments := map[domain.BuyerID]int{}
	for _, buyer := range []domain.BuyerID{"buyer-0", "buyer-1"} {
		for _, e := range feed(t, s, buyer) {
			require.Zero(t, announced[e.EventID], "event %s is announced once", e.EventID)
			announced[e.EventID] = e.Seq
			if e.Type == domain.LeadAssigned {
				assignments[buyer]++
			}
		}
		require.Equal(t, assignments[buyer], count(t, s, buyer).N, "the counter of %s", buyer)
	}
	for _, l := range stories {
		id := l.event.ID
		require.False(t, pending[id] && announced[id] != 0, "event %s pends and is announced", id)
		require.False(t, pending[id] && held[id] != 0, "event %s pends and is held", id)
		if l.decided {
			require.True(t, announced[id] != 0 || held[id] != 0, "the decision of %s was acknowledged", id)
		}
		if l.received {
			require.True(t, pending[id] || held[id] != 0 || announced[id] != 0, "event %s was acknowledged", id)
		}
		lead, err := s.Lead(t.Context(), domain.LeadKey{Account: account, Lead: l.event.Lead})
		if held[id] != 0 {
			require.NoError(t, err)
			require.Equal(t, held[id], lead.HeldSeq, "lead of %s", id)
			continue
		}
		if announced[id] == 0 {
			if !l.updated {
				require.Equal(t, domain.NotFound, domain.CodeOf(err), "lead of %s", id)
			}
			continue
		}
		require.NoError(t, err)
		require.Equal(t, announced[id], lead.LastSeq, "lead of %s", id)
	}
}

func allOrNothing(t *testing.T, h Harness, step string) {
	var p trap
	s := h.Open(t, Options{Fail: p.fail}).Store
	f := claim(t, s)
	stories := lives(t, s, f, 6)
	p.set(step, 1)
	live(t, s, f, stories)
	require.Positive(t, p.hits(), "the load passes this step")
	p.set("", 0)
	whole(t, s, stories)

	for _, l := range stories { // everybody asks again, and goes on to the end
		retry(t, func() error { _, err := s.Receive(t.Context(), f, l.event); return err })
	}
	for _, pending := range undecided(t, s, false) {
		for _, l := range stories {
			if l.event.ID == pending.Event.ID {
				l.pending = pending
				decide(t, s, l.decision(f))
			}
		}
	}
	for _, l := range stories {
		l.received, l.decided = true, true
	}
	require.Empty(t, undecided(t, s, false))
	whole(t, s, stories)
}

// retry repeats what was Unavailable, as every caller does.
func retry(t *testing.T, call func() error) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := call()
		if err != nil {
			require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
		}
		return err == nil
	}, 10*time.Second, time.Millisecond)
}
