package cluster_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cluster/clustertest"
)

// echo answers a note with its own fence.
type note struct{ id, text string }

func (n note) Address() (kind, id string) { return "echo", n.id }

type echo struct{ who cluster.Identity }

func (e *echo) Busy() bool { return false }

func (e *echo) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case note:
		if ctx.Sender() != nil {
			ctx.Respond(e.who.ID + ":" + m.text)
		}
	}
}

func echoKind() cluster.Kind {
	return cluster.Kind{Name: "echo", New: func(who cluster.Identity) cluster.Actor { return &echo{who} }}
}

// A node without seeds claims all 256 partitions before Start returns, and answers.
func TestNode_AloneHoldsEverything(t *testing.T) {
	ledger := clustertest.NewLedger()
	n := clustertest.Start(t, cluster.Config{}, cluster.Deps{Ledger: ledger, Kinds: []cluster.Kind{echoKind()}})
	require.Len(t, n.Held(), domain.Partitions)
	require.Equal(t, map[domain.NodeID]int{n.ID(): domain.Partitions}, ledger.Holders())
	answer, err := n.Ask(t.Context(), note{"a", "hello"})
	require.NoError(t, err)
	require.Equal(t, "a:hello", answer)
	require.Equal(t, 1, n.Live("echo"))
	clustertest.Stop(t, n)
	require.Equal(t, 0, n.Live("echo"))
}
