package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

const applyLong = `Make accounts, sources, campaigns, buyers and tokens what the file says. The file is the whole truth:
what it leaves out is removed. Applying it again changes nothing.

A node that runs on the embedded store is asked through its control socket; with Postgres the catalog
is written at once, and every node takes it up within a second.`

func newApply() *cobra.Command {
	var s settings.Settings
	var request provision.Request
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Set up accounts, sources, campaigns, buyers and tokens from a file",
		Long:  applyLong,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := prepare(cmd, &s)
			if err != nil {
				return err
			}
			if file == "" {
				return &misuse{errors.New("apply needs -f FILE")}
			}
			if request.Catalog, err = readCatalog(file, cmd.InOrStdin()); err != nil {
				return err
			}
			out, err := apply(cmd.Context(), s, log, request)
			if shown := showOutcome(cmd.OutOrStdout(), out, request.DryRun, asJSON); err == nil {
				err = shown
			}
			return err
		},
	}
	fs := cmd.Flags()
	s.Bind(fs, settings.Storage|settings.Logging)
	fs.StringVarP(&file, "file", "f", "", "the catalog, as YAML; - reads standard input")
	fs.BoolVar(&request.DryRun, "dry-run", false, "only say what would change")
	fs.BoolVar(&request.AllTokens, "all-tokens", false, "print every buyer's tokens, and not just the new ones")
	fs.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func readCatalog(file string, stdin io.Reader) (c domain.Catalog, err error) {
	from := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return c, fmt.Errorf("read catalog: %w", err)
		}
		defer f.Close()
		from = f
	}
	return provision.Read(from)
}

// showOutcome prints a diff for people, or everything for programs.
func showOutcome(w io.Writer, out provision.Outcome, dryRun, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(out)
	}
	for _, change := range out.Changes {
		fmt.Fprintln(w, change)
	}
	switch {
	case len(out.Changes) == 0:
		fmt.Fprintf(w, "no changes (revision %d)\n", out.Revision)
	case dryRun:
		fmt.Fprintf(w, "%d changes, not applied (revision %d)\n", len(out.Changes), out.Revision)
	case out.Applied:
		fmt.Fprintf(w, "%d changes applied (revision %d)\n", len(out.Changes), out.Revision)
	}
	for _, t := range out.Tokens {
		fmt.Fprintf(w, "token %s/%s %s: %s\n", t.Account, t.Buyer, t.ID, t.Token)
	}
	return nil
}
