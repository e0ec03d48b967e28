package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func catalog(t *testing.T, h Harness) {
	t.Run("AnEmptyStoreHasAnEmptyOne", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		c, err := s.Catalog(t.Context())
		require.NoError(t, err)
		require.Equal(t, domain.Catalog{}, c)
		revision, err := s.CatalogRevision(t.Context())
		require.NoError(t, err)
		require.Zero(t, revision)
	})

	// What the operator wrote comes back as written, in the operator's order: turns depend on it.
	t.Run("ComesBackAsWritten", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		want := configured()
		revision, err := in.Store.ApplyCatalog(t.Context(), want)
		require.NoError(t, err)
		require.EqualValues(t, 1, revision)
		want.Revision = revision
		got, err := in.Store.Catalog(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)

		want.Accounts = want.Accounts[1:] // something removed, something changed
		want.Accounts[0].Buyers[0].Paused = true
		want.Sources = append(want.Sources, domain.Source{ID: "a-first", Kind: "ghl"})
		want.Revision, err = in.Store.ApplyCatalog(t.Context(), want)
		require.NoError(t, err)
		got, err = in.Reopen(t).Store.Catalog(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})

	// Two operators edit at once: the second learns that it has not seen what the first did.
	t.Run("OnlyTheNewestIsReplaced", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var won, lost atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch _, err := s.ApplyCatalog(t.Context(), configured()); domain.CodeOf(err) {
				case "":
					won.Add(1)
				case domain.Conflict:
					lost.Add(1)
				default:
					t.Errorf("apply: %v", err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		require.EqualValues(t, 7, lost.Load())
		c := configured()
		c.Revision = 99
		_, err := s.ApplyCatalog(t.Context(), c)
		require.Equal(t, domain.Conflict, domain.CodeOf(err))
		revision, err := s.CatalogRevision(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, revision)
	})

	noted(t, h)
}

// noted proves that a change of the catalog and the line that says who made it are one.
func noted(t *testing.T, h Harness) {
	t.Run("WithWhoChangedIt", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		_, err := s.ApplyCatalog(t.Context(), configured(), audit("pixel.put"), audit("graph.use"))
		require.NoError(t, err)
		_, err = s.ApplyCatalog(t.Context(), configured(), audit("pixel.put"))
		require.Equal(t, domain.Conflict, domain.CodeOf(err))
		all := entries(t, s, "")
		require.Len(t, all, 2, "who was refused has changed nothing")
		require.Equal(t, "graph.use", all[0].Action)
		require.Equal(t, "pixel.put", all[1].Action)
	})

	// The disk or the connection fails at any step, and the process with it.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			p.set(step, 1)
			_, _ = in.Store.ApplyCatalog(t.Context(), configured(), audit("pixel.put"))
			p.set("", 0)
			s := in.Crash(t).Store
			revision, err := s.CatalogRevision(t.Context())
			require.NoError(t, err)
			require.Len(t, entries(t, s, ""), int(revision))
		})
	}
}

func configured() domain.Catalog {
	until := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	return domain.Catalog{
		Sources: []domain.Source{{ID: "ghl", Kind: "ghl", PublicKeys: []string{"b", "a"}, MaxBody: 4096}},
		Accounts: []domain.Account{
			{ID: "zeta", Name: "First though it sorts last"},
			{
				ID: "acme", Name: "Acme «solar»",
				Locations: []domain.Location{{ID: "loc-2", Source: "ghl", Campaign: "solar"}, {ID: "loc-1", Source: "ghl", Campaign: "roof"}},
				Campaigns: []domain.Campaign{
					{ID: "solar", Name: "Solar", Method: "round_robin", Buyers: []domain.BuyerID{"cyd", "bea"}},
					{ID: "roof", Method: "round_robin", Buyers: []domain.BuyerID{"bea"}},
				},
				Buyers: []domain.Buyer{
					{ID: "cyd", Name: "Cyd", DailyCap: 10, Timezone: "America/New_York", Tokens: []domain.Token{{ID: "t-1", ExpiresAt: until}}},
					{ID: "bea", Paused: true},
				},
				Pixels: []domain.Pixel{{
					ID: "shop", Origins: []string{"https://shop.example"}, Consent: domain.ConsentRequired, SessionIdle: 20 * time.Minute,
					Campaign: "solar", Announce: domain.Announce{
						Companies: true, Pages: []string{"/pricing*"}, Frequency: domain.Frequency{Max: 3, Per: time.Hour},
						Segments: []domain.Filter{{Field: "company.employee_count", Op: domain.Range, Min: new(10.0)}},
					},
				}},
				Suppress: []domain.CatalogSuppression{{Company: "rival.example", Pixel: "shop", Reason: "asked"}},
				Shapes:   []domain.Shape{{ID: "flat", Fields: map[string]string{"email": "person.business_email"}, Omit: []string{"person.phones"}}},
				Announce: []domain.AnnouncementType{domain.LeadAssignedEvent},
			},
		},
		Graph:    "/var/lib/leadwire/people.graph",
		Suppress: []domain.CatalogSuppression{{Region: "DE"}, {Email: "ada@example.com"}},
	}
}
