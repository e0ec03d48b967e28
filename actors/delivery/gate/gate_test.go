package gate_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// With everybody asking all the time, turns are shared by weight: tier times class.
func TestGate_SharesByWeight(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 1, Repeats: 1})
	served := map[[2]int]int{}
	var running func()
	var owners []*gate.Owner
	for i, tier := range domain.Tiers() {
		for class := range domain.Classes {
			var o *gate.Owner
			o = g.Join(func() {
				served[[2]int{i, class}]++
				running = o.Use()
				o.Ask(tier, domain.Class(class))
			})
			owners = append(owners, o)
			o.Ask(tier, domain.Class(class))
		}
	}
	require.Len(t, owners, 12)
	const rounds = 105 * 20 // of all the weights' sum: 7 times 15
	for range rounds - 1 {
		running()
	}
	for i, tier := range []int{4, 2, 1} {
		for class, weight := range []int{8, 4, 2, 1} {
			require.InDelta(t, 20*tier*weight, served[[2]int{i, class}], 2, "tier %d class %d", i, class)
		}
	}
}

// Endpoints that take hundreds at once, and long for each, do not have all of a node: whoever has few under way finds room,
// and still gets it when they ask for more.
func TestGate_KeepsRoomForTheMany(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 100})
	granted := map[string]int{}
	join := func(name string, asks int, tier domain.Tier) (o *gate.Owner) {
		o = g.Join(func() {
			granted[name]++
			require.NotNil(t, o.Use(), "and it is never given back")
		})
		for range asks {
			o.Ask(tier, domain.ClassFirst)
		}
		return o
	}
	join("slow", 80, domain.TierHigh)
	join("slower", 80, domain.TierHigh)
	require.Equal(t, 75, granted["slow"])
	require.Equal(t, gate.Few, granted["slower"], "it has few")
	small := join("small", 5, domain.TierLow)
	require.Equal(t, 5, granted["small"])
	for range 10 {
		small.Ask(domain.TierLow, domain.ClassFirst)
	}
	all, _ := g.Out()
	require.Equal(t, 100, all, "nothing is unused")
	require.Equal(t, 9, granted["small"])
}

// A lane that was quiet for long has no more than its share afterwards.
func TestGate_QuietLaneSavesNothing(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 1})
	served := map[domain.Tier]int{}
	var running func()
	ask := func(tier domain.Tier) {
		var o *gate.Owner
		o = g.Join(func() {
			served[tier]++
			running = o.Use()
			o.Ask(tier, domain.ClassFirst)
		})
		o.Ask(tier, domain.ClassFirst)
	}
	ask(domain.TierStandard)
	for range 1000 {
		running()
	}
	ask(domain.TierHigh)
	clear(served)
	for range 300 {
		running()
	}
	require.InDelta(t, 100, served[domain.TierStandard], 2)
	require.InDelta(t, 200, served[domain.TierHigh], 2)
}

// Endpoints that are down take half of the rights at most; the other half is there for who is first to ask.
func TestGate_RepeatsLeaveRoom(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 10})
	down := 0
	dead := g.Join(func() { down++ })
	for range 100 {
		dead.Ask(domain.TierHigh, domain.ClassRetry)
		dead.Ask(domain.TierHigh, domain.ClassReplay)
	}
	require.Equal(t, 5, down)
	up := 0
	well := g.Join(func() { up++ })
	for range 7 {
		well.Ask(domain.TierLow, domain.ClassUpdate)
	}
	require.Equal(t, 5, up)
	well.Return()
	require.Equal(t, 6, up, "what a first attempt gives back goes to a first attempt")
	require.Equal(t, 5, down)
}

// Who leaves gives back what it holds but for what is under way, and is granted nothing any more.
func TestGate_Leave(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 3})
	first := g.Join(func() {})
	for range 5 {
		first.Ask(domain.TierStandard, domain.ClassFirst)
	}
	end := first.Use()
	require.NotNil(t, end)
	granted := 0
	second := g.Join(func() { granted++ })
	for range 5 {
		second.Ask(domain.TierStandard, domain.ClassFirst)
	}
	require.Zero(t, granted)
	first.Leave()
	require.Equal(t, 2, granted, "two were granted and not used")
	require.Nil(t, first.Use())
	first.Ask(domain.TierStandard, domain.ClassFirst)
	end()
	require.Equal(t, 3, granted)
	end()
	require.Equal(t, 3, granted, "an attempt ends once")
}

// A gate that closes grants nothing any more and waits for what is out.
func TestGate_Close(t *testing.T) {
	t.Parallel()
	g := gate.New(gate.Config{Rights: 2})
	granted := 0
	o := g.Join(func() { granted++ })
	for range 3 {
		o.Ask(domain.TierStandard, domain.ClassFirst)
	}
	end := o.Use()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.Close(over), context.Canceled)
	closed := make(chan error, 1)
	go func() { closed <- g.Close(t.Context()) }()
	o.Return()
	end()
	require.NoError(t, <-closed)
	require.Equal(t, 2, granted)
	require.NoError(t, g.Close(t.Context()))
}

// Whatever is asked, used, returned and left, never more is out than there is, nothing is kept from anybody who may have it, and in the
// end all is back.
func TestGate_Life(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		cfg := gate.Config{Rights: 1 + random.IntN(6)}
		g := gate.New(cfg)
		var owners []*gate.Owner
		idle := map[*gate.Owner]int{}
		var ends []func()
		join := func() {
			var o *gate.Owner
			o = g.Join(func() { idle[o]++ })
			owners = append(owners, o)
		}
		join()
		for range 300 {
			i := random.IntN(len(owners))
			o := owners[i]
			switch random.IntN(8) {
			case 0:
				join()
			case 1, 2, 3:
				o.Ask(domain.Tiers()[random.IntN(3)], domain.Class(random.IntN(domain.Classes)))
			case 4:
				if end := o.Use(); end != nil {
					idle[o]--
					ends = append(ends, end)
				}
			case 5:
				if idle[o] > 0 {
					idle[o]--
					o.Return()
				}
			case 6:
				if len(ends) > 0 {
					ends[0]()
					ends = ends[1:]
				}
			case 7:
				if len(owners) > 1 && random.IntN(4) == 0 {
					owners = append(owners[:i], owners[i+1:]...)
					delete(idle, o)
					o.Leave()
				}
			}
			held := len(ends)
			for _, n := range idle {
				held += n
			}
			all, repeats := g.Out()
			rights, most := g.Limits()
			require.Equal(t, held, all, "seed %d", seed)
			require.LessOrEqual(t, all, rights)
			require.LessOrEqual(t, repeats, most)
			require.True(t, g.Asked() == 0 || all == rights || repeats == most, "seed %d: a right is free and somebody waits", seed)
		}
		for _, end := range ends {
			end()
		}
		for _, o := range owners {
			o.Leave()
		}
		all, repeats := g.Out()
		require.Zero(t, all)
		require.Zero(t, repeats)
	}
}
