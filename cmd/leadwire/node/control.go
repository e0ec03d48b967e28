package node

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

// Apply makes the catalog what the request says; this node takes it up before Apply returns.
func (n *Node) Apply(ctx context.Context, r provision.Request) (provision.Outcome, error) {
	out, err := provision.Apply(ctx, n.store, r)
	if err != nil || !out.Applied {
		return out, err
	}
	if err := n.book.Refresh(ctx); err != nil {
		return out, fmt.Errorf("take up catalog: %w", err)
	}
	return out, nil
}

// Status is what the node says of itself.
func (n *Node) Status() control.Status {
	return control.Status{
		Node: n.cluster.ID(), Address: n.Addr(), Version: n.deps.Version,
		Started: n.started.UTC(), Revision: n.book.Directory().Catalog.Revision,
	}
}
