package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/httpedge/admin"
)

// Offline is the API over a store that no node has open here: for commands. What it writes, running nodes
// take up as they do what other nodes write.
func Offline(ctx context.Context, config Config, store domain.Store, log *slog.Logger) (*admin.API, error) {
	vault, err := OpenVault(config)
	if err != nil {
		return nil, fmt.Errorf("open the vault of endpoints' secrets: %w", err)
	}
	o := &offline{store: store, log: log}
	if err := o.read(ctx); err != nil {
		return nil, err
	}
	return admin.New(admin.Deps{
		Store: store, Directory: o.directory.Load, Catalog: o, People: o, Graph: o, Sealer: sealerOf(vault), Resealer: resealerOf(vault), Log: log,
	})
}

type offline struct {
	store     domain.Store
	log       *slog.Logger
	directory atomic.Pointer[domain.Directory]
}

func (o *offline) read(ctx context.Context) error {
	c, err := o.store.Catalog(ctx)
	if err != nil {
		return fmt.Errorf("read catalog: %w", err)
	}
	o.directory.Store(domain.NewDirectory(c))
	return nil
}

// Edit changes the catalog.
func (o *offline) Edit(ctx context.Context, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error) {
	revision, err := provision.Edit(ctx, o.store, expect, audit, change)
	if err != nil {
		return revision, err
	}
	return revision, o.read(ctx)
}

// Check opens a graph's file on this machine.
func (o *offline) Check(_ context.Context, path string) (any, error) { return CheckGraph(path) }

// Info says nothing: no node has a graph open here.
func (o *offline) Info() any { return nil }

// Find lists what is known of somebody.
func (o *offline) Find(ctx context.Context, account domain.AccountID, key string) (found domain.Belongings, err error) {
	err = o.archive(ctx, func(a actors.Archive) error {
		found, err = a.Find(ctx, account, key)
		return err
	})
	return found, err
}

// Erase forgets somebody.
func (o *offline) Erase(ctx context.Context, account domain.AccountID, key string, audit domain.AuditEntry) (erased domain.Erased, err error) {
	err = o.archive(ctx, func(a actors.Archive) error {
		erased, err = a.Erase(ctx, account, key, audit)
		return err
	})
	return erased, err
}

// archive opens what an archive needs beside the store. Without the graph somebody's other e-mails would be
// missed, so a graph that cannot be opened here is an error and not left out.
func (o *offline) archive(ctx context.Context, f func(actors.Archive) error) error {
	registry := prometheus.NewRegistry()
	library := graph.NewLibrary(graph.LibraryConfig{}, o.log, registry)
	defer func() {
		if err := library.Close(); err != nil {
			o.log.Warn("the graph's file was not closed", "error", err)
		}
	}()
	catalog := o.directory.Load().Catalog
	if catalog.Graph != "" {
		if _, err := library.Use(catalog.Graph); err != nil {
			return domain.Fail("open the graph that the catalog names; a machine with a node has it", domain.Unavailable, err)
		}
	}
	suppressions, err := o.suppressions(ctx, registry)
	if err != nil {
		return err
	}
	return f(actors.Archive{Store: o.store, Graphs: library, Clock: domain.SystemClock{}, Check: suppressions.Check})
}

func (o *offline) suppressions(ctx context.Context, registry *prometheus.Registry) (*identity.Suppressions, error) {
	const page = 1000
	all := identity.NewSuppressions(registry)
	all.SetCatalog(o.directory.Load().Catalog)
	for revision, id := int64(0), ""; ; {
		some, err := o.store.SuppressionsSince(ctx, revision, id, page)
		if err != nil {
			return nil, fmt.Errorf("read suppressions: %w", err)
		}
		all.Take(revision, some)
		if len(some) < page {
			return all, nil
		}
		revision, id = some[len(some)-1].Revision, some[len(some)-1].ID
	}
}
