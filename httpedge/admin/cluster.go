package admin

import (
	"context"
	"net/http"

	"github.com/leadwire/leadwire/actors/domain"
)

// cluster answers GET /cluster: the nodes as this one sees them, and what it holds.
func (a *API) cluster(_ context.Context, _ *Call) Reply {
	if a.deps.Cluster == nil {
		return fail(domain.Fail("read cluster", domain.Unavailable, errNoNode))
	}
	return Reply{Body: a.deps.Cluster.Standing()}
}

// drainNode answers POST /cluster/drain: the others take over what this node has.
func (a *API) drainNode(ctx context.Context, c *Call) Reply {
	return a.steerNode(c, "cluster.drain", func() error { return a.deps.Cluster.Withdraw(ctx) })
}

// returnNode answers DELETE /cluster/drain: this node gets its share again.
func (a *API) returnNode(ctx context.Context, c *Call) Reply {
	return a.steerNode(c, "cluster.return", func() error { return a.deps.Cluster.Return(ctx) })
}

// leaveCluster answers POST /cluster/leave: this node hands over and ends.
func (a *API) leaveCluster(_ context.Context, c *Call) Reply {
	return a.steerNode(c, "cluster.leave", func() error { a.deps.Cluster.Leave(); return nil })
}

// steerNode does something to this node, and shows how it stands: what was begun goes on after the answer. It is no change of
// the store's, whose audit is of what it keeps: the log says who.
func (a *API) steerNode(c *Call, action string, do func() error) Reply {
	if a.deps.Cluster == nil {
		return fail(domain.Fail(action, domain.Unavailable, errNoNode))
	}
	if err := do(); err != nil {
		return fail(err)
	}
	a.deps.Log.Warn(action, "by", c.Caller.Name)
	return Reply{Status: http.StatusAccepted, Body: a.deps.Cluster.Standing()}
}
