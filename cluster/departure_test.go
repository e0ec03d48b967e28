package cluster

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
)

// What is sent to where a member was reaches nobody, and who asked is told at once; until somebody lives there again.
func TestDepartures(t *testing.T) {
	t.Parallel()
	sys := actor.NewActorSystem()
	defer sys.Shutdown()
	dropped := 0
	d := &departures{sys: sys, dropped: func() { dropped++ }}
	sys.ProcessRegistry.RegisterAddressResolver(d.resolve)
	there := actor.NewPID("10.0.0.1:7000", inboxID)
	_, is := d.resolve(there)
	require.False(t, is)
	d.left("10.0.0.1:7000")
	answer, err := sys.Root.RequestFuture(there, "anybody?", -1).Result()
	require.ErrorIs(t, err, actor.ErrDeadLetter, "%v", answer)
	sys.Root.Send(there, "a hint")
	require.Equal(t, 1, dropped)
	d.lives("10.0.0.1:7000")
	_, is = d.resolve(there)
	require.False(t, is)
	for i := range 3 * departuresKept {
		d.left(string(rune(i)))
	}
	require.LessOrEqual(t, len(*d.gone.Load()), departuresKept)
}
