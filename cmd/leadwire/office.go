package main

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

// office is what the commands that ask the API have in common.
type office struct {
	settings settings.Settings
	log      *slog.Logger
	asJSON   bool
}

// command makes one. run is called with the settings loaded and the log open.
func (o *office) command(use, short string, args cobra.PositionalArgs, run func(cmd *cobra.Command, args []string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, got []string) error {
			if err := args(cmd, got); err != nil {
				return &misuse{err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.log, err = prepare(cmd, &o.settings); err != nil {
				return err
			}
			return run(cmd, args)
		},
	}
	o.settings.Bind(cmd.Flags(), settings.Storage|settings.Logging)
	return cmd
}

// ask asks one question.
func (o *office) ask(cmd *cobra.Command, q question, into any) error {
	return ask(cmd.Context(), o.settings, o.log, q, into)
}

// jsonFlag adds --json.
func (o *office) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &misuse{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
		}
		return cmd.Help()
	}}
	cmd.AddCommand(commands...)
	return cmd
}

func printJSON(cmd *cobra.Command, value any) error {
	e := json.NewEncoder(cmd.OutOrStdout())
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
