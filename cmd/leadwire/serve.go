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
	"github.com/leadwire/leadwire/cmd/leadwire/node"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

func newServe() *cobra.Command {
	var s settings.Settings
	var printConfig bool
	var skew time.Duration
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			origins, err := s.Load(cmd.Flags())
			if err != nil {
				return &misuse{err}
			}
			if printConfig {
				return settings.Print(cmd.OutOrStdout(), cmd.Flags(), origins)
			}
			log, err := newLogger(cmd.ErrOrStderr(), s.LogFormat, s.LogLevel)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), s, node.Deps{Clock: clock(skew, log), Log: log, Version: version()})
		},
	}
	s.Bind(cmd.Flags(), settings.Storage|settings.Serving|settings.Logging)
	cmd.Flags().BoolVar(&printConfig, "print-config", false, "print what is in force and from where, secrets masked, and exit")
	cmd.Flags().DurationVar(&skew, skewFlag, 0, "for tests: this node's clock is wrong by so much")
	_ = cmd.Flags().MarkHidden(skewFlag) // it is there
	return cmd
}

// skewFlag is no setting: a file cannot hold it, and no operator should.
const skewFlag = "test-clock-skew"

// clock is the machine's, or one that is wrong, of which the log speaks aloud.
func clock(skew time.Duration, log *slog.Logger) domain.Clock {
	if skew == 0 {
		return domain.SystemClock{}
	}
	log.Warn("THE CLOCK OF THIS NODE IS WRONG, as --"+skewFlag+" asks: only for tests", "by", skew.String())
	return domain.ShiftedClock{By: skew}
}

// serve runs a node until ctx ends or the node fails, and stops it gracefully.
func serve(ctx context.Context, s settings.Settings, deps node.Deps) (err error) {
	spareCollector()
	profiler, err := profile(s.Pprof, deps.Log)
	if err != nil {
		return err
	}
	defer profiler.Close()
	n, err := node.Start(ctx, s.Node, deps)
	if err != nil {
		return err
	}
	defer func() {
		// What is asked to stop is not cancelled with what asked for it.
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.StopTimeout)
		defer cancel()
		err = errors.Join(err, n.Stop(stopping))
	}()
	forget, err := announce(s.AddressFile, n.Addr())
	if err != nil {
		return err
	}
	defer forget()
	select {
	case <-ctx.Done():
		return nil
	case <-n.Left():
		return nil
	case err := <-n.Failed():
		return err
	}
}

// announce writes the address for harnesses, whole or not at all: whoever sees the file can connect.
func announce(file, address string) (forget func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".address-*")
	if err != nil {
		return nil, fmt.Errorf("write address file: %w", err)
	}
	_, err = fmt.Fprintln(temporary, address)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write address file: %w", err), os.Remove(temporary.Name()))
	}
	return func() { _ = os.Remove(file) }, nil
}
