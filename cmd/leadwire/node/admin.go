package node

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge/admin"
)

// openAdmin makes the API that the edge and the control socket serve.
func (n *Node) openAdmin(context.Context) error {
	var err error
	n.admin, err = admin.New(admin.Deps{
		Store: n.store, Directory: n.book.Directory, Catalog: n, People: n.runtime, Visitors: n.runtime,
		Deliveries: n.runtime, Sealer: sealerOf(n.vault), Resealer: resealerOf(n.vault),
		Graph: graphs{n.identity.library}, Cluster: standing{n}, Clock: n.deps.Clock, Log: n.deps.Log, Metrics: n.registry,
	})
	return err
}

// API is what the edge serves under /api/v1.
func (n *Node) API() *admin.API { return n.admin }

// Edit changes the catalog; this node takes it up before Edit returns.
func (n *Node) Edit(ctx context.Context, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error) {
	revision, err := provision.Edit(ctx, n.store, expect, audit, change)
	if err != nil {
		return revision, err
	}
	if err := n.book.Refresh(ctx); err != nil {
		return revision, fmt.Errorf("take up catalog: %w", err)
	}
	return revision, nil
}

// standing is the cluster as the API sees it.
type standing struct{ node *Node }

// Standing is how it looks from this node.
func (s standing) Standing() any { return s.node.cluster.Standing() }

// Withdraw begins to hand this node's work to the others.
func (s standing) Withdraw(ctx context.Context) error { return s.node.cluster.Withdraw(ctx) }

// Return takes Withdraw back.
func (s standing) Return(ctx context.Context) error { return s.node.cluster.Return(ctx) }

// Leave asks for the node to be stopped.
func (s standing) Leave() { s.node.leaving.Do(func() { close(s.node.left) }) }

// graphs is the graph's file as the API sees it.
type graphs struct{ library *graph.Library }

// Check opens a file and closes it again.
func (graphs) Check(_ context.Context, path string) (any, error) { return CheckGraph(path) }

// Info is the file in use.
func (g graphs) Info() any {
	info := g.library.Info()
	if info.Path == "" {
		return nil
	}
	return info
}

// CheckGraph says what a graph's file is, if this machine can use it.
func CheckGraph(path string) (any, error) {
	file, err := graph.Open(path)
	if err != nil {
		return nil, err
	}
	info := file.Info()
	return info, file.Close()
}
