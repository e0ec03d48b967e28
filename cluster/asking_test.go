package cluster

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// What another node gave back while our claim of it was under way is claimed again at once: the turn that told of it came too
// early to be of use. What is still held elsewhere is left alone for a while.
func TestKeeper_ATurnDuringAClaimIsNotLost(t *testing.T) {
	t.Parallel()
	cfg, deps := Config{}.withDefaults(), Deps{Log: slog.New(slog.DiscardHandler)}
	m := newMetrics(nil)
	r := newRouter(cfg, deps, m)
	k := newKeeper(cfg, deps, m, r, "a", newHerald(deps))
	now := time.Now()
	const early, held, lost = 1, 2, 3
	for _, p := range []domain.Partition{early, held, lost} {
		require.True(t, r.parts[p].move(foreign, claiming))
	}
	r.parts[lost].fenced = 1

	k.granted([]domain.Fence{{Partition: held}}, 0, k.turns, now)
	require.False(t, r.parts[held].claimAt.Before(now.Add(claimAgain/2)))

	claimed := k.turns
	k.turns++ // as look does when it hears one
	k.granted([]domain.Fence{{Partition: early}, {Partition: lost}}, 0, claimed, now)
	require.Equal(t, now, r.parts[early].claimAt)
	require.True(t, r.parts[lost].claimAt.After(now), "one that was taken from us is not fought for")
}

// A claim whose answer was lost has made us the owner of what is another's by now: it is given back, once, so that somebody can
// have it. What we still claim is claimed again.
func TestKeeper_GivesBackWhatItDoesNotKnowToHave(t *testing.T) {
	t.Parallel()
	cfg, deps := Config{}.withDefaults(), Deps{Log: slog.New(slog.DiscardHandler)}
	m := newMetrics(nil)
	r := newRouter(cfg, deps, m)
	r.table.Store(newTable(nil))
	k := newKeeper(cfg, deps, m, r, "a", newHerald(deps))
	const lost, wanted, others = 1, 2, 3
	require.True(t, r.parts[wanted].move(foreign, claiming))
	holdings := []domain.Holding{
		{Fence: domain.Fence{Partition: lost, Epoch: 7}, Node: "a"}, {Fence: domain.Fence{Partition: wanted, Epoch: 8}, Node: "a"},
		{Fence: domain.Fence{Partition: others, Epoch: 9}, Node: "b"},
	}
	for range 2 {
		k.compare(holdings, time.Now())
		require.Equal(t, []domain.Fence{{Partition: lost, Epoch: 7}}, k.emptyNow)
	}
}
