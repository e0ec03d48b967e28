package delivery_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

var (
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	key   = domain.LeadKey{Account: "acme", Lead: "person-ada"}
	fence = domain.Fence{Partition: 7, Epoch: 3}
	down  = domain.Fail("judge", domain.Unavailable, errors.New("the writer's queue is full"))
)

// office is everything a judge looks things up in.
type office struct {
	pixels     map[domain.PixelID]*domain.DirectoryPixel
	suppressed func(identity.Subject) bool
	basis      int64
}

func newOffice(rules domain.Announce) *office {
	o := &office{pixels: map[domain.PixelID]*domain.DirectoryPixel{}, basis: 1}
	o.rules(rules)
	return o
}

func (o *office) rules(rules domain.Announce) {
	o.pixels["shop"] = &domain.DirectoryPixel{Account: "acme", Pixel: domain.Pixel{ID: "shop", Announce: rules}}
}

func (o *office) deps() delivery.JudgeDeps {
	return delivery.JudgeDeps{
		Pixel:   func(id domain.PixelID) *domain.DirectoryPixel { return o.pixels[id] },
		Record:  func(_ domain.AccountID, p domain.PersonID) (domain.Person, bool) { return ada, p == ada.ID },
		Company: func(d string) (domain.Company, bool) { return pumps, d == pumps.Domain },
		Check: func(s identity.Subject) (string, bool) {
			return "test", o.suppressed != nil && o.suppressed(s)
		},
		Basis: func() int64 { return o.basis },
	}
}

var (
	ada = domain.Person{
		ID: "ada", FirstName: "Ada", LastName: "Byron", Title: "Head of Engines", Seniority: "head", Department: "engineering",
		BusinessEmail: "ada@pumps.example", PersonalEmail: "ada@mail.example", Phones: []string{"+14155550100"},
		LinkedIn: "https://linkedin.example/in/ada", City: "Reno", State: "NV", PostalCode: "89501", Country: "US",
		HEMs:    []domain.HEM{{Variant: "lower", MD5: "0bc83cb571cd1c50ba6f3e8a78ef1346"}},
		Company: "pumps.example",
	}
	pumps = domain.Company{
		Domain: "pumps.example", Name: "United Pumps", Website: "https://pumps.example", Industry: "Machinery", Sector: "Industrials",
		Employees: 120, Revenue: "10M-50M", Founded: 1999, City: "Reno", State: "NV", Country: "US", LinkedIn: "https://linkedin.example/company/pumps",
	}
)

// sighting is Ada's n-th, n seconds after noon, on a page of that number.
func sighting(n int64) domain.Sighting {
	at := noon.Add(time.Duration(n) * time.Second)
	page := domain.Page{URL: fmt.Sprintf("https://shop.example/p/%d", n), Path: fmt.Sprintf("/p/%d", n), Title: "Pumps & more"}
	return domain.Sighting{
		N: n, Partition: 7, Account: "acme", Lead: "person-ada", Pixel: "shop", Person: "ada", Company: "pumps.example",
		Match:   domain.Match{Level: domain.PersonMatch, By: domain.KeySHA256, From: "graph"},
		EventID: domain.EventID(fmt.Sprintf("hit-%d", n)), EventSeq: 100 + n, Type: domain.PageView, Page: page,
		Address: netip.MustParseAddr("192.0.2.9"),
		Visit: domain.Visit{
			Account: "acme", Visitor: "v1", Pixel: "shop", Session: "s1", Number: 1, StartedAt: noon, LastAt: at, Views: int(n),
			Pages:    []domain.PageSeen{{URL: page.URL, Path: page.Path, Title: page.Title, At: at, Duration: 1500 * time.Millisecond}},
			Duration: time.Duration(n) * time.Second, Country: "US", State: "NV", Person: "ada",
		},
		OccurredAt: at, ReceivedAt: at, MatchedAt: at, DueAt: at,
	}
}

// crew is a judge with the steps it asked for last.
type crew struct {
	*delivery.Judge
	t *testing.T
}

func newCrew(t *testing.T, o *office) crew {
	t.Helper()
	return crew{delivery.NewJudge(key, fence, o.deps()), t}
}

// only takes the one step there is.
func only[S delivery.Step](t *testing.T, steps []delivery.Step) S {
	t.Helper()
	require.Len(t, steps, 1)
	require.IsType(t, *new(S), steps[0])
	return steps[0].(S)
}

// find takes the one step of a type among others.
func find[S delivery.Step](t *testing.T, steps []delivery.Step) S {
	t.Helper()
	var found []S
	for _, s := range steps {
		if s, ok := s.(S); ok {
			found = append(found, s)
		}
	}
	require.Len(t, found, 1, "%#v", steps)
	return found[0]
}

// done answers as a store does that carried it out.
func (c crew) done(now time.Time, d domain.Judgement) []delivery.Step {
	after := d.After
	after.Revision = d.Expect + 1
	return c.Judged(now, d, domain.Judged{Outcome: domain.Done, Acquaintance: after, Announced: d.Announce}, nil)
}

// meet takes a judge past Ada's first match, by sighting 1.
func (c crew) meet() {
	c.t.Helper()
	d := only[delivery.Decide](c.t, c.Sighted(noon.Add(time.Second), sighting(1))).Judgement
	require.Equal(c.t, domain.VisitorIdentifiedEvent, d.Announce[0].Type)
	c.done(noon.Add(time.Second), d)
	require.False(c.t, c.Busy())
}

func read(t *testing.T, a domain.Announcement) delivered {
	t.Helper()
	var e delivered
	require.NoError(t, json.Unmarshal(a.Payload, &e))
	return e
}

// delivered is the part of an envelope that these tests look at.
type delivered struct {
	ID    string `json:"id"`
	Event struct {
		ID      string `json:"id"`
		Trigger string `json:"trigger"`
		Count   int    `json:"count"`
		Repeat  bool   `json:"is_repeat_visit"`
	} `json:"event"`
	Person    *domain.Person `json:"person"`
	Sightings int            `json:"sightings"`
	Visit     struct {
		PageViews int `json:"page_views"`
		Pages     []struct {
			Path string `json:"path"`
		} `json:"pages"`
	} `json:"visit"`
}

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

// Each rule lets go of what does not pass, with its verdict; nothing is announced, and the sighting is settled.
func TestJudge_Rules(t *testing.T) {
	t.Parallel()
	most := 10.0
	for sentence, row := range map[string]struct {
		rules  domain.Announce
		change func(*domain.Sighting, *office)
		want   delivery.Verdict
	}{
		"no rule lets everything through":     {domain.Announce{}, nil, delivery.First},
		"a type that counts":                  {domain.Announce{Types: []domain.HitType{domain.PageView}}, nil, delivery.First},
		"a type that does not":                {domain.Announce{Types: []domain.HitType{domain.Identify}}, nil, delivery.WrongType},
		"a page that counts":                  {domain.Announce{Pages: []string{"/x", "/p/*"}}, nil, delivery.First},
		"a page that does not":                {domain.Announce{Pages: []string{"/pricing"}}, nil, delivery.WrongPage},
		"a visit long enough":                 {domain.Announce{MinDuration: time.Second}, nil, delivery.First},
		"a visit too short":                   {domain.Announce{MinDuration: time.Second + 1}, nil, delivery.TooShort},
		"in the segment":                      {domain.Announce{Segments: []domain.Filter{{Field: "company.name", Op: domain.Prefix, Value: "united"}}}, nil, delivery.First},
		"in the segment by the match":         {domain.Announce{Segments: []domain.Filter{{Field: "match.by", Op: domain.Equals, Value: "sha256"}}}, nil, delivery.First},
		"outside of the segment":              {domain.Announce{Segments: []domain.Filter{{Field: "company.employee_count", Op: domain.Range, Max: &most}}}, nil, delivery.NoSegment},
		"first only lets the first through":   {domain.Announce{FirstOnly: true}, nil, delivery.First},
		"a cap lets the first through":        {domain.Announce{Frequency: domain.Frequency{Max: 1, Per: time.Hour}}, nil, delivery.First},
		"a pixel that is gone":                {domain.Announce{}, func(_ *domain.Sighting, o *office) { delete(o.pixels, "shop") }, delivery.NoPixel},
		"a pixel that is somebody else's now": {domain.Announce{}, func(_ *domain.Sighting, o *office) { o.pixels["shop"].Account = "other" }, delivery.NoPixel},
		"suppressed by person":                {domain.Announce{}, suppress(func(s identity.Subject) bool { return s.Person == "ada" }), delivery.Suppressed},
		"suppressed by what the page said":    {domain.Announce{}, suppress(func(s identity.Subject) bool { return len(s.HEMs) > 0 && s.HEMs[len(s.HEMs)-1].MD5 == "page" }), delivery.Suppressed},
		"suppressed by where the visitor is":  {domain.Announce{}, suppress(func(s identity.Subject) bool { return len(s.Regions) > 0 && s.Regions[len(s.Regions)-1].State == "NV" }), delivery.Suppressed},
		"suppressed by the visitor's address": {domain.Announce{}, suppress(func(s identity.Subject) bool { return s.Address == netip.MustParseAddr("192.0.2.9") }), delivery.Suppressed},
		"suppressed by the page":              {domain.Announce{}, suppress(func(s identity.Subject) bool { return s.Person == "ada" && s.Paths[0] == "/p/1" }), delivery.Suppressed},
		"suppressed by the network's company": {domain.Announce{}, suppress(func(s identity.Subject) bool {
			return len(s.Companies) > 0 && s.Companies[len(s.Companies)-1] == "pumps.example"
		}), delivery.Suppressed},
		"a suppression of somebody else":            {domain.Announce{}, suppress(func(s identity.Subject) bool { return s.Account != "acme" || s.Pixel != "shop" }), delivery.First},
		"views before it was known are page views":  {domain.Announce{Types: []domain.HitType{domain.PageView}}, upgraded, delivery.First},
		"their pages count":                         {domain.Announce{Pages: []string{"/earlier"}}, upgraded, delivery.First},
		"a page seen before, when already known":    {domain.Announce{Pages: []string{"/earlier"}}, func(s *domain.Sighting, o *office) { upgraded(s, o); s.Upgraded = 0 }, delivery.WrongPage},
		"a company, where people are announced":     {domain.Announce{}, func(s *domain.Sighting, _ *office) { s.Person = "" }, delivery.NoCompany},
		"a company, where these are announced also": {domain.Announce{Companies: true}, func(s *domain.Sighting, _ *office) { s.Person = "" }, delivery.First},
	} {
		o := newOffice(row.rules)
		s := sighting(1)
		s.Visit.HEMs = []domain.HEM{{Variant: "lower", MD5: "page"}}
		if row.change != nil {
			row.change(&s, o)
		}
		c := newCrew(t, o)
		steps := c.Sighted(noon.Add(time.Second), s)
		if row.want != delivery.First {
			require.Equal(t, 5*time.Second, only[delivery.Wake](t, steps).After, "%s: it is in no hurry", sentence)
			steps = c.Due(noon.Add(6 * time.Second))
		}
		d := only[delivery.Decide](t, steps).Judgement
		require.Equal(t, []int64{1}, d.Settle, sentence)
		require.Equal(t, row.want == delivery.First, len(d.Announce) == 1, sentence)
		require.Equal(t, row.want == delivery.First, !d.After.FirstAt.IsZero(), sentence)
		require.Equal(t, delivery.Settled{Verdict: row.want, N: 1}, find[delivery.Settled](t, c.done(noon, d)), sentence)
	}
}

func suppress(who func(identity.Subject) bool) func(*domain.Sighting, *office) {
	return func(_ *domain.Sighting, o *office) { o.suppressed = who }
}

// upgraded makes a sighting one of somebody who was recognised late, after a page of its own.
func upgraded(s *domain.Sighting, _ *office) {
	s.Type, s.Upgraded = domain.Identify, 1
	s.Visit.Pages = append([]domain.PageSeen{{URL: "https://shop.example/earlier", Path: "/earlier", At: noon}}, s.Visit.Pages...)
}

// What passes no rule goes with the next judgement: it costs no commit of its own.
func TestJudge_SettlesOnTheWay(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{Pages: []string{"/p/3"}}))
	only[delivery.Wake](t, c.Sighted(noon.Add(time.Second), sighting(1)))
	require.Empty(t, c.Sighted(noon.Add(2*time.Second), sighting(2)))
	d := only[delivery.Decide](t, c.Sighted(noon.Add(3*time.Second), sighting(3), sighting(4))).Judgement
	require.Equal(t, []int64{1, 2, 3}, d.Settle, "what comes after the first match is an update")
	require.Len(t, d.Announce, 1)
	require.Equal(t, "hit-3", read(t, d.Announce[0]).Event.ID)
	require.Equal(t, int64(3), d.After.Sightings)
	steps := c.done(noon.Add(3*time.Second), d)
	require.Contains(t, steps, delivery.Settled{Verdict: delivery.WrongPage, N: 2})
	require.Contains(t, steps, delivery.Settled{Verdict: delivery.First, N: 1})
	require.True(t, c.Busy(), "sighting 4 waits")
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

// A cap counts the first match too, and what is over it is counted and not announced; later there is room again.
func TestJudge_KeepsTheFrequencyCap(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{Frequency: domain.Frequency{Max: 2, Per: time.Hour}, Coalesce: time.Second}))
	c.meet()
	judge := func(n int64, at time.Time) domain.Judgement {
		s := sighting(n)
		s.MatchedAt = at.Add(-time.Minute)
		d := only[delivery.Decide](t, c.Sighted(at, s)).Judgement
		c.done(at, d)
		return d
	}
	require.Len(t, judge(2, noon.Add(10*time.Minute)).Announce, 1)
	over := judge(3, noon.Add(20*time.Minute))
	require.Empty(t, over.Announce)
	require.Equal(t, int64(2), over.After.Announced)
	require.Len(t, judge(4, noon.Add(time.Hour+2*time.Second)).Announce, 1, "the first match is over an hour old")
	require.Empty(t, judge(5, noon.Add(time.Hour+3*time.Second)).Announce)
}

// First only: updates are counted and not announced.
func TestJudge_FirstOnly(t *testing.T) {
	t.Parallel()
	c := newCrew(t, newOffice(domain.Announce{FirstOnly: true}))
	c.meet()
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), sighting(2), sighting(3))).Judgement
	require.Empty(t, d.Announce)
	require.Equal(t, delivery.Settled{Verdict: delivery.FirstOnly, N: 2}, find[delivery.Settled](t, c.done(noon, d)))
}

// Two pixels of one account saw her: each has its update, by its own rules.
func TestJudge_AnUpdateForEachPixel(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	for _, id := range []domain.PixelID{"blog", "quiet"} {
		o.pixels[id] = &domain.DirectoryPixel{Account: "acme", Pixel: domain.Pixel{ID: id, Announce: domain.Announce{FirstOnly: id == "quiet"}}}
	}
	c := newCrew(t, o)
	c.meet()
	on := func(n int64, pixel domain.PixelID) domain.Sighting {
		s := sighting(n)
		s.Pixel = pixel
		return s
	}
	d := only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), on(2, "shop"), on(3, "quiet"), on(4, "blog"), on(5, "shop"))).Judgement
	require.Equal(t, []int64{2, 3, 4, 5}, d.Settle)
	require.Len(t, d.Announce, 2)
	require.Equal(t, domain.PixelID("blog"), d.Announce[0].Pixel, "by their newest")
	require.Equal(t, domain.PixelID("shop"), d.Announce[1].Pixel)
	require.Equal(t, 2, read(t, d.Announce[1]).Sightings)
	require.Equal(t, int64(3), d.After.Announced)
}

// A first match of a person enters the pixel's campaign, with what a buyer needs. An update does not enter again.
func TestJudge_EntersTheCampaign(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{Companies: true})
	o.pixels["shop"].Pixel.Campaign = "pumps"
	c := newCrew(t, o)
	now := noon.Add(time.Second)
	d := only[delivery.Decide](t, c.Sighted(now, sighting(1))).Judgement
	require.NotNil(t, d.Enter)
	require.Equal(t, int64(101), d.Enter.Seq, "the hit's place is the pending event's")
	e := d.Enter.Event
	require.JSONEq(t, `{"first_name":"Ada","last_name":"Byron","email":"ada@pumps.example","phone":"+14155550100",
		"company":"United Pumps","city":"Reno","state":"NV","postal_code":"89501","country":"US","website":"https://pumps.example",
		"channel":"shop","fields":{"linkedin":"https://linkedin.example/in/ada","title":"Head of Engines","page":"https://shop.example/p/1"}}`, string(e.Contact))
	e.Contact = nil
	require.Equal(t, domain.Event{
		Account: "acme", Source: domain.PixelSource, ID: "hit-1", Type: "visitor.identified", Effect: domain.Open,
		Lead: "person-ada", Campaign: "pumps", OccurredAt: now, ReceivedAt: now,
	}, e)
	require.Equal(t, *d.Enter, find[delivery.Enter](t, c.done(now, d)).Pending)
	require.Nil(t, only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), sighting(2))).Judgement.Enter)

	company := sighting(1)
	company.Person = ""
	require.Nil(t, only[delivery.Decide](t, newCrew(t, o).Sighted(now, company)).Judgement.Enter, "a company is nobody to call")
}

// The CRM knows somebody whom the graph does not: the contact of its lead is who that is. It is loaded before
// anything is said, and again when it has aged. It has its campaign already.
func TestJudge_LoadsTheContactOfACRMsLead(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	o.pixels["shop"].Pixel.Campaign = "pumps"
	crm := domain.LeadKey{Account: "acme", Lead: "ghl-1"}
	of := func(n int64) domain.Sighting {
		s := sighting(n)
		s.Lead, s.Person = crm.Lead, domain.PersonOfLead(crm.Lead)
		return s
	}
	judge := delivery.NewJudge(crm, fence, o.deps())
	now := noon.Add(time.Second)
	require.Equal(t, crm, only[delivery.LoadContact](t, judge.Sighted(now, of(1))).Lead)
	require.Empty(t, judge.Sighted(now, of(2)), "one question at a time")
	contact := domain.Contact{Name: "Jo Ann Doe", Email: "jo@example.com", Phone: "+14155550111", City: "Elko"}
	d := only[delivery.Decide](t, judge.Contact(now, &contact, nil)).Judgement
	p := read(t, d.Announce[0]).Person
	require.Equal(t, &domain.Person{
		ID: "lead-ghl-1", FirstName: "Jo Ann", LastName: "Doe", PersonalEmail: "jo@example.com", Phones: []string{"+14155550111"}, City: "Elko",
	}, p)
	require.Nil(t, d.Enter)
	d.After.Revision = 1
	judge.Judged(now, d, domain.Judged{Outcome: domain.Done, Acquaintance: d.After}, nil)

	only[delivery.LoadContact](t, judge.Due(noon.Add(time.Minute)))
	require.Equal(t, 50*time.Millisecond, only[delivery.Wake](t, judge.Contact(noon.Add(time.Minute), nil, down)).After)
	only[delivery.LoadContact](t, judge.Due(noon.Add(2*time.Minute)))
	erased := domain.Contact{Status: "erased"}
	d = only[delivery.Decide](t, judge.Contact(noon.Add(2*time.Minute), &erased, nil)).Judgement
	require.Empty(t, d.Announce, "what was erased is not announced")
	require.Equal(t, int64(1), d.Expect)
}

// A phone known by its hash is there for suppressions, and leaves neither in a payload nor to a buyer; nor does a
// number without its country, which no suppression can be compared with.
func TestJudge_TellsPhonesInClearOnly(t *testing.T) {
	t.Parallel()
	hash, _ := identity.PhoneHash("+14155550199")
	for name, row := range map[string]struct {
		phones, want []string
		buyer        string
	}{
		"hashes only":   {[]string{hash}, nil, ""},
		"a hash first":  {[]string{hash, "+1 (415) 555-0100", hash}, []string{"+14155550100"}, "+14155550100"},
		"no country":    {[]string{"4155550100"}, nil, ""},
		"nothing to do": {[]string{"+14155550100", "+14155550101"}, []string{"+14155550100", "+14155550101"}, "+14155550100"},
	} {
		o := newOffice(domain.Announce{})
		o.pixels["shop"].Pixel.Campaign = "pumps"
		deps := o.deps()
		deps.Record = func(domain.AccountID, domain.PersonID) (domain.Person, bool) {
			p := ada
			p.Phones = row.phones
			return p, true
		}
		judge := delivery.NewJudge(key, fence, deps)
		d := only[delivery.Decide](t, judge.Sighted(noon.Add(time.Second), sighting(1))).Judgement
		require.Equal(t, row.want, read(t, d.Announce[0]).Person.Phones, name)
		require.NotContains(t, string(d.Announce[0].Payload), hash, name)
		var contact domain.Contact
		require.NoError(t, json.Unmarshal(d.Enter.Event.Contact, &contact), name)
		require.Equal(t, row.buyer, contact.Phone, name)
	}
	o := newOffice(domain.Announce{})
	deps := o.deps()
	deps.Record = func(domain.AccountID, domain.PersonID) (domain.Person, bool) {
		return domain.Person{ID: "ada", Phones: []string{hash}}, true
	}
	list := identity.NewSuppressions(nil)
	s, err := identity.NewSuppression(domain.GlobalScope, "", "", domain.SuppressPhone, "+14155550199", "", noon)
	require.NoError(t, err)
	list.Take(1, []domain.Suppression{s})
	deps.Check = list.Check
	judge := delivery.NewJudge(key, fence, deps)
	only[delivery.Wake](t, judge.Sighted(noon.Add(time.Second), sighting(1)))
	d := only[delivery.Decide](t, judge.Due(noon.Add(6*time.Second))).Judgement
	require.Empty(t, d.Announce, "the hash is what suppresses")
}

// Where the CRM's own person works is said by its e-mail and its website: a suppressed company's people are not
// announced.
func TestJudge_SuppressesTheCompanyOfACRMsLead(t *testing.T) {
	t.Parallel()
	crm := domain.LeadKey{Account: "acme", Lead: "ghl-1"}
	for name, row := range map[string]struct {
		contact    domain.Contact
		suppressed bool
	}{
		"by its e-mail":               {domain.Contact{Email: "Jo@Mail.Rival.example "}, true},
		"by its website":              {domain.Contact{Email: "jo@mail.example", Website: "https://www.Rival.example:8443/about?x=1"}, true},
		"by a website as people type": {domain.Contact{Website: " www.rival.example/about"}, true},
		"by a bare domain":            {domain.Contact{Website: "rival.example"}, true},
		"somebody else":               {domain.Contact{Email: "jo@arrival.example", Website: "https://other.example/rival.example"}, false},
		"nothing is said":             {domain.Contact{FirstName: "Jo", Email: "@", Website: "://"}, false},
	} {
		o := newOffice(domain.Announce{})
		deps := o.deps()
		s, err := identity.NewSuppression(domain.AccountScope, "acme", "", domain.SuppressCompany, "rival.example", "", noon)
		require.NoError(t, err)
		list := identity.NewSuppressions(nil)
		list.Take(1, []domain.Suppression{s})
		deps.Check = list.Check
		seen := sighting(1)
		seen.Lead, seen.Person, seen.Company = crm.Lead, domain.PersonOfLead(crm.Lead), ""
		judge, now := delivery.NewJudge(crm, fence, deps), noon.Add(time.Second)
		only[delivery.LoadContact](t, judge.Sighted(now, seen))
		steps := judge.Contact(now, &row.contact, nil)
		if row.suppressed {
			only[delivery.Wake](t, steps)
			steps = judge.Due(noon.Add(6 * time.Second))
		}
		require.Equal(t, row.suppressed, len(only[delivery.Decide](t, steps).Judgement.Announce) == 0, name)
	}
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

// A page that must not be delivered is left out of a visit that may be.
func TestJudge_HidesSuppressedPages(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{})
	o.suppressed = func(s identity.Subject) bool { return len(s.Paths) == 1 && s.Paths[0] == "/health" }
	s := sighting(1)
	s.Visit.Pages = append([]domain.PageSeen{{URL: "https://shop.example/health", Path: "/health", At: noon}}, s.Visit.Pages...)
	d := only[delivery.Decide](t, newCrew(t, o).Sighted(noon.Add(time.Second), s)).Judgement
	require.Len(t, d.Announce, 1)
	require.NotContains(t, string(d.Announce[0].Payload), "health")
	require.Len(t, read(t, d.Announce[0]).Visit.Pages, 1)
}

// A catalog may be applied between a rule and what follows from it.
func TestJudge_SurvivesAPixelThatGoes(t *testing.T) {
	t.Parallel()
	o := newOffice(domain.Announce{Segments: []domain.Filter{{Field: "company.name", Op: domain.Exists}}})
	deps := o.deps()
	company := deps.Company
	deps.Company = func(d string) (domain.Company, bool) { // asked in the midst of a judgement
		delete(o.pixels, "shop")
		return company(d)
	}
	j := delivery.NewJudge(key, fence, deps)
	require.NotPanics(t, func() { j.Sighted(noon.Add(time.Second), sighting(1)); j.Due(noon.Add(time.Hour)) })
}
