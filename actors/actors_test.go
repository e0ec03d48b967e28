package actors_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/feed"
	"github.com/leadwire/leadwire/actors/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A contact comes in and its row stands on the buyer's dashboard, whose turn it is.
func TestLead_ReachesTheDashboard(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann", "bob"))
	ann, _ := node.Watch("ann")
	bob, _ := node.Watch("bob")
	require.Equal(t, []domain.Seq{0}, ann.Began())
	for i := range 4 {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	require.Equal(t, []domain.Seq{1, 2}, ann.Seqs())
	require.Equal(t, []domain.Seq{1, 2}, bob.Seqs())
	e := ann.Events()[0]
	require.Equal(t, domain.LeadAssigned, e.Type)
	require.JSONEq(t, `{"name":"lead-0"}`, string(e.Contact))
	require.False(t, e.CommittedAt.IsZero())
	require.Zero(t, ann.Replays(), "announced, not read back")
}

// A later event of the lead updates the row, with everything known before.
func TestLead_IsUpdated(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann", "bob"))
	ann, _ := node.Watch("ann")
	node.Keep(actortest.Contact("e1", "lead-1"))
	later := actortest.Contact("e2", "lead-1")
	later.Contact = []byte(`{"phone":"+15550100"}`)
	node.Keep(later)
	node.Leap(time.Hour)
	node.Advance(time.Minute) // the lead has left memory
	require.Zero(t, node.Cluster.Live(wire.KindLead))
	last := actortest.Contact("e3", "lead-1")
	last.Contact = []byte(`{"city":"Reno"}`)
	node.Keep(last)
	require.Equal(t, []domain.Seq{1, 2, 3}, ann.Seqs())
	require.Equal(t, domain.LeadUpdated, ann.Events()[2].Type)
	require.JSONEq(t, `{"name":"lead-1","phone":"+15550100","city":"Reno"}`, string(ann.Events()[2].Contact))
	node.Keep(actortest.Contact("e4", "lead-2"))
	require.Equal(t, domain.BuyerID("bob"), node.Lead("lead-2").Buyer, "updates took nobody's turn")
}

// Ten copies of each event, at once: one row, one assignment, ten good answers.
func TestLead_RetryStorm(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	storm(t, 50, func(i int) (bool, error) {
		r, err := node.Ingest(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i%25))))
		return r.Duplicate, err
	})
	node.Settle()
	assigned := 0
	for _, e := range node.Feed("ann") {
		if e.Type == domain.LeadAssigned {
			assigned++
		}
	}
	require.Equal(t, 25, assigned)
	require.Len(t, node.Feed("ann"), 50, "a row for each lead, and an update for each later event")
}

// storm brings each of n ten times, all at once: each is kept, and known the other nine times.
func storm(t *testing.T, n int, bring func(i int) (duplicate bool, err error)) {
	t.Helper()
	first := make([]atomic.Int64, n)
	var wg sync.WaitGroup
	for i := range n {
		for range 10 {
			wg.Go(func() {
				duplicate, err := bring(i)
				if err != nil {
					t.Error(err)
				} else if !duplicate {
					first[i].Add(1)
				}
			})
		}
	}
	wg.Wait()
	for i := range first {
		require.EqualValues(t, 1, first[i].Load(), i)
	}
}

// The store refuses to keep an event: the source is told to come back, and when it does all is well.
func TestLead_IsNotAckedWhenItIsNotKept(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	node.Store.Fail("Admit", 1, actortest.ErrDown)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Len(t, node.Feed("ann"), 1)
}

// The answer is lost after event and decision were committed: the source is told to come back and is then
// told that we have it; the lead is assigned once, and announced.
func TestLead_SurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann", "bob"))
	ann, _ := node.Watch("ann")
	node.Store.FailAfter("Admit", 1, actortest.ErrDown)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	node.Settle()
	require.Empty(t, ann.Seqs(), "nobody knows yet")
	r, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.NoError(t, err)
	require.True(t, r.Duplicate)
	node.Advance(5 * time.Second)
	require.Equal(t, []domain.Seq{1}, ann.Seqs(), "found by the lookout")
	require.Len(t, node.Feed("ann"), 1)
	require.Empty(t, node.Feed("bob"))
}

// The usual lead costs the store one operation.
func TestLead_TakesOneCommit(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	for i := range 10 {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	require.Equal(t, 10, node.Store.Calls("Admit"))
	require.Zero(t, node.Store.Calls("Receive"))
	require.Len(t, node.Feed("ann"), 10)
}

// Everything crashes between keeping and deciding. The next run decides.
func TestRecovery_DecidesWhatWasKept(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	node.Store.Fail("Decide", 1000, actortest.ErrDown)
	for i := range 20 {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	require.Empty(t, node.Feed("ann"))
	node.Advance(3 * time.Second)
	require.Equal(t, 20, node.Runtime.Backlog().Undecided)
	require.Equal(t, actortest.Noon, node.Runtime.Backlog().OldestUndecided.UTC())
	node.Restart()
	require.Len(t, node.Feed("ann"), 20)
	node.Advance(3 * time.Second)
	require.Zero(t, node.Runtime.Backlog().Undecided)
	r, err := node.Ingest(actortest.Contact("e7", "lead-7"))
	require.NoError(t, err)
	require.True(t, r.Duplicate, "kept before the crash")
}

// Nobody is eligible: the lead waits. A buyer is unpaused: it is assigned, without anybody asking again.
func TestRecovery_OffersHeldLeadsAgain(t *testing.T) {
	t.Parallel()
	catalog := actortest.Catalog("ann")
	catalog.Accounts[0].Buyers[0].Paused = true
	node := actortest.New(t, catalog)
	ann, _ := node.Watch("ann")
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Equal(t, domain.Waiting, node.Lead("lead-1").State)
	node.Advance(3 * time.Second)
	require.Equal(t, 1, node.Runtime.Backlog().Held)
	require.Zero(t, node.Runtime.Backlog().Undecided, "waiting for a buyer is not being stuck")
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Buyers[0].Paused = false })
	node.Advance(3 * time.Second)
	require.Equal(t, []domain.Seq{1}, ann.Seqs())
	require.Equal(t, domain.Assigned, node.Lead("lead-1").State)
}

// Caps hold under concurrency, and the day's end lets the rest in.
func TestCaps(t *testing.T) {
	t.Parallel()
	catalog := actortest.Catalog("ann", "bob")
	catalog.Accounts[0].Buyers[0].DailyCap = 5
	catalog.Accounts[0].Buyers[1].DailyCap = 7
	node := actortest.New(t, catalog)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			_, err := node.Ingest(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	node.Settle()
	require.Len(t, node.Feed("ann"), 5)
	require.Len(t, node.Feed("bob"), 7)
	node.Leap(12 * time.Hour) // midnight
	node.Advance(5 * time.Second)
	require.Len(t, node.Feed("ann"), 10)
	require.Len(t, node.Feed("bob"), 14)
}

// A stale owner cannot commit: it is told, lets go, and the source comes back to the one who owns.
func TestLead_FencedOwnerLetsGo(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	node.Keep(actortest.Contact("e1", "lead-1"))
	var all []domain.Partition
	for p := range domain.Partitions {
		all = append(all, domain.Partition(p))
	}
	require.NoError(t, node.Store.Resign(t.Context(), node.Cluster.ID()), "what no node does: nobody may take over from one whose lease lives")
	_, err := node.Store.Claim(t.Context(), "somebody-else", all)
	require.NoError(t, err)
	_, err = node.Store.Receive(t.Context(), node.Cluster.Held()[0], actortest.Contact("e9", "lead-9"))
	require.ErrorIs(t, err, domain.ErrFenced)
	require.Eventually(t, func() bool { // it claims again, because nobody else is a member
		_, err := node.Ingest(actortest.Contact("e2", "lead-2"))
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	node.Settle()
	require.Len(t, node.Feed("ann"), 2)
}

// A dashboard comes back with what it saw last, and gets what it missed and then what is new.
func TestHub_ResumesFromTheStore(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	for i := range 6 {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	back, _ := node.Watch("ann", 2)
	require.Equal(t, []domain.Seq{2}, back.Began())
	require.Equal(t, []domain.Seq{3, 4, 5, 6}, back.Seqs())
	require.Equal(t, 4, back.Replays())
	node.Keep(actortest.Contact("new", "lead-new"))
	require.Equal(t, []domain.Seq{3, 4, 5, 6, 7}, back.Seqs())

	ahead, _ := node.Watch("ann", 99)
	require.Equal(t, []domain.Seq{7}, ahead.Resyncs(), "a place that does not exist")
	foreign, _ := node.Watch("ann", -1)
	require.Equal(t, []domain.Seq{7}, foreign.Resyncs(), "a place in another history")
}

// The store is away while dashboards come back: they wait, and get everything when it is there again.
func TestHub_WaitsForTheStore(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Store.Fail("Feed", 3, actortest.ErrDown)
	w := &actortest.Watcher{}
	stop := node.Runtime.Hub().Watch(domain.BuyerKey{Account: "acme", Buyer: "ann"}, 0, true, w)
	defer stop()
	require.Eventually(t, func() bool { node.Clock.Tick(time.Second); return len(w.Seqs()) == 1 }, 10*time.Second, time.Millisecond)
}

// One dashboard is too slow and is dropped; its neighbour gets everything; when both have gone the
// buyer leaves memory.
func TestHub_DropsTheSlowOne(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	slow, _ := node.Watch("ann")
	quick, stop := node.Watch("ann")
	slow.Full()
	for i := range 3 {
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	require.Equal(t, []domain.Seq{1, 2, 3}, quick.Seqs())
	require.Empty(t, slow.Seqs())
	node.Leap(10 * time.Minute)
	node.Advance(time.Minute)
	require.Equal(t, 1, node.Cluster.Live(wire.KindBuyer), "watched: it stays")
	stop()
	node.Settle()
	node.Leap(10 * time.Minute)
	node.Advance(3 * time.Minute)
	require.Zero(t, node.Cluster.Live(wire.KindBuyer))
}

// An event that concerns no lead is kept once and asks nothing of anybody.
func TestIngest_RecordsWhatConcernsNoLead(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	install := domain.Event{Account: "acme", Source: "ghl", ID: "i1", Type: "INSTALL", Effect: domain.Record, Contact: []byte("{}"), Body: []byte("{}")}
	node.Keep(install)
	r, err := node.Ingest(install)
	require.NoError(t, err)
	require.True(t, r.Duplicate)
	require.Empty(t, node.Feed("ann"))
	node.Advance(3 * time.Second)
	require.Zero(t, node.Runtime.Backlog().Undecided)
}

// A poisoned event is refused with the reason, and does not stop the lead.
func TestIngest_RefusesPoison(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	poison := domain.FailField("receive event", "id", "is not UTF-8")
	node.Store.Fail("Admit", 1, poison)
	node.Store.Fail("Receive", 1, poison)
	_, err := node.Ingest(actortest.Contact("e1", "lead-1"))
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	require.Contains(t, err.Error(), "is not UTF-8")
	node.Keep(actortest.Contact("e2", "lead-1"))
	require.Len(t, node.Feed("ann"), 1)
}

// The store cannot take the decision that rides along: the event is kept without it, and decided alone.
func TestIngest_KeepsAnEventWithoutItsDecision(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann", "bob"))
	node.Store.Fail("Admit", 1, domain.FailField("admit event", "trace", "is too long"))
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Len(t, node.Feed("ann"), 1, "and the turn was not lost")
}

// A node that watched and died is forgotten, however busy the buyer is.
func TestBuyer_ForgetsANodeThatDied(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, actortest.Catalog("ann"))
	_, stop := node.Watch("ann")
	defer stop()
	require.NoError(t, node.Cluster.Tell(&wire.Watch{Account: "acme", Buyer: "ann", NodeAddress: node.Cluster.Address(), Hub: "gone"}))
	node.Settle()
	for i := range 8 { // traffic and renewals go on
		node.Advance(feed.RenewEvery)
		node.Keep(actortest.Contact(domain.EventID(fmt.Sprint("e", i)), domain.LeadID(fmt.Sprint("lead-", i))))
	}
	require.Equal(t, 1.0, node.Leases(), "only the node that is there")
}
