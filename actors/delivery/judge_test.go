package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// The first sighting is announced at once, and remembered as the first match under its announcement's id.
func TestJudge_AnnouncesTheFirstMatchAtOnce(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{Coalesce: time.Hour}))
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	require.Equal(t, fence, d.Fence)
	require.Equal(t, []int64{1}, d.Settle)
	require.Zero(t, d.Expect)
	require.Equal(t, int64(1), d.Basis)
	require.Len(t, d.Announce, 1)
	require.Equal(t, domain.Acquaintance{
		Account: "acme", Lead: "person-ada", Person: "ada", Company: "pumps.example", FirstAt: now, FirstID: d.Announce[0].ID,
		LastAt: now, Sightings: 1, Announced: 1, Recent: []time.Time{now}, EventSeq: 101,
	}, d.After)
	require.Nil(t, d.Enter, "the pixel has no campaign")
	e := read(t, d.Announce[0])
	require.Equal(t, "first_match", e.Event.Trigger)
	require.Equal(t, string(d.Announce[0].ID), e.ID)

	steps := c.done(now, d)
	require.Equal(t, []delivery.Step{delivery.Settled{Verdict: delivery.First, N: 1}, delivery.Announced{Announcements: d.Announce}}, steps)
	require.Empty(t, c.Sighted(now, sighting(1)), "recovery listed it a moment ago")
	require.False(t, c.Busy())
}

// Updates wait for Coalesce from the first of them, and leave as one about the newest.
func TestJudge_GathersUpdates(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	require.Equal(t, 5*time.Second, only[delivery.Wake](t, c.Sighted(noon.Add(10*time.Second), sighting(10))).After)
	require.Empty(t, c.Sighted(noon.Add(12*time.Second), sighting(12)), "it goes with the first")
	require.Empty(t, c.Sighted(noon.Add(12*time.Second), sighting(12), sighting(10)), "repeats are known")
	require.Empty(t, c.Due(noon.Add(15*time.Second-1)), "never early")
	require.True(t, c.Busy())
	d := only[delivery.Decide](t, c.Due(noon.Add(15*time.Second))).Judgement
	require.Equal(t, []int64{10, 12}, d.Settle)
	require.Len(t, d.Announce, 1)
	require.Equal(t, domain.VisitorUpdatedEvent, d.Announce[0].Type)
	require.Equal(t, int64(2), d.After.Announced)
	e := read(t, d.Announce[0])
	require.Equal(t, "hit-12", e.Event.ID)
	require.Equal(t, "every_update", e.Event.Trigger)
	require.Equal(t, 2, e.Event.Count)
	require.Equal(t, 2, e.Sightings)
	require.Equal(t, 12, e.Visit.PageViews)
	require.Equal(t, delivery.Update, find[delivery.Settled](t, c.done(noon.Add(15*time.Second), d)).Verdict)
}

// What comes from recovery has waited already: it is judged at once, all of it together.
func TestJudge_DoesNotGatherWhatIsLate(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	late := noon.Add(time.Minute)
	d := only[delivery.Decide](t, c.Sighted(late, sighting(3), sighting(2))).Judgement
	require.Equal(t, []int64{2, 3}, d.Settle, "in their order")
	require.Len(t, d.Announce, 1)
	c.done(late, d)
	older := sighting(4)
	older.EventSeq, older.ReceivedAt = 50, noon.Add(-time.Minute) // an upgrade of views from before
	d = only[delivery.Decide](t, c.Sighted(late, older)).Judgement
	require.Equal(t, int64(103), d.After.EventSeq, "the newest hit's")
	require.Equal(t, noon.Add(3*time.Second), d.After.LastAt, "of the newest sighting")
}

// The rules were relaxed while sightings waited that passed none. The first of them is the first match now, and what
// came after it is an update.
func TestJudge_TakesTheRulesOfTheMoment(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{Pages: []string{"/pricing"}})
	c := newCrew(t, o)
	only[delivery.Wake](t, c.Sighted(noon.Add(time.Second), sighting(1)))
	require.Empty(t, c.Sighted(noon.Add(2*time.Second), sighting(2)))
	o.rules(domain.Announce{})
	d := only[delivery.Decide](t, c.Due(noon.Add(6*time.Second))).Judgement
	require.Equal(t, []int64{1}, d.Settle)
	require.Len(t, d.Announce, 1)
	c.done(noon.Add(6*time.Second), d)
	d = only[delivery.Decide](t, c.Due(noon.Add(7*time.Second))).Judgement
	require.Equal(t, []int64{2}, d.Settle)
	require.Equal(t, domain.VisitorUpdatedEvent, d.Announce[0].Type)
}

// One hit may owe two sightings, when more becomes known of it later. Their events are two.
func TestJudge_IdsAreOfSightings(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	var ids []domain.EventID
	for n := range int64(2) {
		s := sighting(2 + n)
		s.EventID = "the-same"
		d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), s)).Judgement
		ids = append(ids, d.Announce[0].ID)
		c.done(noon.Add(time.Minute), d)
	}
	require.NotEqual(t, ids[0], ids[1])
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, ids[0])
}

// While a judgement is with the store, what comes waits for it; after it the gathering starts.
func TestJudge_HasOneJudgementUnderWay(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Second), sighting(1))).Judgement
	require.Empty(t, c.Sighted(noon.Add(2*time.Second), sighting(2)))
	steps := c.done(noon.Add(3*time.Second), d)
	require.Equal(t, 4*time.Second, find[delivery.Wake](t, steps).After)
	require.Equal(t, []int64{2}, only[delivery.Decide](t, c.Due(noon.Add(7*time.Second))).Judgement.Settle)
}

// What the store has shown is not written to, and an hour of one session holds one list of pages.
func TestJudge_Memory(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{Coalesce: time.Hour}))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Second), sighting(1))).Judgement
	after := d.After
	after.Revision, after.Recent = 1, append(make([]time.Time, 0, 8), after.Recent...)
	c.Judged(noon.Add(time.Second), d, domain.Judged{Outcome: domain.Done, Acquaintance: after}, nil)
	for n := range int64(100) {
		s := sighting(2 + n)
		if n >= 50 {
			s.Visit.Session = "s2"
		}
		c.Sighted(s.MatchedAt, s)
	}
	require.Equal(t, 2, delivery.PageLists(c.Judge))
	d = only[delivery.Decide](t, c.Due(noon.Add(2*time.Hour))).Judgement
	require.Len(t, d.Settle, 100)
	require.Len(t, d.After.Recent, 2)
	require.True(t, after.Recent[:2][1].IsZero(), "the store's own")
}

// A lead that is seen more often than there is room keeps the oldest; the store keeps the others.
func TestJudge_HasLimits(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	now := noon.Add(time.Second)
	for n := int64(1000 + delivery.MaxWaiting); n > 1; n-- { // newest first, the worst order
		s := sighting(n)
		s.MatchedAt = now
		c.Sighted(now, s)
	}
	d := only[delivery.Decide](t, c.Due(now.Add(5*time.Second))).Judgement
	require.Len(t, d.Settle, delivery.MaxWaiting)
	require.Equal(t, int64(2), d.Settle[0])
	require.Equal(t, int64(delivery.MaxWaiting+1), d.Settle[delivery.MaxWaiting-1])

	a := d.After
	for range 3 * delivery.MaxRecent {
		a.Recent = append(a.Recent, noon)
	}
	a.Revision = 9
	c.Judged(now, d, domain.Judged{Outcome: domain.Done, Acquaintance: a}, nil)
	d = only[delivery.Decide](t, c.Sighted(noon.Add(time.Hour), sighting(2000))).Judgement
	require.Len(t, d.After.Recent, delivery.MaxRecent)
	require.Equal(t, noon.Add(time.Hour), d.After.Recent[delivery.MaxRecent-1], "the newest stay")
}
