package intake_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/intake"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key   = domain.LeadKey{Account: "acme", Lead: "ghl-1"}
	fence = domain.Fence{Partition: 7, Epoch: 3}
	down  = domain.Fail("commit", domain.Unavailable, errors.New("down"))
)

// office is a Chooser over one campaign, the real desk behind it.
type office struct {
	desk    *distribution.Desk
	routing *domain.Routing
}

func newOffice(buyers ...domain.Buyer) *office {
	c := domain.Campaign{ID: "solar", Method: "round_robin"}
	for _, b := range buyers {
		c.Buyers = append(c.Buyers, b.ID)
	}
	a := domain.Account{ID: "acme", Buyers: buyers, Campaigns: []domain.Campaign{c}}
	d := domain.NewDirectory(domain.Catalog{Accounts: []domain.Account{a}})
	return &office{distribution.NewDesk(nil), d.Campaign("acme", "solar")}
}

func (o *office) Choose(now time.Time, _ domain.AccountID, _ domain.CampaignID) distribution.Choice {
	return o.desk.Choose(now, o.routing)
}

func (o *office) Return(_ domain.AccountID, _ domain.CampaignID, c distribution.Choice) {
	o.desk.Return(o.routing, c)
}

func (o *office) Counted(key domain.BuyerKey, day string, n int) { o.desk.Counted(key, day, n) }

func event(id, contact string) domain.Event {
	return domain.Event{Account: "acme", Source: "ghl", ID: domain.EventID(id), Effect: domain.Open, Lead: "ghl-1",
		Campaign: "solar", Contact: []byte(contact), Body: []byte("{}"), ReceivedAt: noon}
}

// kept answers the Keep that is under way, as a store does that takes the event and cannot decide.
func kept(l *recorded, r domain.Received, err error) []intake.Step {
	return answered(l, intake.Outcome{Received: r, Decided: domain.Decided{Outcome: domain.Stale}, Err: err})
}

func answered(l *recorded, o intake.Outcome) []intake.Step { return l.note(l.Kept(noon, l.keep, o)) }

// recorded is a lead that remembers what it asked to keep.
type recorded struct {
	*intake.Lead
	keep intake.Keep
}

func newLead(o *office) *recorded {
	return &recorded{Lead: intake.New(key, fence, intake.Deps{Chooser: o})}
}

func (r *recorded) note(steps []intake.Step) []intake.Step {
	for _, s := range steps {
		if k, ok := s.(intake.Keep); ok {
			r.keep = k
		}
	}
	return steps
}

func (r *recorded) Ingest(e domain.Event, to intake.Ticket) []intake.Step {
	return r.note(r.Lead.Ingest(noon, e, to))
}

func only[T intake.Step](t *testing.T, steps []intake.Step) T {
	t.Helper()
	require.Len(t, steps, 1)
	step, ok := steps[0].(T)
	require.True(t, ok, "%T", steps[0])
	return step
}

func decision(t *testing.T, steps []intake.Step) domain.Decision {
	t.Helper()
	for _, s := range steps {
		if d, ok := s.(intake.Decide); ok {
			return d.Decision
		}
	}
	t.Fatalf("no decision in %v", steps)
	return domain.Decision{}
}

// A contact is created: kept, answered, given to the buyer whose turn it is, announced.
func TestLead_FromEventToAnnouncement(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	keep := only[intake.Keep](t, l.Ingest(event("e1", `{"name":"Jo"}`), "crm"))
	require.Equal(t, domain.EventID("e1"), keep.Event.ID)

	steps := kept(l, domain.Received{Seq: 41}, nil)
	require.Equal(t, intake.Answer{To: "crm", Received: domain.Received{Seq: 41}}, steps[0], "the source is answered first")
	d := decision(t, steps)
	require.Equal(t, domain.Assign, d.Verb)
	require.Equal(t, domain.BuyerID("ann"), d.Buyer)
	require.Equal(t, fence, d.Fence)
	require.Equal(t, int64(41), d.EventSeq)
	require.JSONEq(t, `{"method":"round_robin","turn":0,"considered":[{"buyer":"ann","rule":"chosen"}]}`, string(d.Trace))

	at := noon.Add(time.Millisecond)
	steps = l.Decided(noon, d, domain.Decided{Outcome: domain.Done, Lead: domain.Lead{Revision: 1, State: domain.Assigned, Buyer: "ann"}, Event: domain.FeedEvent{Seq: 1}, Count: 1, Day: "2026-11-22"}, at, nil)
	require.Equal(t, intake.Announce{Event: domain.FeedEvent{Seq: 1, CommittedAt: at}}, only[intake.Announce](t, steps))
	require.False(t, l.Busy())
}

// The usual way: the event is kept and its lead assigned in one commit.
func TestLead_DecidesInTheSameCommit(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	keep := only[intake.Keep](t, l.Ingest(event("e1", `{"name":"Jo"}`), "crm"))
	require.Equal(t, domain.Assign, keep.Decision.Verb)
	require.Equal(t, domain.BuyerID("ann"), keep.Decision.Buyer)
	at := noon.Add(time.Millisecond)
	steps := answered(l, intake.Outcome{Received: domain.Received{Seq: 1}, At: at, Decided: domain.Decided{
		Outcome: domain.Done, Lead: domain.Lead{Revision: 1, State: domain.Assigned, Buyer: "ann"}, Event: domain.FeedEvent{Seq: 1}, Count: 1}})
	require.Equal(t, []intake.Step{
		intake.Answer{To: "crm", Received: domain.Received{Seq: 1}},
		intake.Announce{Event: domain.FeedEvent{Seq: 1, CommittedAt: at}},
	}, steps)
	require.False(t, l.Busy())
}

// A repeat that this activation did not recognise: the decision that rode along was not carried out, and
// the buyer has not lost the turn.
func TestLead_GivesBackTheTurnOfARepeat(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"})
	l := newLead(o)
	l.Ingest(event("e1", "{}"), 1)
	only[intake.Answer](t, answered(l, intake.Outcome{Received: domain.Received{Duplicate: true}}))
	require.Equal(t, domain.BuyerID("ann"), o.desk.Choose(noon, o.routing).Buyer.Key.Buyer)
}

// Recovered events wait for the decision that is on its way with a new one.
func TestLead_OneDecisionAtATime(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	l.Ingest(event("e2", "{}"), 1)
	require.Empty(t, l.Recover(noon, []domain.Pending{{Seq: 1, Event: event("e1", "{}")}}))
	steps := answered(l, intake.Outcome{Received: domain.Received{Seq: 2}, Decided: domain.Decided{
		Outcome: domain.Done, Lead: domain.Lead{Revision: 1, State: domain.Assigned, Buyer: "ann", Contact: []byte("{}")}}})
	d := decision(t, steps)
	require.Equal(t, int64(1), d.EventSeq)
	require.Equal(t, domain.Update, d.Verb)
}

// Ten copies of one event arrive while the first is being kept: one commit, ten answers, one of them
// "kept".
func TestLead_MeetsARetryStorm(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice())
	only[intake.Keep](t, l.Ingest(event("e1", "{}"), 0))
	for i := 1; i < 10; i++ {
		require.Empty(t, l.Ingest(event("e1", "{}"), i))
	}
	var stored, repeats int
	for _, s := range kept(l, domain.Received{Seq: 1}, nil) {
		if a, ok := s.(intake.Answer); ok {
			require.NoError(t, a.Err)
			if a.Received.Duplicate {
				repeats++
			} else {
				stored++
			}
		}
	}
	require.Equal(t, 1, stored)
	require.Equal(t, 9, repeats)
	late := only[intake.Answer](t, l.Ingest(event("e1", "{}"), "late"))
	require.True(t, late.Received.Duplicate, "the cache spares the store")
}

// The store is down: everyone who waits is told to come back, and the event is not remembered as kept.
func TestLead_NeverAcksWhatWasNotKept(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice())
	l.Ingest(event("e1", "{}"), "a")
	l.Ingest(event("e1", "{}"), "b")
	steps := kept(l, domain.Received{}, down)
	require.Equal(t, []intake.Step{intake.Answer{To: "a", Err: down}, intake.Answer{To: "b", Err: down}}, steps)
	only[intake.Keep](t, l.Ingest(event("e1", "{}"), "again"))
}

// A second event is answered as soon as it is durable, although the first is still being decided.
func TestLead_KeepsWhileDeciding(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	l.Ingest(event("e1", `{"name":"Jo"}`), 1)
	first := decision(t, kept(l, domain.Received{Seq: 1}, nil))
	only[intake.Keep](t, l.Ingest(event("e2", `{"email":"jo@example.com"}`), 2))
	only[intake.Answer](t, kept(l, domain.Received{Seq: 2}, nil))

	assigned := domain.Lead{Revision: 1, State: domain.Assigned, Buyer: "ann", Contact: []byte(`{"name":"Jo"}`)}
	second := decision(t, l.Decided(noon, first, domain.Decided{Outcome: domain.Done, Lead: assigned}, noon, nil))
	require.Equal(t, domain.Update, second.Verb)
	require.Equal(t, int64(1), second.Expect)
	require.JSONEq(t, `{"name":"Jo","email":"jo@example.com"}`, string(second.Contact))
}

// The buyer's day filled up elsewhere: the next one is chosen without a pause.
func TestLead_ChoosesAgainWhenTheDayIsFull(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann", DailyCap: 5}, domain.Buyer{ID: "bob"}))
	l.Ingest(event("e1", "{}"), 1)
	d := decision(t, kept(l, domain.Received{Seq: 1}, nil))
	require.Equal(t, domain.BuyerID("ann"), d.Buyer)
	d = decision(t, l.Decided(noon, d, domain.Decided{Outcome: domain.CapReached, Count: 5, Day: "2026-11-22"}, noon, nil))
	require.Equal(t, domain.BuyerID("bob"), d.Buyer)
}

// This activation does not know that the lead has a buyer. The store shows it; the turn goes back.
func TestLead_LearnsFromStale(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"})
	l := newLead(o)
	l.Ingest(event("e2", `{"phone":"+1"}`), 1)
	d := decision(t, kept(l, domain.Received{Seq: 9}, nil))
	require.Equal(t, domain.Assign, d.Verb)
	bobs := domain.Lead{Revision: 4, State: domain.Assigned, Buyer: "bob", Campaign: "solar", Contact: []byte(`{"name":"Jo"}`)}
	d = decision(t, l.Decided(noon, d, domain.Decided{Outcome: domain.Stale, Lead: bobs}, noon, nil))
	require.Equal(t, domain.Update, d.Verb)
	require.Equal(t, int64(4), d.Expect)
	require.Equal(t, domain.BuyerID("ann"), o.desk.Choose(noon, o.routing).Buyer.Key.Buyer, "ann has not lost her turn")
}

// Nobody is eligible: the lead waits in the store. When its held event comes round again and somebody
// is, it is assigned with everything learned meanwhile.
func TestLead_WaitsForABuyer(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Buyer{ID: "ann", Paused: true})
	l := newLead(o)
	l.Ingest(event("e1", `{"name":"Jo"}`), 1)
	d := decision(t, kept(l, domain.Received{Seq: 1}, nil))
	require.Equal(t, domain.Hold, d.Verb)
	waiting := domain.Lead{Revision: 1, State: domain.Waiting, HeldSeq: 1, Campaign: "solar", Contact: []byte(`{"name":"Jo"}`)}
	require.Empty(t, l.Decided(noon, d, domain.Decided{Outcome: domain.Done, Lead: waiting}, noon, nil))
	held := domain.Pending{Seq: 1, Held: true, Event: event("e1", `{"name":"Jo"}`)}
	require.Empty(t, l.Recover(noon, []domain.Pending{held}), "still nobody: nothing is written")

	l.Ingest(event("e2", `{"city":"Reno"}`), 2)
	d = *l.keep.Decision
	require.Equal(t, domain.Update, d.Verb)
	waiting.Revision, waiting.Contact = 2, d.Contact
	answered(l, intake.Outcome{Received: domain.Received{Seq: 2}, Decided: domain.Decided{Outcome: domain.Done, Lead: waiting}})

	o.routing = newOffice(domain.Buyer{ID: "ann"}).routing
	d = decision(t, l.Recover(noon, []domain.Pending{held}))
	require.Equal(t, domain.Assign, d.Verb)
	require.Equal(t, int64(2), d.Expect)
	require.JSONEq(t, `{"name":"Jo","city":"Reno"}`, string(d.Contact))
}

// A deletion of somebody nobody bought is settled without a lead; a deleted contact finds no buyer.
func TestLead_Deletion(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	gone := event("e1", `{"status":"deleted"}`)
	gone.Effect = domain.Amend
	l.Ingest(gone, 1)
	require.Equal(t, domain.Ignore, decision(t, kept(l, domain.Received{Seq: 1}, nil)).Verb)
}

// A lead waits for a buyer, and then its contact is deleted: when somebody could have it, it is settled and
// waits no more.
func TestLead_DeletedWhileItWaits(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Buyer{ID: "ann"})
	l := newLead(o)
	held := domain.Pending{Seq: 1, Held: true, Event: event("e1", `{"name":"Jo"}`)}
	d := decision(t, l.Recover(noon, []domain.Pending{held}))
	waiting := domain.Lead{Revision: 2, State: domain.Waiting, HeldSeq: 1, EventSeq: 2, Campaign: "solar", Contact: []byte(`{"name":"Jo","status":"deleted"}`)}
	d = decision(t, l.Decided(noon, d, domain.Decided{Outcome: domain.Stale, Lead: waiting}, noon, nil))
	require.Equal(t, domain.Update, d.Verb)
	require.Equal(t, int64(1), d.EventSeq)
	require.Equal(t, domain.BuyerID("ann"), o.desk.Choose(noon, o.routing).Buyer.Key.Buyer, "nobody's turn was taken")
}

// Another node owns the lead now: askers are told, nothing is decided, the cluster looks again.
func TestLead_StopsWhenFenced(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	l.Ingest(event("e1", "{}"), 1)
	l.Ingest(event("e2", "{}"), 2)
	steps := kept(l, domain.Received{}, domain.ErrFenced)
	require.Equal(t, []intake.Step{
		intake.Answer{To: 1, Err: domain.ErrFenced}, intake.Abandon{}, intake.Answer{To: 2, Err: domain.ErrFenced},
	}, steps)
	require.False(t, l.Busy())
}

// The store cannot decide: pauses double up to their ceiling, and a success starts over.
func TestLead_PausesBetweenTries(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	l.Ingest(event("e1", "{}"), 1)
	d := decision(t, kept(l, domain.Received{Seq: 1}, nil))
	var pauses []time.Duration
	for range 9 {
		pauses = append(pauses, only[intake.Retry](t, l.Decided(noon, d, domain.Decided{}, noon, down)).After)
		d = decision(t, l.Retry(noon))
	}
	require.Equal(t, 50*time.Millisecond, pauses[0])
	require.Equal(t, 100*time.Millisecond, pauses[1])
	require.Equal(t, 5*time.Second, pauses[8])
	require.True(t, l.Busy(), "an undecided event keeps the lead in memory")
}

// One poisoned event does not stop those behind it.
func TestLead_DropsWhatCannotBeDecided(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice(domain.Buyer{ID: "ann"}))
	l.Ingest(event("e1", "{}"), 1)
	bad := decision(t, kept(l, domain.Received{Seq: 1}, nil))
	l.Ingest(event("e2", "{}"), 2)
	kept(l, domain.Received{Seq: 2}, nil)
	steps := l.Decided(noon, bad, domain.Decided{}, noon, domain.FailField("decide", "contact", "is not UTF-8"))
	require.IsType(t, intake.Dropped{}, steps[0])
	require.Equal(t, int64(2), decision(t, steps).EventSeq)
}

// An event that the store has passed over uses up nobody's turn. When nobody knows whether it was written, the turn stays
// used: the buyer may have the lead.
func TestLead_ReturnsTheTurnOfWhatWasNotWritten(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why  string
		err  error
		next domain.BuyerID
	}{
		{"passed over", domain.Fail("wait for commit", domain.Unavailable, fmt.Errorf("gave up waiting: %w", domain.ErrNotWritten)), "ann"},
		{"unknown", down, "bob"},
	} {
		o := newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"})
		l := newLead(o)
		l.Ingest(event("e1", "{}"), 1)
		require.NotNil(t, l.keep.Decision, "it rides along")
		refused := only[intake.Answer](t, answered(l, intake.Outcome{Err: row.err}))
		require.Equal(t, domain.Unavailable, domain.CodeOf(refused.Err))
		require.Equal(t, row.next, o.desk.Choose(noon, o.routing).Buyer.Key.Buyer, row.why)
	}
}

// A runaway contact is told to slow down; nothing it was told was kept is lost.
func TestLead_HasLimits(t *testing.T) {
	t.Parallel()
	l := newLead(newOffice())
	for i := range intake.MaxKeeping {
		l.Ingest(event(string(rune('A'+i)), "{}"), i)
	}
	refused := only[intake.Answer](t, l.Ingest(event("one more", "{}"), "x"))
	require.Equal(t, domain.Unavailable, domain.CodeOf(refused.Err))
}
