package delivery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// An answer to a judgement that an earlier incarnation made says nothing about this one's.
func TestJudge_IgnoresForeignAnswers(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Second), sighting(1))).Judgement
	foreign := d
	foreign.Settle = []int64{7}
	require.Empty(t, c.Judged(noon, foreign, domain.Judged{Outcome: domain.Done}, nil))
	require.True(t, c.Busy())
	require.Len(t, c.done(noon, d), 2)
	require.Empty(t, c.done(noon, d), "nor does an answer that comes twice")
}

// A person who was met before is recognised by the store's answer: nothing is announced a second time.
func TestJudge_LearnsFromStale(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(9*time.Second), sighting(9))).Judgement
	require.Zero(t, d.Expect)
	met := domain.Acquaintance{
		Account: "acme", Lead: "person-ada", Revision: 4, Person: "ada", FirstAt: noon.Add(-time.Hour), FirstID: "first",
		Sightings: 7, Announced: 3, EventSeq: 90,
	}
	only[delivery.Wake](t, c.Judged(noon.Add(9*time.Second), d, domain.Judged{Outcome: domain.Stale, Acquaintance: met}, nil))
	d = only[delivery.Decide](t, c.Due(noon.Add(14*time.Second))).Judgement
	require.Equal(t, int64(4), d.Expect)
	require.Equal(t, domain.VisitorUpdatedEvent, d.Announce[0].Type)
	require.Equal(t, domain.EventID("first"), d.After.FirstID)
	require.Equal(t, int64(8), d.After.Sightings)
	e := read(t, d.Announce[0])
	require.Equal(t, 4, e.Event.Count)
	require.True(t, e.Event.Repeat, "she was met before this visit")
}

// The answer was lost. The same judgement is made again, to the byte; when the store says that it was carried out,
// nothing is left to do.
func TestJudge_MakesTheSameAgain(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	now := noon.Add(time.Second)
	first := only[delivery.Decide](t, c.Sighted(now, sighting(1)))
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, c.Judged(now, first.Judgement, domain.Judged{}, down)).After)
	require.Empty(t, c.Judged(now, first.Judgement, domain.Judged{Outcome: domain.Done}, nil), "nothing is with the store")
	require.Empty(t, c.Sighted(now.Add(time.Millisecond), sighting(2)), "the pause is everybody's")
	again := only[delivery.Decide](t, c.Due(now.Add(50*time.Millisecond)))
	require.Equal(t, first, again)
	now = now.Add(60 * time.Millisecond)
	next := only[delivery.Decide](t, c.Judged(now, again.Judgement, domain.Judged{Outcome: domain.AlreadyDecided}, nil)).Judgement
	require.Equal(t, []int64{2}, next.Settle, "what became of the first the store will show")
	require.Zero(t, next.Expect)
}

// Pauses double up to their ceiling, and a success starts over.
func TestJudge_PausesBetweenTries(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	var pauses []time.Duration
	for range 9 {
		pause := only[delivery.Wake](t, c.Judged(now, d, domain.Judged{}, down)).After
		pauses = append(pauses, pause)
		now = now.Add(pause)
		d = only[delivery.Decide](t, c.Due(now)).Judgement
	}
	require.Equal(t, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond}, pauses[:2])
	require.Equal(t, 5*time.Second, pauses[8])
	c.done(now, d)
	d = only[delivery.Decide](t, c.Sighted(now.Add(time.Minute), sighting(2))).Judgement
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, c.Judged(now.Add(time.Minute), d, domain.Judged{}, down)).After)
}

// One of several is settled already. Each is judged by itself: the one is let go, the others keep their due.
func TestJudge_PartsWhatCannotBeSettledTogether(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	late := noon.Add(time.Minute)
	d := only[delivery.Decide](t, c.Sighted(late, sighting(2), sighting(3))).Judgement
	d = only[delivery.Decide](t, c.Judged(late, d, domain.Judged{Outcome: domain.AlreadyDecided}, nil)).Judgement
	require.Equal(t, []int64{2}, d.Settle)
	d = only[delivery.Decide](t, c.Judged(late, d, domain.Judged{Outcome: domain.AlreadyDecided}, nil)).Judgement
	require.Equal(t, []int64{3}, d.Settle)
	require.Zero(t, d.Expect, "whoever settled the other changed the acquaintance")
	c.done(late, d)
	require.False(t, c.Busy())
}

// Suppressions have changed since: they are read, asked again, and now nothing may be said.
func TestJudge_RefreshesWhatIsOutdated(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	c := newCrew(t, o)
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	require.Equal(t, delivery.Refresh{}, only[delivery.Refresh](t, c.Judged(now, d, domain.Judged{Outcome: domain.Outdated, Basis: 2}, nil)))
	require.Empty(t, c.Due(now), "it waits for the answer")
	o.basis, o.suppressed = 2, func(s identity.Subject) bool { return s.Person == "ada" }
	only[delivery.Wake](t, c.Refreshed(now, nil))
	d = only[delivery.Decide](t, c.Due(now.Add(5*time.Second))).Judgement
	require.Equal(t, int64(2), d.Basis)
	require.Empty(t, d.Announce)
	require.Empty(t, d.After.Person, "nothing is learned of who is suppressed")
	require.Equal(t, delivery.Settled{Verdict: delivery.Suppressed, N: 1}, find[delivery.Settled](t, c.done(now, d)))
}

// The suppressions cannot be read: a pause, and then the store is asked whether it still matters.
func TestJudge_SurvivesARefreshThatFails(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	c.Judged(now, d, domain.Judged{Outcome: domain.Outdated}, nil)
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, c.Refreshed(now, down)).After)
	only[delivery.Decide](t, c.Due(now.Add(50*time.Millisecond)))
}

// A store that answers Outdated for ever is asked with pauses, not in a circle.
func TestJudge_PausesWhenNothingHelps(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	now := noon.Add(time.Second)
	steps := c.Sighted(now, sighting(1))
	var tries int
	for {
		d, ok := steps[0].(delivery.Decide)
		if !ok {
			break
		}
		tries++
		require.Less(t, tries, 100)
		c.Judged(now, d.Judgement, domain.Judged{Outcome: domain.Outdated}, nil)
		steps = c.Refreshed(now, nil)
	}
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, steps).After)
	only[delivery.Decide](t, c.Due(now.Add(50*time.Millisecond)))
}

// Another node owns the lead now: everything is let go, the store has it.
func TestJudge_StopsWhenFenced(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Second), sighting(1), sighting(2))).Judgement
	only[delivery.Abandon](t, c.Judged(noon, d, domain.Judged{}, domain.ErrFenced))
	require.False(t, c.Busy())
	require.Empty(t, c.Sighted(noon, sighting(3)))
	require.Empty(t, c.Due(noon.Add(time.Hour)))
}

// One that the store cannot take does not stop the others.
func TestJudge_DropsWhatCannotBeJudged(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{}))
	c.meet()
	late, invalid := noon.Add(time.Minute), domain.FailField("judge", "payload", "is not UTF-8")
	d := only[delivery.Decide](t, c.Sighted(late, sighting(2), sighting(3))).Judgement
	d = only[delivery.Decide](t, c.Judged(late, d, domain.Judged{}, invalid)).Judgement
	require.Equal(t, []int64{2}, d.Settle)
	steps := c.Judged(late, d, domain.Judged{}, invalid)
	require.Equal(t, delivery.Dropped{N: 2, Err: invalid}, steps[0])
	require.Equal(t, []int64{3}, find[delivery.Decide](t, steps).Judgement.Settle)
}
