package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// The cast of a pixel's stories: one shop, and who comes by.
const (
	pixel  = domain.PixelID("shop")
	visit1 = domain.VisitorID("0190a0a0-0000-7000-8000-000000000001")
	visit2 = domain.VisitorID("0190a0a0-0000-7000-8000-000000000002")
	ada    = domain.PersonID("p-ada")
	bob    = domain.PersonID("p-bob")
)

// adaKey and bobKey are e-mails' digests, in the form package identity makes.
var (
	adaKey = domain.Key{Kind: domain.KeySHA256, Value: "ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0ada0"}
	bobKey = domain.Key{Kind: domain.KeySHA256, Value: "b0bb0bb0b0bb0bb0b0bb0bb0b0bb0bb0b0bb0bb0b0bb0bb0b0bb0bb0b0bb0bb0"}
)

// hit is a page view of a visitor.
func hit(id string, v domain.VisitorID) domain.Hit {
	return domain.Hit{
		Account: account, Pixel: pixel, Visitor: v, ID: domain.EventID(id), Type: domain.PageView, View: "view-" + id,
		Page: domain.Page{URL: "https://shop.example/pricing", Path: "/pricing", Title: "Pricing «2026»"},
		Body: []byte(`{"id":"` + id + `"}`), OccurredAt: noon.Add(-time.Second), ReceivedAt: noon,
	}
}

// visitAfter is the visit of h's visitor with h as its only view.
func visitAfter(h domain.Hit) domain.Visit {
	return domain.Visit{
		Account: h.Account, Visitor: h.Visitor, Pixel: h.Pixel, Session: "session-1", Number: 1,
		StartedAt: h.ReceivedAt, LastAt: h.ReceivedAt, Views: 1,
		Pages: []domain.PageSeen{{View: h.View, URL: h.Page.URL, Path: h.Page.Path, Title: h.Page.Title, At: h.ReceivedAt}},
		UTM:   domain.UTM{Source: "newsletter"}, Clicks: []domain.Click{{Kind: "gclid", Value: "click-1"}},
	}
}

// observation is a visitor's first hit, matched under the suppressions of now.
func observation(t *testing.T, s domain.Store, f domain.Fence, h domain.Hit) domain.Observation {
	t.Helper()
	return domain.Observation{Fence: f, Hits: []domain.Hit{h}, Visit: visitAfter(h), Basis: basis(t, s)}
}

// meeting is an observation that resolves the visitor to person, and owes the sighting to the person's lead.
func meeting(t *testing.T, s domain.Store, f domain.Fence, h domain.Hit, person domain.PersonID) domain.Observation {
	t.Helper()
	o := observation(t, s, f, h)
	o.Visit.Person = person
	o.Visit.Match = domain.Match{Level: domain.PersonMatch, By: domain.KeySHA256, From: "identify"}
	o.Owed = []domain.Sighting{sighting(h, person, o.Visit.Match)}
	return o
}

// sighting is what h owes to the lead of person.
func sighting(h domain.Hit, person domain.PersonID, m domain.Match) domain.Sighting {
	return domain.Sighting{
		Partition: 7, Account: h.Account, Lead: domain.LeadOfPerson(person), Pixel: h.Pixel, Person: person, Match: m,
		EventID: h.ID, Type: h.Type, Page: h.Page, OccurredAt: h.OccurredAt, ReceivedAt: h.ReceivedAt,
		MatchedAt: h.ReceivedAt.Add(time.Millisecond), DueAt: h.ReceivedAt,
	}
}

// burst is one step with several hits of a visitor, each of which owes a sighting to the lead of person.
func burst(t *testing.T, s domain.Store, f domain.Fence, v domain.VisitorID, person domain.PersonID, ids ...string) domain.Observation {
	t.Helper()
	o := meeting(t, s, f, hit(ids[0], v), person)
	o.Learn = []domain.Link{link(adaKey, person)}
	for _, id := range ids[1:] {
		h := hit(id, v)
		o.Hits = append(o.Hits, h)
		o.Owed = append(o.Owed, sighting(h, person, o.Visit.Match))
	}
	return o
}

// stored is what o owed, as the store has it by now.
func stored(o domain.Observation, got domain.Observed) (all []domain.Sighting) {
	for i, sighting := range o.Owed {
		sighting.N, sighting.Visit, sighting.EventSeq = got.Owed[i], got.Visit, got.Visit.EventSeq
		if hit := o.HitOf(sighting.EventID); hit >= 0 {
			sighting.EventSeq = got.Seqs[hit]
		}
		sighting.Visit.EventSeq = sighting.EventSeq // its own: nobody asks a sighting for more
		all = append(all, sighting)
	}
	return all
}

// observe carries out o and insists that it is Done.
func observe(t *testing.T, s domain.Store, o domain.Observation) domain.Observed {
	t.Helper()
	got, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

// met is the shortest way to an owed sighting of person, by a visitor nobody has seen before. It returns the
// sighting as the store has it.
func met(t *testing.T, s domain.Store, f domain.Fence, id string, v domain.VisitorID, person domain.PersonID) domain.Sighting {
	t.Helper()
	o := meeting(t, s, f, hit(id, v), person)
	got := observe(t, s, o)
	require.Len(t, got.Owed, 1)
	return stored(o, got)[0]
}

// judgement settles the sightings, which are of one lead that nobody has met before, and announces it.
func judgement(t *testing.T, s domain.Store, f domain.Fence, of ...domain.Sighting) domain.Judgement {
	t.Helper()
	newest := of[len(of)-1]
	j := domain.Judgement{
		Fence: f, Lead: newest.Key(), Basis: basis(t, s),
		After: domain.Acquaintance{
			Account: newest.Account, Lead: newest.Lead, Person: newest.Person, FirstAt: newest.MatchedAt, FirstID: newest.EventID,
			LastAt: newest.MatchedAt, Sightings: int64(len(of)), Announced: 1, Recent: []time.Time{newest.MatchedAt}, EventSeq: newest.EventSeq,
		},
		Announce: []domain.Announcement{announcement("identified-"+string(newest.EventID), newest.Lead)},
	}
	for _, sighting := range of {
		j.Settle = append(j.Settle, sighting.N)
	}
	return j
}

// judge carries out j and insists that it is Done.
func judge(t *testing.T, s domain.Store, j domain.Judgement) domain.Judged {
	t.Helper()
	got, err := s.Judge(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	return got
}

func announcement(id string, lead domain.LeadID) domain.Announcement {
	return domain.Announcement{
		ID: domain.EventID(id), Account: account, Type: domain.VisitorIdentifiedEvent, Lead: lead, Pixel: pixel,
		Payload: json.RawMessage(`{"id":"` + id + `","first_name":"Ada «Countess»"}`), At: noon,
	}
}

// basis is the revision of suppressions in force.
func basis(t *testing.T, s domain.Store) int64 {
	t.Helper()
	revision, err := s.SuppressionRevision(t.Context())
	require.NoError(t, err)
	return revision
}

// suppression keeps a person from being identified in every account.
func suppression(id string, person domain.PersonID) domain.Suppression {
	return domain.Suppression{
		ID: id, Scope: domain.GlobalScope, Kind: domain.SuppressPerson, Value: string(person),
		HEMs:   []domain.HEM{{Variant: "lower", SHA256: "0" + adaKey.Value[1:]}},
		Reason: "asked to", CreatedAt: noon,
	}
}

func audit(action string) domain.AuditEntry {
	return domain.AuditEntry{At: noon, Actor: "command line", Action: action, Account: account, Subject: "person p-ada", Detail: "by letter"}
}

// suppress adds suppressions and returns the revision they are in force from.
func suppress(t *testing.T, s domain.Store, add ...domain.Suppression) int64 {
	t.Helper()
	revision, err := s.Suppress(t.Context(), add, nil, audit("suppress"))
	require.NoError(t, err)
	return revision
}

// owed reads every sighting of partition 7, however late.
func owed(t *testing.T, s domain.Store) []domain.Sighting {
	t.Helper()
	got, err := s.Owed(t.Context(), []domain.Partition{7}, noon.Add(1000*day), 0, 10_000)
	require.NoError(t, err)
	return got
}

// announced reads all announcements of the account.
func announced(t *testing.T, s domain.Store) []domain.Announcement {
	t.Helper()
	got, err := s.Announcements(t.Context(), account, 0, 10_000)
	require.NoError(t, err)
	return got
}

func links(t *testing.T, s domain.Store) []domain.Link {
	t.Helper()
	got, err := s.Links(t.Context(), 0, 10_000)
	require.NoError(t, err)
	return got
}

func link(key domain.Key, person domain.PersonID) domain.Link {
	return domain.Link{Account: account, Key: key, Person: person, From: "identify", At: noon}
}

// requireVisit insists that the visitor's row is want, revision and all.
func requireVisit(t *testing.T, s domain.Store, want domain.Visit) {
	t.Helper()
	got, err := s.Visit(t.Context(), want.Key())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func requireNoVisit(t *testing.T, s domain.Store, v domain.VisitorID) {
	t.Helper()
	_, err := s.Visit(t.Context(), domain.VisitorKey{Account: account, Visitor: v})
	require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
}

// requireAnnouncements compares payloads as JSON and times as instants: a store may write both in another way.
func requireAnnouncements(t *testing.T, want, got []domain.Announcement) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		w, g := want[i], got[i]
		require.JSONEq(t, string(w.Payload), string(g.Payload))
		require.True(t, w.At.Equal(g.At), "At %v, got %v", w.At, g.At)
		w.Payload, g.Payload, w.At, g.At = nil, nil, time.Time{}, time.Time{}
		w.Owed, w.Deliveries = nil, nil // not in lists
		require.Equal(t, w, g)
	}
}
