package delivery_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

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
