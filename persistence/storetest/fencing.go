package storetest

import (
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func fencing(t *testing.T, h Harness) {
	// Fences come in the order asked for, and every claim raises the epoch, the owner's own included: a
	// node that claims twice has lost what it was doing in between.
	t.Run("EveryClaimRaisesTheEpoch", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		first, err := s.Claim(t.Context(), "node-1", []domain.Partition{200, 3, 77})
		require.NoError(t, err)
		require.Equal(t, []domain.Partition{200, 3, 77}, partitionsOf(first))
		again, err := s.Claim(t.Context(), "node-1", []domain.Partition{3, 200})
		require.NoError(t, err)
		require.Equal(t, []domain.Partition{3, 200}, partitionsOf(again))
		require.Greater(t, again[0].Epoch, first[1].Epoch)
		require.Greater(t, again[1].Epoch, first[0].Epoch)
	})

	// The store decides who owns what; a node asks it for what it still holds.
	t.Run("HoldingsAreWhoClaimedLast", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		mine, err := s.Claim(t.Context(), "node-1", []domain.Partition{9, 1, 5})
		require.NoError(t, err)
		theirs, err := s.Claim(t.Context(), "node-2", []domain.Partition{5})
		require.NoError(t, err)
		require.Equal(t, []domain.Holding{{Fence: mine[1], Node: "node-1"}, {Fence: theirs[0], Node: "node-2"}, {Fence: mine[0], Node: "node-1"}},
			holdings(t, s), "by partition")
	})

	// Two nodes both believe: the stale one writes nothing, by either road.
	t.Run("AnOlderEpochIsRefused", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		p := receive(t, s, old, event("e-1", "ghl-ada"))
		now := claim(t, s)
		_, err := s.Receive(t.Context(), old, event("e-2", "ghl-bob"))
		require.ErrorIs(t, err, domain.ErrFenced)
		_, err = s.Decide(t.Context(), assign(old, p, "bea"))
		require.ErrorIs(t, err, domain.ErrFenced)
		require.Empty(t, feed(t, s, "bea"))
		receive(t, s, now, event("e-2", "ghl-bob")) // was not written by the stale one
		decide(t, s, assign(now, p, "bea"))
	})

	// Even a repeat is refused: the stale owner has to learn that it is stale.
	t.Run("TheFenceComesFirst", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		old := claim(t, s)
		p := receive(t, s, old, event("e-1", "ghl-ada"))
		decide(t, s, assign(old, p, "bea"))
		claim(t, s)
		_, err := s.Receive(t.Context(), old, event("e-1", "ghl-ada"))
		require.ErrorIs(t, err, domain.ErrFenced)
		_, err = s.Decide(t.Context(), assign(old, p, "bea"))
		require.ErrorIs(t, err, domain.ErrFenced)
	})

	// A partition that nobody claimed belongs to nobody, and an epoch from the future to nobody yet.
	t.Run("OnlyTheNewestEpochCommits", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		for _, wrong := range []domain.Fence{{Partition: 8}, {Partition: 8, Epoch: 1}, {Partition: 7}, {Partition: 7, Epoch: f.Epoch + 1}} {
			_, err := s.Receive(t.Context(), wrong, event("e-1", "ghl-ada"))
			require.ErrorIs(t, err, domain.ErrFenced, "%+v", wrong)
		}
	})

	// Stale and rightful operations share one batch: the stale are refused, the others stand.
	t.Run("NeighboursInTheBatchAreUnharmed", func(t *testing.T) {
		t.Parallel()
		var p trap
		s := h.Open(t, Options{Fail: p.fail}).Store
		old := claim(t, s)
		now, err := s.Claim(t.Context(), node, []domain.Partition{7, 8})
		require.NoError(t, err)
		held, release := p.holdAt(h.Steps[0])
		defer release()
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _ = s.Ping(t.Context()) })
		<-held // what comes now gathers into one batch
		errs := make([]error, 30)
		for i, id := range names("e", len(errs)) {
			fence := []domain.Fence{old, now[0], now[1]}[i%3]
			wg.Go(func() { _, errs[i] = s.Receive(t.Context(), fence, event(id, domain.LeadID("ghl-"+id))) })
		}
		release()
		wg.Wait()
		for i, err := range errs {
			if i%3 == 0 {
				require.ErrorIs(t, err, domain.ErrFenced)
			} else {
				require.NoError(t, err)
			}
		}
		require.Len(t, undecided(t, s, false), 10)
	})

	// Claims and commits race: what was committed was committed under an epoch that was the newest.
	t.Run("ClaimsRaceWithCommits", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var wg sync.WaitGroup
		kept := make([]int, 8)
		for i := range kept {
			wg.Go(func() {
				for _, id := range names(string(rune('a'+i)), 10) {
					fences, err := s.Claim(t.Context(), domain.NodeID("node-"+id), []domain.Partition{7})
					if err != nil {
						t.Errorf("claim: %v", err)
						return
					}
					switch _, err := s.Receive(t.Context(), fences[0], event(id, domain.LeadID("ghl-"+id))); {
					case err == nil:
						kept[i]++
					case domain.CodeOf(err) != domain.Fenced:
						t.Errorf("receive: %v", err)
					}
				}
			})
		}
		wg.Wait()
		total := 0
		for _, n := range kept {
			total += n
		}
		require.Len(t, undecided(t, s, false), total)
		require.Positive(t, total, "the last claim's commit at least")
	})
}

func partitionsOf(fences []domain.Fence) (all []domain.Partition) {
	for _, f := range fences {
		all = append(all, f.Partition)
	}
	return all
}
