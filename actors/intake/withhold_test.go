package intake_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/intake"
)

// objectors is a node's suppressions as intake sees them.
type objectors struct {
	rule     string
	revision int64
}

func (o *objectors) objected(domain.Event) (string, bool) { return o.rule, o.rule != "" }
func (o *objectors) basis() int64                         { return o.revision }

// entered is a visitor's event that waits.
func entered(seq int64) domain.Pending {
	e := event("hit-1", `{"first_name":"Ada","email":"ada@example.com"}`)
	e.Source, e.Body = domain.PixelSource, nil
	return domain.Pending{Seq: seq, Event: e}
}

func guarded(o *office, by *objectors) *intake.Lead {
	return intake.New(key, fence, intake.Deps{Chooser: o, Objected: by.objected, Basis: by.basis, Announcer: func(domain.Decision, *domain.Lead, domain.Event) ([]domain.Announcement, error) {
		return []domain.Announcement{{ID: "said"}}, nil
	}})
}

// What becomes of a visitor's event whose person has objected depends on the lead that is there; in no case has it a
// buyer afterwards that it had not before, and nobody hears of it.
func TestLead_WithholdsWhoObjected(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why     string
		lead    domain.Lead
		verb    domain.Verb
		contact string // "": does not matter
	}{
		{"nobody is there: nobody comes into being", domain.Lead{}, domain.Ignore, ""},
		{"it waits: the person goes, the rule stays", domain.Lead{Revision: 2, State: domain.Waiting, HeldSeq: 7, Contact: []byte(`{"email":"ada@example.com"}`)},
			domain.Update, `{"status":"suppressed","fields":{"rule":"account:email"}}`},
		{"it has a buyer, who learns nothing new", domain.Lead{Revision: 2, State: domain.Assigned, Buyer: "bob", Contact: []byte(`{"email":"ada@example.com"}`)}, domain.Ignore, ""},
	} {
		l := guarded(newOffice(domain.Buyer{ID: "ann"}), &objectors{"account:email", 4})
		steps := l.Recover(noon, []domain.Pending{entered(7)})
		if row.lead.Revision > 0 { // it has just been activated, and learns that there is one
			d := decision(t, steps)
			require.Equal(t, domain.Ignore, d.Verb, row.why)
			steps = l.Decided(noon, d, domain.Decided{Outcome: domain.Stale, Lead: row.lead}, noon, nil)
		}
		d := decision(t, steps)
		require.Equal(t, row.verb, d.Verb, row.why)
		require.Equal(t, row.lead.Revision, d.Expect, row.why)
		require.EqualValues(t, 4, d.Basis, row.why)
		require.Empty(t, d.Announce, row.why)
		if row.contact != "" {
			require.JSONEq(t, row.contact, string(d.Contact), row.why)
		}
		require.Equal(t, intake.Withheld{Rule: "account:email"},
			only[intake.Withheld](t, l.Decided(noon, d, domain.Decided{Outcome: domain.Done}, noon, nil)), row.why)
		require.False(t, l.Busy(), row.why)
	}
}

// A CRM's lead is the account's own: nobody asks whether it may be routed.
func TestLead_WithholdsNoCRMsLead(t *testing.T) {
	t.Parallel()
	l := guarded(newOffice(domain.Buyer{ID: "ann"}), &objectors{"account:email", 4})
	d := decision(t, l.Recover(noon, []domain.Pending{{Seq: 7, Event: event("e1", `{}`)}}))
	require.Equal(t, domain.Assign, d.Verb)
	require.Zero(t, d.Basis)
}

// The store knows of a suppression that this node does not: the buyer's turn is given back, the newest are read, and
// it is decided by them. A store that is away meanwhile is a pause.
func TestLead_LooksAgainWhenOutdated(t *testing.T) {
	t.Parallel()
	by := &objectors{revision: 4}
	l := guarded(newOffice(domain.Buyer{ID: "ann"}, domain.Buyer{ID: "bob"}), by)
	d := decision(t, l.Recover(noon, []domain.Pending{entered(7)}))
	require.Equal(t, domain.Assign, d.Verb)
	require.EqualValues(t, 4, d.Basis)
	outdated := domain.Decided{Outcome: domain.Outdated}
	only[intake.Refresh](t, l.Decided(noon, d, outdated, noon, nil))
	require.True(t, l.Busy())
	require.Empty(t, l.Decided(noon, d, outdated, noon, nil), "a late answer of somebody else's")
	require.Empty(t, l.Retry(noon))
	only[intake.Retry](t, l.Refreshed(noon, down))
	require.Empty(t, l.Refreshed(noon, nil), "nobody asked")
	by.revision = 5
	d = decision(t, l.Retry(noon))
	require.Equal(t, domain.BuyerID("ann"), d.Buyer, "it is ann's turn again")
	require.EqualValues(t, 5, d.Basis)
	only[intake.Refresh](t, l.Decided(noon, d, outdated, noon, nil))
	by.rule, by.revision = "global:person", 6
	d = decision(t, l.Refreshed(noon, nil))
	require.Equal(t, domain.Ignore, d.Verb)
	require.EqualValues(t, 6, d.Basis)
}

// The suppression was lifted, and months later somebody is identified anew: the row says only what is said now.
func TestLead_ComesBackWithoutTheMark(t *testing.T) {
	t.Parallel()
	l := guarded(newOffice(domain.Buyer{ID: "ann"}), &objectors{})
	d := decision(t, l.Recover(noon, []domain.Pending{entered(9)}))
	d = decision(t, l.Decided(noon, d, domain.Decided{Outcome: domain.Stale, Lead: domain.Lead{
		Revision: 3, State: domain.Waiting, EventSeq: 7, Contact: []byte(`{"status":"suppressed","fields":{"rule":"account:email"}}`),
	}}, noon, nil))
	require.Equal(t, domain.Assign, d.Verb)
	require.JSONEq(t, `{"first_name":"Ada","email":"ada@example.com"}`, string(d.Contact))
}
