package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

var errNotWired = errors.New("the node is not wired yet")

func serve(*cobra.Command, settings.Settings) error { return errNotWired }

func applyWhere(ctx context.Context, s settings.Settings, r provision.Request) (provision.Outcome, error) {
	if s.Store == settings.Embedded {
		out, err := control.NewClient(s.Data).Apply(ctx, r)
		if !errors.Is(err, control.ErrNoNode) {
			return out, err
		}
		if r.DryRun {
			return provision.Outcome{Changes: domain.Catalog{}.Diff(r.Catalog)}, nil
		}
	}
	return provision.Outcome{}, errNotWired
}
