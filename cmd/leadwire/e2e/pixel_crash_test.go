package e2e_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// pixelRounds of kill -9 on each store.
const pixelRounds = 20

// A process under a load of page views and repeats is killed at random moments, again and again. Afterwards
// every acked view has exactly one row, everybody the graph knows was announced for the first time exactly
// once, under one id which the acquaintance remembers, nothing is left to be judged, and each entered the
// campaign once.
func TestPixel_Kill9MeetsEverybodyOnce(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	eachBackend(t, func(t *testing.T, b backend) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		s := newSite(t)
		apply(t, b.storage, s.catalog(buildGraph(t), buyers))
		for range pixelRounds {
			p := serve(t, b.storage, hasty)
			stop := make(chan struct{})
			loading := s.run(p, stop)
			before := s.ackedHits()
			require.Eventually(t, func() bool { return s.ackedHits() >= before+atLeast }, patience, patienceStep, "%s", p.log)
			<-time.After(time.Duration(rng.IntN(400)) * time.Millisecond) // the moment is what the round is about
			p.kill()
			close(stop)
			loading.Wait()
		}
		p := serve(t, b.storage, hasty)
		for end := time.Now().Add(patience); s.unacked() > 0; s.send(p, s.draw()) {
			require.True(t, time.Now().Before(end), "%d views are not acked\n%s", s.unacked(), p.log)
		}
		p.stop()
		settleSightings(t, b)
		t.Logf("%d views acked over %d kills; answers: %v", s.ackedHits(), pixelRounds, s.statuses)
		for status := range s.statuses {
			require.Contains(t, []int{http.StatusNoContent, http.StatusTooManyRequests}, status)
		}
		inspectPixel(t, b, s)
	})
}

// settleSightings lets a node run until nothing is left to be judged or to be decided.
func settleSightings(t *testing.T, b backend) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		p := serve(t, b.storage, hasty)
		p.stop() // a graceful stop judges what waits
		store := b.open(t)
		owed, err := store.Owed(t.Context(), allPartitions(), time.Now().Add(time.Hour), 0, 10)
		require.NoError(t, err)
		backlog, err := store.Backlog(t.Context())
		require.NoError(t, err)
		require.NoError(t, store.Close())
		if len(owed) == 0 && backlog.Undecided == 0 {
			return
		}
		require.True(t, time.Now().Before(end), "%d sightings are not judged, %d events not decided\n%s", len(owed), backlog.Undecided, p.log)
	}
}

func allPartitions() []domain.Partition {
	all := make([]domain.Partition, domain.Partitions)
	for i := range all {
		all[i] = domain.Partition(i)
	}
	return all
}

func inspectPixel(t *testing.T, b backend, s *site) {
	t.Helper()
	rows := b.received(t)
	for id := range s.acked {
		require.Equal(t, 1, rows[id], "rows of %s", id)
	}
	store := b.open(t)
	first, ids, sightings := map[domain.LeadID]domain.EventID{}, map[domain.EventID]bool{}, map[domain.LeadID]int{}
	for _, a := range announcements(t, store) {
		require.False(t, ids[a.ID], "%s was announced twice", a.ID)
		ids[a.ID] = true
		if a.Type == domain.VisitorIdentifiedEvent || a.Type == domain.VisitorUpdatedEvent {
			var said struct {
				Sightings int `json:"sightings"`
			}
			require.NoError(t, json.Unmarshal(a.Payload, &said))
			sightings[a.Lead] += said.Sightings
		}
		if a.Type != domain.VisitorIdentifiedEvent {
			continue
		}
		require.NotContains(t, first, a.Lead, "was announced for the first time twice")
		first[a.Lead] = a.ID
	}
	visited := s.visited()
	require.NotEmpty(t, visited)
	for lead := range visited {
		require.Contains(t, first, lead, "visited and was never announced")
		met, err := store.Acquaintance(t.Context(), domain.LeadKey{Account: "acme", Lead: lead})
		require.NoError(t, err)
		require.Equal(t, first[lead], met.FirstID, "the first match of %s has one id", lead)
	}
	require.Len(t, first, len(visited), "nobody was announced who did not visit")
	require.Equal(t, s.viewed(), sightings, "each view of somebody known is in one announcement: the first match or an update")
	owners := map[domain.LeadID]bool{}
	for _, buyer := range buyers {
		for _, e := range wholeFeed(t, store, domain.BuyerKey{Account: "acme", Buyer: domain.BuyerID(buyer)}) {
			if e.Type == domain.LeadAssigned {
				require.NotContains(t, owners, e.Lead, "is assigned a second time")
				owners[e.Lead] = true
			}
		}
	}
	require.Equal(t, visited, owners, "everybody identified has entered the campaign, once")
}

func announcements(t *testing.T, store domain.Store) []domain.Announcement {
	t.Helper()
	var out []domain.Announcement
	for after := int64(0); ; {
		page, err := store.Announcements(t.Context(), "acme", after, 1000)
		require.NoError(t, err)
		for _, a := range page {
			require.Greater(t, a.Seq, after, "announcements are numbered upwards")
			after = a.Seq
		}
		out = append(out, page...)
		if len(page) < 1000 {
			return out
		}
	}
}
