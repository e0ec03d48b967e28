package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
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

// Backup copies the embedded store to a file while the node goes on.
func (n *Node) Backup(ctx context.Context, to string) error { return Backup(ctx, n.store, to) }

// Backup copies a store that can be copied online to a file that does not exist.
func Backup(ctx context.Context, store domain.Store, to string) error {
	copier, ok := store.(interface {
		Backup(ctx context.Context, to string) error
	})
	if !ok {
		return domain.Fail("back up", domain.Invalid, errors.New("this store is copied by its own tools: pg_dump or pg_basebackup"))
	}
	return copier.Backup(ctx, to)
}
