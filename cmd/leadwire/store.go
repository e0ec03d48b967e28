package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/node"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
	"github.com/leadwire/leadwire/persistence"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// withStore runs f on the store, opened for this command alone.
func withStore(ctx context.Context, s settings.Settings, log *slog.Logger, f func(domain.Store) error) (err error) {
	store, err := persistence.Open(ctx, node.Where(s.Node), storeOptions(s, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(store)
}

// storeOptions are a node's, but for its metrics: a command meets the same pooler.
func storeOptions(s settings.Settings, log *slog.Logger) persistence.Options {
	options := s.Node.Storage
	options.Log = log
	return options
}

// starting is how long a command waits for a node that holds the store and does not answer on its
// control socket yet: it is starting, or stopping.
const (
	starting     = 15 * time.Second
	startingLook = 100 * time.Millisecond
)

// nodeOrStore lets a running node do the work, or does it on the store when there is none.
func nodeOrStore(ctx context.Context, s settings.Settings, log *slog.Logger,
	byNode func(*control.Client) error, byStore func(domain.Store) error,
) error {
	if s.Node.Store != node.Embedded {
		return withStore(ctx, s, log, byStore)
	}
	ctx, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	for {
		if err := byNode(control.NewClient(s.Node.Data)); !errors.Is(err, control.ErrNoNode) {
			return err
		}
		ran := false
		err := withStore(ctx, s, log, func(store domain.Store) error {
			ran = true
			return byStore(store)
		})
		if ran || domain.CodeOf(err) != domain.Conflict {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startingLook):
		}
	}
}

// exists says whether an embedded store is there. Looking must not make one.
func exists(s settings.Settings) bool {
	_, err := os.Stat(filepath.Join(s.Node.Data, "leadwire.db"))
	return s.Node.Store != node.Embedded || err == nil
}

// apply makes the catalog what the request says, wherever the catalog is.
func apply(ctx context.Context, s settings.Settings, log *slog.Logger, r provision.Request) (out provision.Outcome, err error) {
	if r.DryRun && !exists(s) {
		return provision.Outcome{Changes: domain.Catalog{}.Diff(r.Catalog)}, nil
	}
	err = nodeOrStore(ctx, s, log,
		func(c *control.Client) error { out, err = c.Apply(ctx, r); return err },
		func(store domain.Store) error { out, err = provision.Apply(ctx, store, r); return err },
	)
	return out, err
}

func newMigrate() *cobra.Command {
	var s settings.Settings
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring a store's schema up to date, as serve does when it starts",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := prepare(cmd, &s)
			if err != nil {
				return err
			}
			err = persistence.Migrate(cmd.Context(), node.Where(s.Node), storeOptions(s, log))
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "the schema is up to date")
			}
			return err
		},
	}
	s.Bind(cmd.Flags(), settings.Storage|settings.Logging)
	return cmd
}

func newBackup() *cobra.Command {
	var s settings.Settings
	var to string
	cmd := &cobra.Command{
		Use:   "backup --to FILE",
		Short: "Copy the embedded store to a file, also while a node runs on it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := prepare(cmd, &s)
			switch {
			case err != nil:
				return err
			case to == "":
				return &misuse{errors.New("backup needs --to FILE")}
			case s.Node.Store != node.Embedded:
				return &misuse{errors.New("backup copies the embedded store; for Postgres use pg_dump or pg_basebackup")}
			case !exists(s):
				return fmt.Errorf("no store in %s", s.Node.Data)
			}
			if err = embedded.Backup(cmd.Context(), s.Node.Data, to); err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "copied to", to)
			}
			return err
		},
	}
	s.Bind(cmd.Flags(), settings.Storage|settings.Logging)
	cmd.Flags().StringVar(&to, "to", "", "the file to write; it must not exist")
	return cmd
}

// prepare loads a command's settings and opens its log.
func prepare(cmd *cobra.Command, s *settings.Settings) (*slog.Logger, error) {
	if _, err := s.Load(cmd.Flags()); err != nil {
		return nil, &misuse{err}
	}
	return newLogger(cmd.ErrOrStderr(), s.LogFormat, s.LogLevel)
}
