package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/cmd/leadwire/node"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

func newServe() *cobra.Command {
	var s settings.Settings
	var printConfig bool
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
			return serve(cmd.Context(), s, log)
		},
	}
	s.Bind(cmd.Flags(), settings.Storage|settings.Serving|settings.Logging)
	cmd.Flags().BoolVar(&printConfig, "print-config", false, "print what is in force and from where, secrets masked, and exit")
	return cmd
}

// serve runs a node until ctx ends or the node fails, and stops it gracefully.
func serve(ctx context.Context, s settings.Settings, log *slog.Logger) (err error) {
	spareCollector()
	profiler, err := profile(s.Pprof, log)
	if err != nil {
		return err
	}
	defer profiler.Close()
	n, err := node.Start(ctx, s.Node, node.Deps{Log: log, Version: version()})
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
