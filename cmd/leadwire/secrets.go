package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

func newSecrets() *cobra.Command {
	return group("secrets", "Keep the secrets of all endpoints", newSecretsReseal())
}

const resealLong = `Seal with the current master key what an older one has sealed. Each endpoint is a commit and an entry of the audit log: it can be
stopped half way, and run again. What cannot be opened stays as it is, and is told: the key that is missing is named.

Before that every node has to know the new key: docs/operations.md has it step by step. With Postgres this command needs the keys itself,
as --master-key-file and --older-master-key-files.`

// resealPage is one answer of POST /secrets/reseal.
type resealPage struct {
	Key        string           `json:"key"`
	Kept       int              `json:"kept"`
	Endpoints  []resealEndpoint `json:"endpoints"`
	NextCursor string           `json:"next_cursor,omitempty"`
}

type resealEndpoint struct {
	Account  domain.AccountID  `json:"account"`
	Endpoint domain.EndpointID `json:"endpoint"`
	Resealed []resealSecret    `json:"resealed"`
	Failed   []resealSecret    `json:"failed,omitempty"`
}

type resealSecret struct {
	ID    string `json:"id"`
	By    string `json:"by,omitempty"`
	Error string `json:"error,omitempty"`
}

func newSecretsReseal() *cobra.Command {
	var o office
	var dry bool
	cmd := o.command("reseal", "Seal all secrets with the current master key", noArgs, func(cmd *cobra.Command, _ []string) error {
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error { return o.reseal(cmd, d, dry) })
	})
	cmd.Long = resealLong
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only print what it would do")
	return o.jsonFlag(cmd)
}

// reseal goes page by page, and prints each: whoever stops it knows how far it came.
func (o *office) reseal(cmd *cobra.Command, d doer, dry bool) error {
	query := set("cursor", "")
	if dry {
		query.Set("dry_run", "true")
	}
	done, kept, failed := 0, 0, 0
	for {
		var page resealPage
		if err := (question{method: "POST", path: "/secrets/reseal", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return err
		}
		kept += page.Kept
		for _, e := range page.Endpoints {
			done, failed = done+len(e.Resealed), failed+len(e.Failed)
		}
		if err := o.printResealed(cmd, page); err != nil {
			return err
		}
		if page.NextCursor == "" {
			return o.endReseal(cmd, page.Key, dry, done, kept, failed)
		}
		query.Set("cursor", page.NextCursor)
	}
}

func (o *office) printResealed(cmd *cobra.Command, page resealPage) error {
	if o.asJSON {
		return printJSON(cmd, page)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, e := range page.Endpoints {
		for _, s := range e.Resealed {
			fmt.Fprintf(w, "%s/%s\t%s\tkey %s -> %s\n", e.Account, e.Endpoint, s.ID, s.By, page.Key)
		}
		for _, s := range e.Failed {
			fmt.Fprintf(w, "%s/%s\t%s\tSTAYS: %s\n", e.Account, e.Endpoint, s.ID, s.Error)
		}
	}
	return w.Flush()
}

func (o *office) endReseal(cmd *cobra.Command, key string, dry bool, done, kept, failed int) error {
	if !o.asJSON {
		said := "sealed"
		if dry {
			said = "would be sealed"
		}
		text := []string{fmt.Sprintf("%d %s with key %s", done, said, key), fmt.Sprintf("%d were before", kept)}
		if failed > 0 {
			text = append(text, fmt.Sprintf("%d stay as they are", failed))
		}
		fmt.Fprintln(cmd.OutOrStdout(), strings.Join(text, ", "))
	}
	if failed > 0 {
		return errors.New("there are secrets that cannot be opened: keep the key that they name, or replace them")
	}
	return nil
}
