package visit_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/visit"
)

var (
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key   = domain.VisitorKey{Account: "acme", Visitor: "v-1"}
	fence = domain.Fence{Partition: 7, Epoch: 3}
	down  = domain.Fail("observe hit", domain.Unavailable, errors.New("the test says so"))
)

// world is what a lane looks things up in, as a few maps: e-mails by their digest, and what is suppressed as
// this node knows it.
type world struct {
	pixel    domain.Pixel
	people   map[string]domain.PersonID // by the MD5 of a HEM
	slow     map[string]domain.PersonID // what a tier knows of them
	told     map[string]bool            // what the tier has told
	cookie   domain.PersonID            // whom the graph has for the visitor
	network  string                     // company of every address
	persons  map[domain.PersonID]bool   // suppressed
	company  string                     // suppressed
	path     string                     // suppressed
	basis    int64
	hasSlow  bool
	alone    bool // who is known nowhere is known by its hash
	evidence []identity.Evidence
}

func newWorld() *world {
	return &world{
		pixel: domain.Pixel{ID: "shop"}, people: map[string]domain.PersonID{"ada@": "ada", "bob@": "bob"},
		slow: map[string]domain.PersonID{}, told: map[string]bool{}, persons: map[domain.PersonID]bool{},
	}
}

func (w *world) deps() visit.Deps {
	return visit.Deps{
		Pixel: func(id domain.PixelID) *domain.DirectoryPixel {
			if id != w.pixel.ID {
				return nil
			}
			return &domain.DirectoryPixel{Account: "acme", Pixel: w.pixel}
		},
		Match: w.match, Check: w.check, Basis: func() int64 { return w.basis },
		Actor:   func(domain.LeadKey) domain.Partition { return 42 },
		HasSlow: w.hasSlow,
	}
}

func (w *world) match(e identity.Evidence) identity.Resolution {
	w.evidence = append(w.evidence, e)
	person, match := e.Known, e.KnownMatch
	var r identity.Resolution
	for _, h := range e.HEMs {
		switch p, ok := w.people[h.MD5]; {
		case ok && (e.Identified || person == "" || identity.GaveWay(person, p)):
			person, match = p, domain.Match{Level: domain.PersonMatch, By: domain.KeyMD5, From: "identify"}
			if e.Identified {
				r.Learn = []domain.Link{{Account: e.Account, Key: domain.Key{Kind: domain.KeyVisitor, Value: string(e.Visitor)}, Person: p, From: "identify", At: e.At}}
			}
		case w.told[h.MD5] && person == "" && w.slow[h.MD5] != "":
			person, match = w.slow[h.MD5], domain.Match{Level: domain.PersonMatch, By: domain.KeyMD5, From: "tier"}
		case !ok && !e.Asked && !w.told[h.MD5]:
			r.Ask = append(r.Ask, domain.Key{Kind: domain.KeyMD5, Value: h.MD5})
		}
	}
	if person == "" && w.alone && e.Identified && e.Asked {
		person, match = domain.PersonID("hem-"+e.HEMs[0].MD5), domain.Match{Level: domain.PersonMatch, By: domain.KeyMD5, From: "identify"}
	}
	if person == "" && w.cookie != "" {
		person, match = w.cookie, domain.Match{Level: domain.PersonMatch, By: domain.KeyVisitor, From: "graph"}
	}
	if person == "" && w.network != "" {
		r.Company, r.Match = w.network, domain.Match{Level: domain.CompanyMatch, By: domain.KeyNetwork, From: "graph"}
		return r
	}
	r.Person, r.Match = person, match
	if person != "" {
		r.Record = &domain.Person{ID: person}
		r.Ask = nil
	}
	return r
}

func (w *world) check(s identity.Subject) (string, bool) {
	switch {
	case s.GPC:
		return "gpc", true
	case w.persons[s.Person]:
		return "account:person", true
	case w.company != "" && slices.Contains(s.Companies, w.company):
		return "account:company", true
	case w.path != "" && slices.Contains(s.Paths, w.path):
		return "account:path", true
	}
	return "", false
}

// lane is a lane with a store that takes everything, for what happens without trouble.
type lane struct {
	t     *testing.T
	w     *world
	core  *visit.Lane
	row   domain.Visit
	seq   int64
	n     int64
	got   []domain.Received // of the newest answer
	told  int               // messages to leads
	now   time.Time
	saw   []domain.Observation
	sight []domain.Sighting
	asked [][]domain.Key
	said  []visit.Resolved
}

func newLane(t *testing.T, w *world) *lane {
	return &lane{t: t, w: w, core: visit.New(key, fence, w.deps()), now: noon}
}

func hit(id string, t domain.HitType) domain.Hit {
	return domain.Hit{Account: "acme", Pixel: "shop", Visitor: "v-1", ID: domain.EventID(id), Type: t, View: "view-" + id, Body: []byte("{}"),
		Page: domain.Page{URL: "https://shop.example/" + id, Path: "/" + id}}
}

func view(id string) domain.Hit { return hit(id, domain.PageView) }

func identify(id, who string) domain.Hit {
	h := hit(id, domain.Identify)
	h.HEMs = []domain.HEM{{Variant: "lower", MD5: who}}
	return h
}

func leave(id, of string, d time.Duration) domain.Hit {
	h := hit(id, domain.PageLeave)
	h.View, h.Duration = "view-"+of, d
	return h
}

// hit hands one over and plays the store; it answers the visit as it stands then.
func (l *lane) hit(h domain.Hit) domain.Visit {
	l.t.Helper()
	return l.hits(h)
}

// hits is hit for those that come together.
func (l *lane) hits(all ...domain.Hit) domain.Visit {
	l.t.Helper()
	for i := range all {
		all[i].ReceivedAt = l.now
	}
	l.run(l.core.Hits(l.now, all, all[0].ID))
	return l.row
}

// one is a hit that comes alone.
func one(h domain.Hit) []domain.Hit { return []domain.Hit{h} }

func (l *lane) run(steps []visit.Step) {
	l.t.Helper()
	for _, s := range steps {
		switch s := s.(type) {
		case visit.Load:
			l.run(l.core.Loaded(l.now, l.row, nil))
		case visit.Observe:
			o := s.Observation
			require.Equal(l.t, l.row.Revision, o.Expect)
			l.saw = append(l.saw, o)
			revision := l.row.Revision
			l.row = o.Visit
			l.row.Revision = revision + 1
			r := domain.Observed{Outcome: domain.Done, Visit: l.row, Basis: o.Basis, Links: o.Learn}
			for range o.Hits {
				l.seq++
				l.row.EventSeq, r.Seqs = l.seq, append(r.Seqs, l.seq)
				r.Visit = l.row
			}
			for range o.Owed {
				l.n++
				r.Owed = append(r.Owed, l.n)
			}
			l.run(l.core.Observed(l.now, o, r, nil))
		case visit.Sight:
			l.sight, l.told = append(l.sight, s.Sightings...), l.told+1
		case visit.Ask:
			l.asked = append(l.asked, s.Keys)
		case visit.Resolved:
			l.said = append(l.said, s)
		case visit.Answer:
			require.NoError(l.t, s.Err)
			l.got = s.Received
		}
	}
}
