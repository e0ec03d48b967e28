package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func leasing(t *testing.T, h Harness) {
	// Nobody may take over from a node that might still act.
	t.Run("ALivingHolderKeepsItsPartitions", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		renew(t, s, lease("node-1", time.Hour))
		renew(t, s, lease("node-2", time.Hour))
		first, err := s.Claim(t.Context(), "node-1", []domain.Partition{7})
		require.NoError(t, err)
		got, err := s.Claim(t.Context(), "node-2", []domain.Partition{8, 7})
		require.NoError(t, err)
		require.Equal(t, domain.Fence{Partition: 7}, got[1], "not granted")
		require.Positive(t, got[0].Epoch, "what nobody holds is")
		receive(t, s, first[0], event("e-1", "ghl-ada"))
		again, err := s.Claim(t.Context(), "node-1", []domain.Partition{7})
		require.NoError(t, err)
		require.Greater(t, again[0].Epoch, first[0].Epoch, "its holder may claim it once more")
	})

	t.Run("ALeaseRunsOut", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		renew(t, s, lease("node-1", 30*time.Millisecond))
		old, err := s.Claim(t.Context(), "node-1", []domain.Partition{7})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			got, err := s.Claim(t.Context(), "node-2", []domain.Partition{7})
			require.NoError(t, err)
			return got[0].Epoch > 0
		}, 20*time.Second, 5*time.Millisecond)
		require.Len(t, renew(t, s, lease("node-2", time.Hour)), 1, "node-1 is not among the living")
		_, err = s.Receive(t.Context(), old[0], event("e-1", "ghl-ada"))
		require.ErrorIs(t, err, domain.ErrFenced)
		renew(t, s, lease("node-1", time.Hour))
		got, err := s.Claim(t.Context(), "node-1", []domain.Partition{7})
		require.NoError(t, err)
		require.Zero(t, got[0].Epoch, "a lease that begins again gives nothing back")
	})

	// Nodes learn of each other where the store is the only thing that both can reach.
	t.Run("RenewTellsOfTheOthers", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		one := domain.NodeLease{Node: "node-1", Address: "10.0.0.1:7000", View: []domain.NodeID{"node-1"}, TTL: time.Hour}
		two := domain.NodeLease{Node: "node-2", Address: "10.0.0.2:7000", View: []domain.NodeID{"node-1", "node-2"}, TTL: time.Hour,
			Load: domain.NodeLoad{Held: 255, Actors: 70_000, Messages: 3}, Withdrawn: true}
		require.Len(t, renew(t, s, two), 1)
		all := renew(t, s, one)
		require.Len(t, all, 2)
		for i, want := range []domain.NodeLease{one, two} {
			require.Greater(t, all[i].TTL, time.Hour-time.Minute)
			require.LessOrEqual(t, all[i].TTL, time.Hour)
			want.TTL = all[i].TTL
			require.Equal(t, want, all[i])
		}
		one.View = append(one.View, "node-2")
		require.Equal(t, one.View, renew(t, s, one)[0].View, "as it was told last")
	})

	t.Run("WhatIsGivenBackIsNobodys", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		renew(t, s, lease("node-1", time.Hour))
		first, err := s.Claim(t.Context(), "node-1", []domain.Partition{7, 8, 9})
		require.NoError(t, err)
		newer, err := s.Claim(t.Context(), "node-1", []domain.Partition{9})
		require.NoError(t, err)
		require.NoError(t, s.GiveBack(t.Context(), "node-2", first[:1]), "not node-2's to give")
		require.NoError(t, s.GiveBack(t.Context(), "node-1", first[1:]))
		require.Equal(t, []domain.Holding{
			{Fence: first[0], Node: "node-1"}, {Fence: first[1]}, {Fence: newer[0], Node: "node-1"},
		}, holdings(t, s), "8 alone: 9 was claimed again since")
		got, err := s.Claim(t.Context(), "node-2", []domain.Partition{7, 8, 9})
		require.NoError(t, err)
		require.Equal(t, []domain.Fence{{Partition: 7}, {Partition: 8, Epoch: first[1].Epoch + 1}, {Partition: 9}}, got)
	})

	t.Run("ResignFreesWhatIsHeld", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		renew(t, s, lease("node-1", time.Hour))
		_, err := s.Claim(t.Context(), "node-1", []domain.Partition{7})
		require.NoError(t, err)
		require.NoError(t, s.Resign(t.Context(), "node-1"))
		require.Len(t, renew(t, s, lease("node-2", time.Hour)), 1)
		got, err := s.Claim(t.Context(), "node-2", []domain.Partition{7})
		require.NoError(t, err)
		require.Positive(t, got[0].Epoch)
	})

	// However many claim at once: one of those that live gets it, and keeps it.
	t.Run("OneOfManyGetsIt", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		ids := names("node", 8)
		granted := make([]int, len(ids))
		var wg sync.WaitGroup
		for i, id := range ids {
			renew(t, s, lease(domain.NodeID(id), time.Hour))
			wg.Go(func() {
				for range 5 {
					got, err := s.Claim(t.Context(), domain.NodeID(id), []domain.Partition{7})
					if err != nil {
						t.Errorf("claim: %v", err)
						return
					}
					if got[0].Epoch > 0 {
						granted[i]++
					}
				}
			})
		}
		wg.Wait()
		winners := 0
		for _, n := range granted {
			if n > 0 {
				winners++
			}
		}
		require.Equal(t, 1, winners, "%v", granted)
	})
}

func lease(node domain.NodeID, ttl time.Duration) domain.NodeLease {
	return domain.NodeLease{Node: node, Address: "127.0.0.1:1", View: []domain.NodeID{node}, TTL: ttl}
}

func renew(t *testing.T, s domain.Store, l domain.NodeLease) []domain.NodeLease {
	t.Helper()
	all, err := s.Renew(t.Context(), l)
	require.NoError(t, err)
	return all
}

func holdings(t *testing.T, s domain.Store) []domain.Holding {
	t.Helper()
	all, err := s.Holdings(t.Context())
	require.NoError(t, err)
	return all
}
