package admin

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

const maxGraphBody = 8 << 10

const errNoNode = lack("this needs a running node")

// lack is what this process would need for a call, which somebody has to bring about: it is told to whoever asks, and
// asking again does not help.
type lack string

func (l lack) Error() string { return string(l) }

type graphState struct {
	Path string `json:"path"`           // what the catalog says; empty: no graph
	File any    `json:"file,omitempty"` // what this node has open
}

// graph answers GET /graph.
func (a *API) graph(_ context.Context, _ *Call) Reply {
	state := graphState{Path: a.deps.Directory().Catalog.Graph}
	if a.deps.Graph != nil {
		state.File = a.deps.Graph.Info()
	}
	return Reply{Body: state}
}

// useGraph answers PUT /graph: the file is opened here first, and then every node follows the catalog. What is
// in the audit log is the catalog's change, in its commit; a node that cannot open the file says so in its own
// log, and goes on with the one it has. An empty path is no graph.
func (a *API) useGraph(ctx context.Context, c *Call) Reply {
	const op = "use graph"
	body, err := c.body(maxGraphBody)
	if err != nil {
		return fail(err)
	}
	var asked struct {
		Path *string `json:"path"`
	}
	if err := decode(body, &asked); err != nil {
		return fail(err)
	}
	if asked.Path == nil {
		return fail(domain.FailField(op, "path", `must be given; "" is no graph`))
	}
	state := graphState{Path: *asked.Path}
	if state.Path != "" {
		if a.deps.Graph == nil {
			return fail(domain.Fail(op, domain.Unavailable, errNoNode))
		}
		if state.File, err = a.deps.Graph.Check(ctx, state.Path); err != nil {
			return fail(domain.Fail(op, domain.Invalid, fmt.Errorf("the file cannot be used on this node: %w", err)))
		}
	}
	entry := a.entry(c, "graph.use", "")
	entry.Subject = state.Path
	if _, err := a.deps.Catalog.Edit(ctx, -1, entry, func(next *domain.Catalog) error {
		next.Graph = state.Path
		return nil
	}); err != nil {
		return fail(err)
	}
	return Reply{Body: state}
}
