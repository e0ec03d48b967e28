package visit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/visit"
)

func gpc(h domain.Hit) domain.Hit { h.GPC = true; return h }

// Hits that come together: how many commits and messages they are, whom the leads hear of, and what the visit is
// in the end.
func TestLane_Groups(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		set     func(*world)
		hits    []domain.Hit
		commits int
		told    int
		leads   []domain.LeadID
		want    func(*testing.T, *lane)
	}{
		"views of nobody are one commit": {
			hits: []domain.Hit{view("a"), view("b"), leave("c", "b", time.Second)}, commits: 1,
			want: func(t *testing.T, l *lane) {
				require.Equal(t, 2, l.row.Views)
				require.Equal(t, 2, l.row.Unhanded)
				require.Equal(t, time.Second, l.row.Duration)
			},
		},
		"a view, and then its page says who it is": {
			hits: []domain.Hit{view("a"), identify("b", "ada@"), view("c")}, commits: 1, told: 1,
			leads: []domain.LeadID{"person-ada", "person-ada"},
			want: func(t *testing.T, l *lane) {
				require.Equal(t, 1, l.sight[0].Upgraded)
				require.Zero(t, l.sight[1].Upgraded)
				require.EqualValues(t, 2, l.sight[0].EventSeq)
				require.EqualValues(t, 3, l.sight[1].EventSeq)
				require.Len(t, l.sight[0].Visit.Pages, 2, "the visit as it is in the end")
				require.Equal(t, noon, l.sight[0].DueAt)
				require.Equal(t, noon.Add(5*time.Second), l.sight[1].DueAt, "known by the hit before it")
			},
		},
		"somebody, and then a page that is suppressed": {
			set:  func(w *world) { w.path = "/b" },
			hits: []domain.Hit{identify("a", "ada@"), view("b")}, commits: 2, told: 1, leads: []domain.LeadID{"person-ada"},
			want: func(t *testing.T, l *lane) {
				require.Equal(t, domain.PersonID("ada"), l.sight[0].Visit.Person, "the sighting's visit is that of its time")
				require.Empty(t, l.row.Person)
				require.Equal(t, "account:path", l.row.Suppressed)
			},
		},
		"a page that is suppressed, and then somebody": {
			set:  func(w *world) { w.path = "/a" },
			hits: []domain.Hit{view("a"), identify("b", "ada@"), view("c")}, commits: 1, told: 1,
			leads: []domain.LeadID{"person-ada", "person-ada"},
			want: func(t *testing.T, l *lane) {
				require.Len(t, l.row.Pages, 1, "only /c")
				require.Equal(t, "/c", l.row.Pages[0].Path)
				require.Zero(t, l.sight[0].Upgraded)
			},
		},
		"an identify call of somebody suppressed leaves no hash": {
			set:  func(w *world) { w.persons["bob"] = true },
			hits: []domain.Hit{view("a"), identify("b", "bob@"), view("c")}, commits: 1,
			want: func(t *testing.T, l *lane) {
				require.Empty(t, l.saw[0].Hits[1].HEMs)
				require.Empty(t, l.saw[0].Hits[1].Body)
				require.NotEmpty(t, l.saw[0].Hits[0].Body)
				require.Empty(t, l.row.HEMs)
				require.Empty(t, l.saw[0].Learn)
				require.Equal(t, 2, l.row.Views)
			},
		},
		"two people at one browser are two visits": {
			hits: []domain.Hit{view("a"), identify("b", "ada@"), view("c"), identify("d", "bob@"), view("e")}, commits: 2, told: 2,
			leads: []domain.LeadID{"person-ada", "person-ada", "person-bob", "person-bob"},
			want: func(t *testing.T, l *lane) {
				require.Equal(t, 1, l.sight[1].Visit.Number)
				require.Len(t, l.sight[1].Visit.Pages, 2, "/a and /c, and not /e")
				require.Equal(t, 2, l.sight[2].Visit.Number)
				require.Len(t, l.sight[2].Visit.Pages, 1)
				require.Equal(t, "/e", l.sight[2].Visit.Pages[0].Path)
			},
		},
		"who opts out is not asked for any more": {
			set:  func(w *world) { w.hasSlow, w.slow["cy@"] = true, "cy" },
			hits: []domain.Hit{identify("a", "cy@"), gpc(view("b"))}, commits: 1,
			want: func(t *testing.T, l *lane) { require.Empty(t, l.asked); require.Empty(t, l.row.HEMs) },
		},
		"one question for all of them": {
			set:  func(w *world) { w.hasSlow, w.slow["cy@"] = true, "cy" },
			hits: []domain.Hit{view("a"), identify("b", "cy@"), view("c")}, commits: 1,
			want: func(t *testing.T, l *lane) {
				require.Len(t, l.asked, 1)
				l.w.told["cy@"] = true
				l.run(l.core.Found(l.now, nil))
				require.Len(t, l.sight, 1)
				require.Equal(t, 2, l.sight[0].Upgraded)
				require.Equal(t, domain.EventID("b"), l.sight[0].EventID)
			},
		},
		"the same person twice teaches once": {
			hits: []domain.Hit{identify("a", "ada@"), identify("b", "ada@")}, commits: 1, told: 1, leads: []domain.LeadID{"person-ada", "person-ada"},
			want: func(t *testing.T, l *lane) { require.Len(t, l.saw[0].Learn, 1) },
		},
		"a hit that stands twice is one": {
			hits: []domain.Hit{view("a"), view("b"), view("a")}, commits: 1,
			want: func(t *testing.T, l *lane) {
				require.Equal(t, 2, l.row.Views)
				require.Equal(t, []domain.Received{{Seq: 1}, {Seq: 2}, {Duplicate: true}}, l.got)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			if row.set != nil {
				row.set(w)
			}
			l := newLane(t, w)
			came := slices.Clone(row.hits)
			l.hits(row.hits...)
			require.Len(t, l.saw, row.commits)
			require.Equal(t, row.told, l.told)
			require.Len(t, l.got, len(row.hits))
			for i, h := range came {
				require.Equal(t, h.HEMs, row.hits[i].HEMs, "what the sender holds stays as it is")
			}
			var leads []domain.LeadID
			for _, s := range l.sight {
				leads = append(leads, s.Lead)
			}
			require.Equal(t, row.leads, leads)
			row.want(t, l)
		})
	}
}

// Whatever comes together ends as if it had come one by one: the visit, who was sighted by which hit, what was
// learned, and what is kept as evidence.
func TestLane_AGroupIsItsHits(t *testing.T) {
	t.Parallel()
	cut, sighted := 0, 0
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 7))
		set := func(w *world) {
			w.pixel.Announce.Companies = seed%3 == 0
			w.persons["bob"] = seed%2 == 0
			w.path, w.network = "/7", map[bool]string{true: "acme.example"}[seed%5 == 0]
		}
		together, alone := newWorld(), newWorld()
		set(together)
		set(alone)
		a, b := newLane(t, together), newLane(t, alone)
		id, groups := 0, 0
		for range 6 {
			var hits []domain.Hit
			for range 1 + rng.IntN(10) {
				id++
				name := fmt.Sprint(id)
				h := view(name)
				switch rng.IntN(6) {
				case 0:
					h = identify(name, []string{"ada@", "bob@", "cy@"}[rng.IntN(3)])
				case 1:
					h = leave(name, fmt.Sprint(rng.IntN(id)), time.Duration(rng.IntN(9))*time.Second)
				}
				h.GPC = rng.IntN(15) == 0
				hits = append(hits, h)
			}
			now := a.now.Add(time.Duration(rng.IntN(45)) * time.Minute)
			a.now, b.now = now, now
			a.hits(slices.Clone(hits)...)
			for _, h := range hits {
				b.hit(h)
			}
			groups++
			x, y := a.row, b.row
			x.Revision, y.Revision = 0, 0
			require.Equal(t, y, x, "seed %d", seed)
		}
		cut, sighted = cut+len(a.saw)-groups, sighted+len(a.sight)
		require.Equal(t, facts(b), facts(a), "seed %d", seed)
	}
	require.Greater(t, cut, 100)
	require.Greater(t, sighted, 1000)
}

// facts are what a lane's commits say, apart from how many they were.
func facts(l *lane) (all []string) {
	for _, s := range l.sight {
		all = append(all, fmt.Sprint(s.EventID, s.EventSeq, s.Lead, s.Person, s.Company, s.Match, s.Upgraded, s.DueAt, s.Visit.Session, s.Visit.Suppressed))
	}
	last := map[domain.Key]domain.PersonID{}
	for _, o := range l.saw {
		for _, h := range o.Hits {
			all = append(all, fmt.Sprint(h))
		}
		for _, k := range o.Learn {
			last[k.Key] = k.Person
		}
	}
	return append(all, fmt.Sprint(last))
}

// Groups that queue up behind a commit share the next one, and each is answered for itself.
func TestLane_GroupsShareACommit(t *testing.T) {
	t.Parallel()
	core := visit.New(key, fence, newWorld().deps())
	core.Hits(noon, one(view("a")), "first")
	o := core.Loaded(noon, domain.Visit{}, nil)[0].(visit.Observe).Observation
	require.Empty(t, core.Hits(noon, []domain.Hit{view("b"), view("a")}, "second"))
	require.Empty(t, core.Hits(noon, []domain.Hit{view("c"), view("b")}, "third"))
	require.Empty(t, core.Hits(noon, []domain.Hit{view("b"), view("a")}, "second again"))
	steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Done, Seqs: []int64{1}, Visit: domain.Visit{Revision: 1}}, nil)
	require.Equal(t, visit.Answer{To: "first", Received: []domain.Received{{Seq: 1}}}, steps[0])
	o = steps[len(steps)-1].(visit.Observe).Observation
	require.Equal(t, []domain.EventID{"b", "c"}, ids(o.Hits))

	failed := core.Observed(noon, o, domain.Observed{}, down)
	require.Equal(t, []visit.Step{
		visit.Answer{To: "second", Err: down}, visit.Answer{To: "second again", Err: down}, visit.Answer{To: "third", Err: down},
	}, failed, "nobody of them knows what became of it")
	require.False(t, core.Busy())

	core.Hits(noon, []domain.Hit{view("b"), view("a")}, "second")
	core.Hits(noon, []domain.Hit{view("c"), view("b")}, "third")
	o = core.Loaded(noon, domain.Visit{Revision: 1}, nil)[0].(visit.Observe).Observation
	steps = core.Observed(noon, o, domain.Observed{Outcome: domain.Done, Seqs: []int64{2, 3}, Visit: domain.Visit{Revision: 2}}, nil)
	duplicate := domain.Received{Duplicate: true}
	require.Equal(t, visit.Answer{To: "second", Received: []domain.Received{{Seq: 2}, duplicate}}, steps[0])
	require.Equal(t, visit.Answer{To: "third", Received: []domain.Received{{Seq: 3}, duplicate}}, steps[1])
	require.Equal(t, []visit.Step{visit.Answer{To: "again", Received: []domain.Received{duplicate, duplicate}}},
		core.Hits(noon, []domain.Hit{view("c"), view("a")}, "again"), "all of it is remembered: no commit")
}

// The store knows some hits of a group: the rest is observed without them.
func TestLane_TakesOutWhatTheStoreKnows(t *testing.T) {
	t.Parallel()
	core := visit.New(key, fence, newWorld().deps())
	core.Hits(noon, []domain.Hit{view("a"), view("b"), view("c")}, "to")
	o := core.Loaded(noon, domain.Visit{}, nil)[0].(visit.Observe).Observation
	steps := core.Observed(noon, o, domain.Observed{Outcome: domain.Duplicated, Known: []bool{true, false, true}}, nil)
	o = steps[0].(visit.Observe).Observation
	require.Equal(t, []domain.EventID{"b"}, ids(o.Hits))
	require.Equal(t, 1, o.Visit.Views)
	steps = core.Observed(noon, o, domain.Observed{Outcome: domain.Done, Seqs: []int64{9}}, nil)
	require.Equal(t, visit.Answer{To: "to", Received: []domain.Received{{Duplicate: true}, {Seq: 9}, {Duplicate: true}}}, steps[0])
}

// One of two groups that share a commit is what the store cannot take: the other is not refused for it.
func TestLane_AnInvalidGroupIsItsOwn(t *testing.T) {
	t.Parallel()
	odd := domain.FailField("observe", "name", "is odd")
	core := visit.New(key, fence, newWorld().deps())
	core.Hits(noon, one(view("a")), "a")
	core.Hits(noon, one(view("odd")), "odd")
	steps := core.Loaded(noon, domain.Visit{}, nil)
	steps = core.Observed(noon, steps[0].(visit.Observe).Observation, domain.Observed{}, odd)
	require.Equal(t, []domain.EventID{"a"}, ids(steps[0].(visit.Observe).Observation.Hits))
	steps = core.Observed(noon, steps[0].(visit.Observe).Observation, domain.Observed{Outcome: domain.Done, Seqs: []int64{1}}, nil)
	require.Equal(t, visit.Answer{To: "a", Received: []domain.Received{{Seq: 1}}}, steps[0])
	steps = core.Observed(noon, steps[len(steps)-1].(visit.Observe).Observation, domain.Observed{}, odd)
	require.Equal(t, []visit.Step{visit.Answer{To: "odd", Err: odd}}, steps)
}

// A group has a size.
func TestLane_GroupsAreBounded(t *testing.T) {
	t.Parallel()
	core := visit.New(key, fence, newWorld().deps())
	for name, hits := range map[string][]domain.Hit{"none": nil, "too many": make([]domain.Hit, domain.MaxHits+1)} {
		steps := core.Hits(noon, hits, "to")
		require.Equal(t, domain.Invalid, domain.CodeOf(steps[0].(visit.Answer).Err), name)
	}
	require.False(t, core.Busy())
}

func ids(hits []domain.Hit) (all []domain.EventID) {
	for _, h := range hits {
		all = append(all, h.ID)
	}
	return all
}
