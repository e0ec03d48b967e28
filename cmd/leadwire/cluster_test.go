package main

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
)

// A node says who it shares the work with; alone it has all of it. Without a node there is nobody to ask.
func TestCluster_Status(t *testing.T) {
	data, _ := startServe(t)
	code, out, complaint := leadwire(t, "cluster", "status", "--data", data)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^MEMBER +PROPOSED +HOLDS +ACTORS +MESSAGES +LEASE\s+127\.0\.0\.1:\d+ +256 +256 +\d+ +\d+ +\d\.\ds +this node\n`, out)
	require.Regexp(t, `\nholds +256\nclaiming +0\ngiving up +0\n`, out)
	code, out, complaint = leadwire(t, "cluster", "status", "--data", data, "--json")
	require.Zero(t, code, complaint)
	var s cluster.Standing
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.NotEmpty(t, s.Node)
	require.Contains(t, s.Alive, "endpoint")

	require.Equal(t, cluster.MoveHeld, s.Moves[len(s.Moves)-1].What)
	require.Len(t, s.Leases, 1)

	code, _, complaint = leadwire(t, "cluster", "drain", "--data", data)
	require.NotZero(t, code)
	require.Contains(t, complaint, "no other node to hand to")

	code, out, complaint = leadwire(t, "cluster", "drain", "--undo", "--data", data)
	require.Zero(t, code, complaint)
	require.Equal(t, "this node takes its share again\n", out)

	code, _, complaint = leadwire(t, "cluster", "status", "--data", t.TempDir())
	require.Equal(t, exitBroken, code)
	require.Contains(t, complaint, "no node")
}

// A node that is told to leave ends by itself, with success: startServe requires that.
func TestCluster_Leave(t *testing.T) {
	data, _ := startServe(t)
	code, out, complaint := leadwire(t, "cluster", "leave", "--data", data)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^127\.0\.0\.1:\d+ leaves; it held 256 partitions\n$`, out)
	require.Eventually(t, func() bool {
		_, err := control.NewClient(data).Status(t.Context())
		return errors.Is(err, control.ErrNoNode)
	}, patience, 5*time.Millisecond)
	for _, what := range []string{"leave", "drain", "status"} {
		code, _, complaint = leadwire(t, "cluster", what, "--data", data)
		require.Equal(t, exitBroken, code, what)
		require.Contains(t, complaint, "no node", what)
	}
}
