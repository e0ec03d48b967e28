package node

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/persistence/identitydb"
)

// Identity is where a node learns who visitors are, beside the graph's file, which the catalog names.
type Identity struct {
	DB      string // postgres:// URL of the slower tier; empty: none
	Slow    identity.SlowConfig
	Overlay identity.OverlayConfig
	Graph   graph.LibraryConfig
}

// graphRetry is how often a graph that the catalog names and this node could not open is tried again: its
// file may still be on its way here.
const graphRetry = 30 * time.Second

// identities are a node's parts that know visitors.
type identities struct {
	library *graph.Library
	db      *identitydb.DB
	graph   string      // the path in use, as the catalog names it
	stamp   os.FileInfo // of the file that was found there
	knock   chan struct{}
	deps    actors.Deps // its part
}

// openIdentity makes the parts. A graph or a tier that cannot be opened does not keep a node from starting:
// it is logged, tried again, and visitors are matched by what there is.
func (n *Node) openIdentity(ctx context.Context) error {
	i := &identities{library: graph.NewLibrary(n.config.Identity.Graph, n.deps.Log, n.registry), knock: make(chan struct{}, 1)}
	n.identity = i
	n.useGraph()
	overlay := identity.NewOverlay(n.config.Identity.Overlay, n.registry)
	var slow *identity.Slow
	if n.config.Identity.DB != "" {
		var err error
		if i.db, err = identitydb.Open(ctx, n.config.Identity.DB, identitydb.Options{Log: n.deps.Log}); err != nil {
			return fmt.Errorf("open identity database: %w", err)
		}
		slow = identity.NewSlow(i.db, n.config.Identity.Slow, n.deps.Clock, n.registry)
	}
	i.deps = actors.Deps{
		Suppressions: identity.NewSuppressions(n.registry), Overlay: overlay, Graphs: i.library, Slow: slow,
		Identity: identity.NewMatcher(identity.MatcherDeps{
			Graphs: i.library, Overlay: overlay, Slow: slow, Metrics: identity.NewMetrics(n.registry),
		}),
	}
	return nil
}

// catalogChanged passes a new catalog on. It is called while the book is being read, so it only knocks.
func (n *Node) catalogChanged() {
	n.runtime.CatalogChanged()
	select {
	case n.identity.knock <- struct{}{}:
	default:
	}
}

// followGraph keeps the graph in use that the catalog names, until ctx ends.
func (n *Node) followGraph(ctx context.Context) {
	retry := time.NewTicker(graphRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.identity.knock:
		case <-retry.C:
		}
		n.useGraph()
	}
}

// useGraph opens the graph that the catalog names, unless it is in use: under its name, and as the file that
// lies there now, so that one built anew under the same name is taken up within graphRetry. One that cannot be
// opened leaves the one before in its place.
func (n *Node) useGraph() {
	path := n.book.Directory().Catalog.Graph
	stamp, _ := os.Stat(path) // what is not there is told by Use
	if path == n.identity.graph && (path == "" || stamp == nil || os.SameFile(stamp, n.identity.stamp)) {
		return
	}
	info, err := n.identity.library.Use(path)
	if err != nil {
		n.deps.Log.Error("identity graph cannot be used; it is tried again", "path", path, "error", err)
		return
	}
	n.identity.graph, n.identity.stamp = path, stamp
	n.deps.Log.Info("identity graph in use", "path", path, "label", info.Label, "keys", info.Keys, "persons", info.Persons)
}

// close comes after the actors have stopped.
func (i *identities) close() error {
	if i.db != nil {
		i.db.Close()
	}
	return i.library.Close()
}
