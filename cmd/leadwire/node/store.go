package node

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/persistence"
)

func (n *Node) openStore(ctx context.Context) error {
	options := n.config.Storage
	options.Log, options.Registerer, options.Clock = n.deps.Log, n.registry, n.deps.Clock
	store, err := persistence.Open(ctx, Where(n.config), options)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	n.store = store
	return nil
}

// Where is what persistence.Open takes for a configuration: the data folder, or the URL.
func Where(c Config) string {
	if c.Store == Embedded || c.Store == "" {
		return c.Data
	}
	return c.Store
}

// storeName is for logs: it says which kind, and never a password.
func (n *Node) storeName() string {
	if n.config.Store == Embedded {
		return Embedded
	}
	return "postgres"
}
