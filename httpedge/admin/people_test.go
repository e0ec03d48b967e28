package admin_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// visit keeps an identify hit of somebody as a visitor's lane does.
func (w *world) visit(fence domain.Fence, visitor, email string, person domain.PersonID) {
	w.t.Helper()
	hems := identity.HEMs(email)
	basis, err := w.store.SuppressionRevision(w.t.Context())
	require.NoError(w.t, err)
	var learn []domain.Link
	for _, k := range identity.KeysOf(domain.VisitorID(visitor), hems, "", nil) {
		learn = append(learn, domain.Link{Account: "acme", Key: k, Person: person, From: "identify", At: noon})
	}
	got, err := w.store.Observe(w.t.Context(), domain.Observation{
		Fence: fence, Basis: basis, Learn: learn,
		Hits: []domain.Hit{{
			Account: "acme", Pixel: "shop", Visitor: domain.VisitorID(visitor), ID: domain.EventID("hit-" + visitor), Type: domain.Identify,
			HEMs: hems, Body: []byte(`{}`), OccurredAt: noon, ReceivedAt: noon,
		}},
		Visit: domain.Visit{
			Account: "acme", Visitor: domain.VisitorID(visitor), Pixel: "shop", Session: "s", Number: 1, StartedAt: noon, LastAt: noon,
			HEMs: hems, Person: person, Match: domain.Match{Level: domain.PersonMatch},
		},
	})
	require.NoError(w.t, err)
	require.Equal(w.t, domain.Done, got.Outcome)
}

// lead brings a CRM's lead into being, waiting for a buyer.
func (w *world) lead(fence domain.Fence, id, email, phone string, announce ...domain.Announcement) {
	w.t.Helper()
	contact := domain.Contact{Email: email, Phone: phone}.JSON()
	got, err := w.store.Receive(w.t.Context(), fence, domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID("e-" + id), Lead: domain.LeadID(id), Campaign: "solar", Type: "contact", Effect: domain.Open,
		Contact: contact, Body: []byte(`{}`), ReceivedAt: noon, OccurredAt: noon,
	})
	require.NoError(w.t, err)
	held, err := w.store.Decide(w.t.Context(), domain.Decision{
		Fence: fence, EventSeq: got.Seq, Verb: domain.Hold, Lead: domain.LeadKey{Account: "acme", Lead: domain.LeadID(id)}, Source: "ghl",
		EventID: domain.EventID("e-" + id), Campaign: "solar", Contact: contact, ReceivedAt: noon, At: noon, Announce: announce,
	})
	require.NoError(w.t, err)
	require.Equal(w.t, domain.Done, held.Outcome)
}

func (w *world) fence() domain.Fence {
	w.t.Helper()
	fences, err := w.store.Claim(w.t.Context(), "n1", []domain.Partition{1})
	require.NoError(w.t, err)
	return fences[0]
}

// An erasure goes from one key to everything that belongs to the person, and leaves everybody else alone.
func TestPeople_Erase(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		fence := w.fence()
		const ada, bob = "1d6b7f66-6a3f-4d0a-8f6e-3a5f5b0a0001", "1d6b7f66-6a3f-4d0a-8f6e-3a5f5b0a0002"
		w.visit(fence, ada, "ada@example.com", "ada")
		w.visit(fence, bob, "bob@example.com", "bob")
		w.lead(fence, "ghl-ada", "Ada@Example.com", "+14155550100")
		w.lead(fence, "ghl-colleague", "cy@example.com", "+14155550100")

		sum := sha256.Sum256([]byte("ada@example.com"))
		key := hex.EncodeToString(sum[:])
		var found domain.Belongings
		w.call(w.acme, "GET", "/api/v1/people/"+key, nil).into(&found)
		require.Equal(t, []domain.PersonID{"ada", "lead-ghl-ada"}, found.Persons)
		require.Equal(t, []domain.VisitorID{ada}, found.Visitors)
		require.Equal(t, []domain.LeadID{"ghl-ada"}, found.Leads, "a colleague with the same phone is somebody else")
		require.Empty(t, found.Suppressed)
		require.Empty(t, w.list(w.acme, "").Suppressions, "looking changes nothing")

		var erased struct{ Removed map[string]int64 }
		w.call(w.acme, "DELETE", "/api/v1/people/ada@example.com", nil).into(&erased)
		require.NotEmpty(t, erased.Removed)
		_, err := w.store.Visit(t.Context(), domain.VisitorKey{Account: "acme", Visitor: ada})
		require.Equal(t, domain.NotFound, domain.CodeOf(err))
		_, err = w.store.Visit(t.Context(), domain.VisitorKey{Account: "acme", Visitor: bob})
		require.NoError(t, err)
		lead, err := w.store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: "ghl-ada"})
		if err == nil {
			require.JSONEq(t, domain.ErasedContact, string(lead.Contact))
		}
		lead, err = w.store.Lead(t.Context(), domain.LeadKey{Account: "acme", Lead: "ghl-colleague"})
		require.NoError(t, err)
		require.Contains(t, string(lead.Contact), "cy@example.com")

		kinds := map[string]bool{}
		for _, s := range w.list(w.acme, "limit=1000").Suppressions {
			kinds[s.Kind] = true
			require.Equal(t, "erased", s.Reason)
		}
		require.Equal(t, map[string]bool{"email": true, "person": true}, kinds, "the phone is a colleague's, too")
		entry := w.audit()[0]
		require.Equal(t, "erase", entry.Action)
		require.Equal(t, "sha256:"+key, entry.Subject)
		require.NotContains(t, fmt.Sprint(w.audit()), "@")

		before := len(w.list(w.acme, "limit=1000").Suppressions)
		require.Equal(t, 200, w.call(w.acme, "DELETE", "/api/v1/people/ada@example.com", nil).status, "repeating it is fine")
		require.Len(t, w.list(w.acme, "limit=1000").Suppressions, before)
	})
}

// Whoever asked by a phone is found by it, and suppressed by it.
func TestPeople_EraseByPhone(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.lead(w.fence(), "ghl-ada", "ada@example.com", "+14155550100")
		var found domain.Belongings
		w.call(w.acme, "GET", "/api/v1/people/%2B1%20415%20555%200100", nil).into(&found)
		require.Equal(t, []domain.LeadID{"ghl-ada"}, found.Leads)
		require.Equal(t, 200, w.call(w.acme, "DELETE", "/api/v1/people/%2B14155550100", nil).status)
		require.Len(t, w.list(w.acme, "kind=phone").Suppressions, 1)
		require.NotEmpty(t, w.list(w.acme, "kind=email").Suppressions)
		require.Regexp(t, "^phone:[0-9a-f]{64}$", w.audit()[0].Subject)
	})
}

// Whom nobody knows is suppressed all the same; what names nobody is refused.
func TestPeople_Nobody(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		require.Equal(t, 200, w.call(w.acme, "DELETE", "/api/v1/people/new@example.com", nil).status)
		require.NotEmpty(t, w.list(w.acme, "kind=email").Suppressions)
		w.call(w.acme, "DELETE", "/api/v1/people/not%20an%20id", nil).refused(400, "key", "must be an e-mail")
	})
}

// Announcements are read in order, from a place on, in the account's own shape.
func TestAnnouncements(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		fence := w.fence()
		for i := range 3 {
			id := fmt.Sprint("a", i)
			w.lead(fence, "ghl-"+id, "", "", domain.Announcement{
				ID: domain.EventID(id), Account: "acme", Type: domain.LeadReceivedEvent, Lead: domain.LeadID("ghl-" + id), At: noon,
				Payload: []byte(fmt.Sprintf(`{"event":{"id":%q}}`, id)),
			})
		}
		type page struct {
			Announcements []struct {
				ID      string
				Payload map[string]any
			}
			After int64
		}
		var first, second, last page
		w.call(w.acme, "GET", "/api/v1/announcements?limit=2", nil).into(&first)
		require.Len(t, first.Announcements, 2)
		w.call(w.acme, "GET", fmt.Sprint("/api/v1/announcements?shape=own&after=", first.After), nil).into(&second)
		require.Len(t, second.Announcements, 1)
		require.Equal(t, map[string]any{"Who": "a2"}, second.Announcements[0].Payload)
		w.call(w.acme, "GET", fmt.Sprint("/api/v1/announcements?after=", second.After), nil).into(&last)
		require.Empty(t, last.Announcements)
		require.Equal(t, second.After, last.After)
		var others page
		w.call(w.all, "GET", "/api/v1/announcements?account=rival", nil).into(&others)
		require.Empty(t, others.Announcements)
		w.call(w.acme, "GET", "/api/v1/announcements?shape=zapier", nil).refused(400, "shape", "neither")
	})
}
