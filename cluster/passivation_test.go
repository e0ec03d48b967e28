package cluster_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// handClock moves when the test says so. Timers are the sweeper's; these tests sweep by hand.
type handClock struct{ nanos atomic.Int64 }

func (c *handClock) Now() time.Time { return time.Unix(0, c.nanos.Load()) }

func (c *handClock) AfterFunc(time.Duration, func()) domain.Timer { return never{} }

type never struct{}

func (never) Stop() bool { return true }

// Idle actors leave memory, those that were spoken to or are busy stay.
func TestSweep_IdleActorsLeave(t *testing.T) {
	t.Parallel()
	ring, clock := clustertest.NewArena(), &handClock{}
	clock.nanos.Store(1)
	minute := func(k *cluster.Kind) { k.IdleAfter = time.Minute }
	forEver := func(k *cluster.Kind) { k.IdleAfter = -1 }
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Clock: clock, Kinds: []cluster.Kind{ring.Kind("probe", minute), ring.Kind("rock", forEver)}})
	clustertest.Ask(t, n, "idle", "")
	clustertest.Ask(t, n, "busy", "busy")
	clustertest.Ask(t, n, "used", "")
	rock := clustertest.Ping("a", "")
	rock.Kind = "rock"
	_, err := n.Ask(t.Context(), rock)
	require.NoError(t, err)

	n.Sweep(clock.Now().Add(time.Minute - 1))
	quiet(t, n)
	require.Equal(t, 3, n.Live("probe"), "a nanosecond early")
	clustertest.Ask(t, n, "used", "")
	n.Sweep(clock.Now().Add(time.Minute))
	require.Eventually(t, func() bool { return n.Live("probe") == 2 }, clustertest.Timeout, time.Millisecond)
	quiet(t, n)
	require.EqualValues(t, 1, ring.Stops.Load())

	clustertest.Ask(t, n, "busy", "free")
	n.Sweep(clock.Now().Add(time.Hour))
	require.Eventually(t, func() bool { return n.Live("probe") == 0 }, clustertest.Timeout, time.Millisecond)
	require.Equal(t, 1, n.Live("rock"), "below zero is for ever")
	require.EqualValues(t, 5, clustertest.Ask(t, n, "idle", "").GetLife(), "and comes back")
}

// quiet waits until every mailbox is empty.
func quiet(t *testing.T, n *cluster.Node) {
	t.Helper()
	require.Eventually(t, func() bool { return n.Pending() == 0 }, clustertest.Timeout, time.Millisecond)
}

// The node sweeps by itself, on its clock.
func TestSweep_RunsByItself(t *testing.T) {
	t.Parallel()
	short := func(k *cluster.Kind) { k.IdleAfter = 50 * time.Millisecond }
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Kinds: []cluster.Kind{clustertest.NewArena().Kind("probe", short)}})
	for i := range 100 {
		clustertest.Ask(t, n, strconv.Itoa(i), "")
	}
	require.Eventually(t, func() bool { return n.Live("probe") == 0 }, clustertest.Timeout, time.Millisecond)
}

// Actors leave as fast as they can be asked for, under load: every question is answered at its first
// try, and no identity is ever alive twice.
func TestSweep_LosesNothingUnderLoad(t *testing.T) {
	t.Parallel()
	const callers, ids = 16, 50
	each := 5000
	if raceDetector || testing.Short() {
		each = 1000
	}
	ring := clustertest.NewArena()
	short := func(k *cluster.Kind) { k.IdleAfter = time.Nanosecond }
	n := clustertest.Start(t, cluster.Config{AskTry: time.Hour, AskTimeout: time.Hour},
		cluster.Deps{Kinds: []cluster.Kind{ring.Kind("probe", short)}})
	stop := make(chan struct{})
	var sweeps, load sync.WaitGroup
	sweeps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				n.Sweep(time.Now())
			}
		}
	})
	for range callers {
		load.Go(func() {
			for range each {
				clustertest.Ask(t, n, strconv.Itoa(rand.N(ids)), "")
			}
		})
	}
	load.Wait()
	close(stop)
	sweeps.Wait()
	require.Zero(t, ring.Overlaps())
	require.Greater(t, ring.Lives.Load(), int64(ids*10), "they did leave while they were asked")
	t.Logf("%d questions, %d activations of %d identities, 0 lost, 0 overlapping", callers*each, ring.Lives.Load(), ids)
}
