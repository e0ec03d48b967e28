package admin_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// crew is the cluster as one node sees it: how many others there are, and what this one was told to do.
type crew struct {
	mu     sync.Mutex
	others int
	told   []string
}

func (c *crew) Standing() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return map[string]any{"held": 256, "told": len(c.told)}
}

func (c *crew) Withdraw(context.Context) error {
	if c.others == 0 {
		return domain.Fail("withdraw from the cluster", domain.Conflict, errors.New("there is no other node to hand to"))
	}
	return c.note("drain")
}

func (c *crew) Return(context.Context) error { return c.note("undo") }

func (c *crew) Leave() { _ = c.note("leave") }

func (c *crew) note(what string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = append(c.told, what)
	return nil
}

var clusterRoutes = [][2]string{{"POST", "/api/v1/cluster/drain"}, {"DELETE", "/api/v1/cluster/drain"}, {"POST", "/api/v1/cluster/leave"}}

// A node is told to hand over, to take its share again and to leave, and shows how it stands: what was begun goes on.
func TestCluster_Steers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onEmbedded(t))
	w.cluster.others = 1
	writes, reads := w.key("", apikey.ClusterWrite), w.key("", apikey.ClusterRead)
	for i, route := range clusterRoutes {
		var s struct{ Held, Told int }
		a := w.call(writes, route[0], route[1], nil).into(&s)
		require.Equal(t, 202, a.status)
		require.Equal(t, 256, s.Held)
		require.Equal(t, i+1, s.Told)
	}
	require.Equal(t, []string{"drain", "undo", "leave"}, w.cluster.told)
	require.Equal(t, 200, w.call(reads, "GET", "/api/v1/cluster", nil).status)
}

// Nodes are the platform's: no key of an account steers one, nor does one that may only look.
func TestCluster_IsThePlatforms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onEmbedded(t))
	w.cluster.others = 1
	reads := w.key("", apikey.ClusterRead)
	for _, route := range clusterRoutes {
		w.call(w.acme, route[0], route[1], nil).refused(403, "", "cluster:write")
		w.call(reads, route[0], route[1], nil).refused(403, "", "cluster:write")
	}
	w.call(w.acme, "GET", "/api/v1/cluster", nil).refused(403, "", "cluster:read")
	require.Error(t, apikey.Check("acme", []string{string(apikey.ClusterWrite)}))
	require.Empty(t, w.cluster.told)
}

// A node that is alone has nobody to hand to, and keeps what it has.
func TestCluster_Alone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onEmbedded(t))
	w.call(w.all, "POST", "/api/v1/cluster/drain", nil).refused(409, "", "no other node")
	require.Empty(t, w.cluster.told)
	require.Equal(t, 202, w.call(w.all, "POST", "/api/v1/cluster/leave", nil).status, "it may end all the same")
}
