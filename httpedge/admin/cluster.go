package admin

import (
	"context"

	"github.com/leadwire/leadwire/actors/domain"
)

// cluster answers GET /cluster: the nodes as this one sees them, and what it holds.
func (a *API) cluster(_ context.Context, _ *Call) Reply {
	if a.deps.Cluster == nil {
		return fail(domain.Fail("read cluster", domain.Unavailable, errNoNode))
	}
	return Reply{Body: a.deps.Cluster.Standing()}
}
