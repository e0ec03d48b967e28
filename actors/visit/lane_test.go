package visit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/visit"
)

// The slow tier answers while a hit is with the store, and the store fails: it is the hit's sender who is told,
// and the late answer is not the worse for it.
func TestLane_AFailedHitIsNotALateAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.hasSlow, w.slow["cy@"] = true, "cy"
	l := newLane(t, w)
	l.hit(identify("a", "cy@"))
	steps := l.core.Hits(l.now, one(view("b")), "b")
	w.told["cy@"] = true
	require.Empty(t, l.core.Found(l.now, nil))
	steps = l.core.Observed(l.now, steps[0].(visit.Observe).Observation, domain.Observed{}, down)
	require.Equal(t, []visit.Step{visit.Answer{To: "b", Err: down}, visit.Load{Key: key}}, steps)
	l.run(l.core.Loaded(l.now, l.row, nil))
	require.Len(t, l.sight, 1)
}

// Two views of nobody, then the page says who it is: the sighting carries the two views, and what follows
// carries none.
func TestLane_NamesTheEarlierViews(t *testing.T) {
	t.Parallel()
	l := newLane(t, newWorld())
	l.hit(view("a"))
	l.hit(view("b"))
	require.Empty(t, l.sight)
	require.Equal(t, 2, l.row.Unhanded)
	l.hit(identify("c", "ada@"))
	l.hit(view("d"))
	require.Len(t, l.sight, 2)
	s := l.sight[0]
	require.Equal(t, domain.LeadID("person-ada"), s.Lead)
	require.Equal(t, 2, s.Upgraded)
	require.Equal(t, domain.Partition(42), s.Partition)
	require.Equal(t, domain.EventID("c"), s.EventID)
	require.EqualValues(t, 3, s.EventSeq)
	require.Len(t, s.Visit.Pages, 2)
	require.Equal(t, noon, s.DueAt, "perhaps a first match: at once")
	require.Zero(t, l.sight[1].Upgraded)
	require.Equal(t, noon.Add(5*time.Second), l.sight[1].DueAt, "an update may be gathered")
	require.Len(t, l.saw[2].Learn, 1)
	require.Equal(t, noon, l.saw[2].Learn[0].At)
}

// A visitor whom the graph knows is named at the first view, and after half an hour's quiet too.
func TestLane_KnowsACookie(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.cookie = "ada"
	l := newLane(t, w)
	l.hit(view("a"))
	l.now = l.now.Add(time.Hour)
	l.hit(view("b"))
	require.Len(t, l.sight, 2)
	require.Equal(t, domain.PersonID("ada"), l.sight[1].Person)
	require.Equal(t, domain.PersonID("ada"), w.evidence[1].Known)
	require.Equal(t, 2, l.row.Number)
}

// Somebody else signs in at the same browser: another visit, without the pages of the first person.
func TestLane_AnotherPersonIsAnotherVisit(t *testing.T) {
	t.Parallel()
	l := newLane(t, newWorld())
	l.hit(identify("a", "ada@"))
	l.hit(view("b"))
	l.hit(identify("c", "bob@"))
	l.hit(view("d"))
	require.Len(t, l.sight, 4)
	last := l.sight[3]
	require.Equal(t, domain.PersonID("bob"), last.Person)
	require.Equal(t, 2, last.Visit.Number)
	require.Len(t, last.Visit.Pages, 1)
	require.Equal(t, "/d", last.Visit.Pages[0].Path)
	require.NotEqual(t, l.sight[0].Visit.Session, last.Visit.Session)
}

// A company is seen only where the pixel wants to hear of companies, and its views stay with whoever turns
// out to be there.
func TestLane_Companies(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.network = "acme.example"
	l := newLane(t, w)
	l.hit(view("a"))
	require.Empty(t, l.sight)
	require.Equal(t, "acme.example", l.row.Company)
	w.pixel.Announce.Companies = true
	l.hit(view("b"))
	require.Equal(t, domain.LeadID("company-acme.example"), l.sight[0].Lead)
	require.Zero(t, l.sight[0].Upgraded)
	l.hit(identify("c", "ada@"))
	require.Equal(t, domain.LeadID("person-ada"), l.sight[1].Lead)
	require.Equal(t, 2, l.sight[1].Upgraded)
}

// Who is suppressed leaves nothing but that a hit came, whichever rule it is; and its answer is like any
// other.
func TestLane_Suppressed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		set  func(*world)
		hit  domain.Hit
		rule string
	}{
		"the browser says so":                   {func(*world) {}, with(identify("x", "ada@"), func(h *domain.Hit) { h.GPC = true }), "gpc"},
		"a path":                                {func(w *world) { w.path = "/x" }, view("x"), "account:path"},
		"the person whom the page names":        {func(w *world) { w.persons["ada"] = true }, identify("x", "ada@"), "account:person"},
		"the person whom the graph knows":       {func(w *world) { w.cookie, w.persons["ada"] = "ada", true }, view("x"), "account:person"},
		"the company whose network it is":       {func(w *world) { w.network, w.company = "rival.example", "rival.example" }, view("x"), "account:company"},
		"a person known from an earlier hit is": {func(w *world) { w.persons["bob"] = true }, view("x"), "account:person"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.pixel.Announce.Companies = true
			l := newLane(t, w)
			if name == "a person known from an earlier hit is" {
				l.hit(identify("before", "bob@"))
				l.sight = nil
			}
			pages := len(l.row.Pages)
			row.set(w)
			v := l.hit(row.hit)
			require.Equal(t, row.rule, v.Suppressed)
			require.Empty(t, l.sight)
			require.Empty(t, v.Person)
			require.Empty(t, v.Company)
			require.Empty(t, v.HEMs)
			require.Empty(t, v.Phone)
			require.Zero(t, v.Match)
			require.Len(t, v.Pages, pages, "its page is not remembered")
			last := l.saw[len(l.saw)-1]
			require.Len(t, last.Hits, 1, "the hit is kept")
			require.Empty(t, last.Owed)
			require.Empty(t, last.Learn)
			if row.hit.Type == domain.Identify {
				require.Empty(t, last.Hits[0].HEMs, "but not the hashes it came with")
				require.Empty(t, last.Hits[0].Body)
			}
			require.Equal(t, row.rule, l.said[len(l.said)-1].Suppressed)
		})
	}
}

// The slow tier knows an e-mail that memory does not. Views go on while it is asked; when it answers, all of
// them go along with a sighting of their own.
func TestLane_LateIdentification(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.hasSlow, w.slow["cy@"] = true, "cy"
	l := newLane(t, w)
	l.hit(view("a"))
	l.hit(identify("b", "cy@"))
	l.hit(view("c"))
	require.Len(t, l.asked, 1, "one question for the same keys")
	require.True(t, l.core.Busy())
	require.Empty(t, l.sight)
	w.told["cy@"] = true
	l.run(l.core.Found(l.now, nil))
	require.Len(t, l.sight, 1)
	require.Equal(t, domain.PersonID("cy"), l.sight[0].Person)
	require.Equal(t, 2, l.sight[0].Upgraded)
	require.Equal(t, domain.EventID("b"), l.sight[0].EventID, "the hit that brought the key stands for them")
	require.Equal(t, domain.Identify, l.sight[0].Type)
	require.Empty(t, l.saw[3].Hits)
	require.True(t, w.evidence[3].Identified, "so its links are learned")
	require.False(t, l.core.Busy())
	l.hit(view("d"))
	require.Len(t, l.sight, 2)
	require.Len(t, l.asked, 1)
}

// An answer that comes too late names nobody.
func TestLane_LateAnswersThatChangeNothing(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*world, *lane){
		"a hit has named somebody": func(_ *world, l *lane) { l.hit(identify("c", "ada@")) },
		"the browser opted out": func(w *world, l *lane) {
			l.hit(with(view("c"), func(h *domain.Hit) { h.GPC = true }))
			w.cookie = "cy" // which no hash is needed for
		},
		"the person is suppressed": func(w *world, _ *lane) { w.persons["cy"] = true },
		"the tier knows nobody":    func(w *world, _ *lane) { delete(w.slow, "cy@") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.hasSlow, w.slow["cy@"] = true, "cy"
			l := newLane(t, w)
			l.hit(view("a"))
			l.hit(identify("b", "cy@"))
			meanwhile(w, l)
			commits := len(l.saw)
			w.told["cy@"] = true
			l.run(l.core.Found(l.now, nil))
			require.Len(t, l.saw, commits)
			for _, s := range l.sight {
				require.NotEqual(t, domain.PersonID("cy"), s.Person)
			}
			require.False(t, l.core.Busy())
		})
	}
}

// The tier fails: the next hit asks again.
func TestLane_AsksAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.hasSlow = true
	l := newLane(t, w)
	l.hit(identify("a", "cy@"))
	l.run(l.core.Found(l.now, down))
	l.hit(view("b"))
	require.Len(t, l.asked, 2)
}

// No tier knows the e-mail, or it does not say: who identified itself is somebody all the same, by the hash. When
// somebody knows more, it is the same visit and the same human.
func TestLane_IsSomebodyByAHash(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"it knows nobody": nil, "it does not say": down} {
		w := newWorld()
		w.hasSlow, w.alone = true, true
		l := newLane(t, w)
		l.hit(view("a"))
		l.hit(identify("b", "cy@"))
		require.Empty(t, l.sight, name)
		l.run(l.core.Found(l.now, err))
		require.Len(t, l.sight, 1, name)
		require.Equal(t, domain.PersonID("hem-cy@"), l.sight[0].Person, name)
		require.Equal(t, 1, l.sight[0].Upgraded, name)
		w.people["cy@"] = "cy"
		l.hit(view("c"))
		require.Len(t, l.sight, 2, name)
		require.Equal(t, domain.PersonID("cy"), l.sight[1].Person, name)
		require.Equal(t, 1, l.row.Number, name)
		require.Len(t, l.row.Pages, 2, name)
	}
}

// A hit brings a stronger key while the tier is asked for a weaker one: it is asked again, and one sighting
// comes of it.
func TestLane_AsksForWhatALaterHitBrings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.hasSlow, w.slow["di@"] = true, "di"
	l := newLane(t, w)
	l.hit(identify("a", "cy@"))
	l.hit(identify("b", "di@"))
	require.Len(t, l.asked, 1)
	l.run(l.core.Found(l.now, nil))
	require.Len(t, l.asked, 2)
	w.told["di@"] = true
	l.run(l.core.Found(l.now, nil))
	require.Len(t, l.sight, 1)
	require.Equal(t, domain.PersonID("di"), l.sight[0].Person)
	require.False(t, l.core.Busy())
}

// The store is away when a late answer is to be kept: it is tried again after a pause, and hits go on
// meanwhile.
func TestLane_ALateAnswerWaitsForTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.hasSlow, w.slow["cy@"] = true, "cy"
	l := newLane(t, w)
	l.hit(identify("a", "cy@"))
	w.told["cy@"] = true
	steps := l.core.Found(l.now, nil)
	require.Len(t, steps, 1)
	steps = l.core.Observed(l.now, steps[0].(visit.Observe).Observation, domain.Observed{}, down)
	require.Equal(t, []visit.Step{visit.Retry{After: 100 * time.Millisecond}}, steps)
	require.True(t, l.core.Busy())
	w.told["cy@"] = false // so that the hit below does not find it by itself
	l.hit(view("b"))
	require.Empty(t, l.sight)
	w.told["cy@"] = true
	l.run(l.core.Retry(l.now))
	require.Len(t, l.sight, 1)
	require.Equal(t, 1, l.sight[0].Upgraded)
}

// A fresh visitor costs no read; another one does, once.
func TestLane_Reads(t *testing.T) {
	t.Parallel()
	core := visit.New(key, fence, newWorld().deps())
	steps := core.Hits(noon, one(with(view("a"), func(h *domain.Hit) { h.Fresh = true })), nil)
	require.IsType(t, visit.Observe{}, steps[0])
	core = visit.New(key, fence, newWorld().deps())
	require.Equal(t, []visit.Step{visit.Load{Key: key}}, core.Hits(noon, one(view("a")), nil))
	require.Empty(t, core.Hits(noon, one(view("b")), nil), "it waits for the first")
}

// What the store answers, and what is done about it.
func TestLane_StoreAnswers(t *testing.T) {
	t.Parallel()
	start := func(w *world) (*visit.Lane, domain.Observation) {
		core := visit.New(key, fence, w.deps())
		core.Hits(noon, one(view("a")), "a")
		steps := core.Loaded(noon, domain.Visit{}, nil)
		core.Hits(noon, one(view("a")), "again")
		return core, steps[0].(visit.Observe).Observation
	}
	t.Run("a repeat is told so, and so is who waited with it", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Duplicated, Known: []bool{true}}, nil)
		duplicate := []domain.Received{{Duplicate: true}}
		require.Equal(t, []visit.Step{visit.Answer{To: "a", Received: duplicate}, visit.Answer{To: "again", Received: duplicate}}, steps)
		require.Equal(t, []visit.Step{visit.Answer{To: "later", Received: duplicate}}, core.Hits(noon, one(view("a")), "later"))
		require.False(t, core.Busy())
	})
	t.Run("a row that has moved on is taken over", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Stale, Visit: domain.Visit{Revision: 8, Session: "s", LastAt: noon, Number: 4}}, nil)
		again := steps[0].(visit.Observe).Observation
		require.EqualValues(t, 8, again.Expect)
		require.Equal(t, 4, again.Visit.Number)
	})
	t.Run("a row that moves on for ever ends in a refusal", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		for range 15 {
			steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Stale}, nil)
			o = steps[0].(visit.Observe).Observation
		}
		steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Stale}, nil)
		require.Len(t, steps, 2)
		require.Equal(t, domain.Unavailable, domain.CodeOf(steps[0].(visit.Answer).Err))
		require.False(t, core.Busy())
	})
	t.Run("suppressions have changed: they are read, and asked", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.cookie = "ada"
		core, o := start(w)
		require.NotEmpty(t, o.Owed)
		require.Equal(t, []visit.Step{visit.Refresh{}}, core.Observed(noon, o, domain.Observed{Outcome: domain.Outdated, Basis: 9}, nil))
		w.basis, w.persons["ada"] = 9, true
		steps := core.Refreshed(noon, nil)
		again := steps[0].(visit.Observe).Observation
		require.EqualValues(t, 9, again.Basis)
		require.Empty(t, again.Owed)
		require.Equal(t, "account:person", again.Visit.Suppressed)
	})
	t.Run("they cannot be read: the sender tries again", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		core.Observed(noon, o, domain.Observed{Outcome: domain.Outdated, Basis: 9}, nil)
		steps := core.Refreshed(noon, down)
		require.Equal(t, domain.Unavailable, domain.CodeOf(steps[0].(visit.Answer).Err))
	})
	t.Run("the store is away: the sender tries again, and the row is read anew", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		steps := core.Observed(noon, o, domain.Observed{}, down)
		require.Len(t, steps, 2)
		require.ErrorIs(t, steps[1].(visit.Answer).Err, down)
		require.Equal(t, []visit.Step{visit.Load{Key: key}}, core.Hits(noon, one(view("a")), nil))
	})
	t.Run("another node has the partition: everybody is told", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		core.Hits(noon, one(view("b")), "b")
		steps := core.Observed(noon, o, domain.Observed{}, domain.ErrFenced)
		require.Len(t, steps, 4)
		require.Equal(t, visit.Abandon{}, steps[0])
		require.False(t, core.Busy())
	})
	t.Run("an answer that nobody waits for says nothing", func(t *testing.T) {
		t.Parallel()
		core, o := start(newWorld())
		other := view("z")
		require.Empty(t, core.Observed(noon, domain.Observation{Hits: one(other)}, domain.Observed{Outcome: domain.Done, Seqs: []int64{1}}, nil))
		core.Observed(noon, o, domain.Observed{Outcome: domain.Done, Seqs: []int64{1}}, nil)
		require.Empty(t, core.Observed(noon, o, domain.Observed{Outcome: domain.Done, Seqs: []int64{1}}, nil))
	})
}

// A script gone wild meets the limits, and is told to come back.
func TestLane_IsBounded(t *testing.T) {
	t.Parallel()
	core := visit.New(key, fence, newWorld().deps())
	for i := range visit.MaxWaiting {
		core.Hits(noon, one(view(fmt.Sprint(i))), i)
	}
	steps := core.Hits(noon, one(view("more")), "more")
	require.ErrorIs(t, steps[0].(visit.Answer).Err, visit.ErrTooMany)
	require.Equal(t, domain.Unavailable, domain.CodeOf(steps[0].(visit.Answer).Err))
	for range 15 {
		require.Empty(t, core.Hits(noon, one(view("7")), "repeat"))
	}
	steps = core.Hits(noon, one(view("7")), "repeat")
	require.ErrorIs(t, steps[0].(visit.Answer).Err, visit.ErrTooMany)
}
