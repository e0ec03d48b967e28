package main

import (
	"github.com/spf13/cobra"

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
			origins, err := settings.Load(cmd.Flags())
			if err != nil {
				return &misuse{err}
			}
			if printConfig {
				return settings.Print(cmd.OutOrStdout(), cmd.Flags(), origins)
			}
			return serve(cmd, s)
		},
	}
	s.Bind(cmd.Flags(), settings.Storage|settings.Serving|settings.Logging)
	cmd.Flags().BoolVar(&printConfig, "print-config", false, "print what is in force and from where, secrets masked, and exit")
	return cmd
}
