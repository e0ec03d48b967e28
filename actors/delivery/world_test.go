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
