package intake_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/intake"
)

// What leaves goes along with its decision, also when that has to be made again about a lead that is not as
// was thought; and what is not written announces nothing.
func TestLead_Announces(t *testing.T) {
	t.Parallel()
	say := func(d domain.Decision, before *domain.Lead, e domain.Event) ([]domain.Announcement, error) {
		known := "unknown"
		if before != nil {
			known = string(before.Buyer)
		}
		return []domain.Announcement{{ID: domain.EventID(string(d.Verb) + " " + string(e.ID) + " " + known)}}, nil
	}
	said := func(d domain.Decision) domain.EventID { return d.Announce[0].ID }
	l := &recorded{Lead: intake.New(key, fence, intake.Deps{Chooser: newOffice(domain.Buyer{ID: "ann"}), Announcer: say})}
	keep := only[intake.Keep](t, l.Ingest(event("e1", `{}`), nil))
	require.Equal(t, domain.EventID("assign e1 unknown"), said(*keep.Decision))
	steps := answered(l, intake.Outcome{Received: domain.Received{Seq: 4}, Decided: domain.Decided{
		Outcome: domain.Stale, Lead: domain.Lead{Revision: 1, State: domain.Assigned, Buyer: "bob", Contact: []byte(`{}`)}}})
	require.Equal(t, domain.EventID("update e1 bob"), said(decision(t, steps)))

	held := &recorded{Lead: intake.New(key, fence, intake.Deps{Chooser: newOffice(domain.Buyer{ID: "ann", Paused: true}), Announcer: say})}
	steps = held.Recover(noon, []domain.Pending{{Seq: 1, Held: true, Event: event("e1", `{}`)}})
	require.Equal(t, domain.EventID("hold e1 unknown"), said(decision(t, steps)))
	steps = held.Decided(noon, decision(t, steps), domain.Decided{
		Outcome: domain.Stale, Lead: domain.Lead{Revision: 1, State: domain.Waiting, HeldSeq: 1, Contact: []byte(`{}`)}}, noon, nil)
	require.Empty(t, steps, "it goes on waiting")
}

// An event that leaves and cannot be made is reported, its buyer's turn is given back, and the event stays
// pending.
func TestLead_CannotAnnounce(t *testing.T) {
	t.Parallel()
	office, fault := newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"}), errors.New("the test says so")
	l := &recorded{Lead: intake.New(key, fence, intake.Deps{
		Chooser: office, Announcer: func(domain.Decision, *domain.Lead, domain.Event) ([]domain.Announcement, error) { return nil, fault },
	})}
	keep := only[intake.Keep](t, l.Ingest(event("e1", `{}`), nil))
	require.Nil(t, keep.Decision, "it is kept all the same")
	steps := kept(l, domain.Received{Seq: 1}, nil)
	require.Equal(t, fault, steps[1].(intake.Dropped).Err)
	require.False(t, l.Busy())
	require.Equal(t, domain.BuyerID("ann"), office.Choose(noon, "acme", "solar").Buyer.Key.Buyer)
}
