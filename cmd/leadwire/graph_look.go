package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/identity/graph"
)

func newGraphStat() *cobra.Command {
	var asJSON, verify bool
	cmd := &cobra.Command{
		Use:   "stat FILE",
		Short: "Say what a graph's file holds, and with --verify whether all of it is sound",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return openGraph(words[0], func(f *graph.File) error {
				if verify {
					bar := newProgressBar(cmd.ErrOrStderr())
					err := f.Verify(cmd.Context(), bar.counted("verifying"))
					if bar.finish(); err != nil {
						return err
					}
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(f.Info())
				}
				showInfo(cmd.OutOrStdout(), f.Info())
				if verify {
					fmt.Fprintln(cmd.OutOrStdout(), "every block and every key is sound")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&verify, "verify", false, "read all of it: every checksum, every key, every record")
	return cmd
}

func showInfo(w io.Writer, i graph.Info) {
	fmt.Fprintf(w, "%s: %s people, %s companies, %s networks\n", i.Path, thousands(i.Persons), thousands(i.Companies), thousands(i.Networks))
	if i.Label != "" {
		fmt.Fprintf(w, "label     %s\n", i.Label)
	}
	fmt.Fprintf(w, "built     %s\n", i.BuiltAt.Format(time.RFC3339))
	fmt.Fprintf(w, "checksum  %s\n", i.Checksum)
	fmt.Fprintf(w, "size      %s bytes", thousands(i.Size))
	if i.Keys > 0 {
		fmt.Fprintf(w, ", %.1f a key, records included", float64(i.Size)/float64(i.Keys))
	}
	fmt.Fprintf(w, "\nkeys      %s\n", thousands(i.Keys))
	for _, kind := range sortedKeys(i.Kinds) {
		if kind != "person" && kind != "company" && i.Kinds[kind] > 0 {
			fmt.Fprintf(w, "  %-8s%s\n", kind, thousands(i.Kinds[kind]))
		}
	}
}

const graphGetLong = `Look up keys, as a node would. A key is an e-mail, an MD5, SHA-1 or SHA-256 of one, a phone or its SHA-256, a
click id as gclid:EAIaIQ..., a visitor's id, a person's id, a company's domain, or an address. - reads keys
from standard input, one a line, where they do not stay in the shell's history.

Prints a JSON object for each. Exit code 1 when one of them is not found.`

func newGraphGet() *cobra.Command {
	return &cobra.Command{
		Use:   "get FILE KEY...",
		Short: "Look up people, companies and networks in a graph's file",
		Long:  graphGetLong,
		Args:  args(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, words []string) error {
			out := json.NewEncoder(cmd.OutOrStdout())
			if isTerminal(cmd.OutOrStdout()) {
				out.SetIndent("", "  ")
			}
			return openGraph(words[0], func(f *graph.File) error {
				asked, missing := 0, 0
				ask := func(key string) error {
					answer := f.Ask(key)
					if asked++; !answer.Found {
						missing++
					}
					return out.Encode(answer)
				}
				for _, key := range words[1:] {
					var err error
					if key == "-" {
						err = eachLine(cmd.InOrStdin(), ask)
					} else {
						err = ask(key)
					}
					if err != nil {
						return err
					}
				}
				if missing > 0 {
					return errNotFound(missing, asked)
				}
				return nil
			})
		},
	}
}

func eachLine(from io.Reader, do func(string) error) error {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if text := strings.TrimSpace(lines.Text()); text != "" {
			if err := do(text); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

const graphDiffLong = `Compare two graphs' files. A file has its keys' fingerprints and not the keys, so examples show those, with the
people they belong to. Exit code 0 whether or not anything differs.`

func newGraphDiff() *cobra.Command {
	var list int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what changed from one graph's file to another",
		Long:  graphDiffLong,
		Args:  args(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, words []string) error {
			return openGraph(words[0], func(before *graph.File) error {
				return openGraph(words[1], func(after *graph.File) error {
					bar := newProgressBar(cmd.ErrOrStderr())
					d, err := graph.Compare(cmd.Context(), before, after, list, bar.counted("comparing"))
					if bar.finish(); err != nil {
						return err
					}
					if asJSON {
						return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
					}
					showDifferences(cmd.OutOrStdout(), d)
					return nil
				})
			})
		},
	}
	cmd.Flags().IntVar(&list, "list", 0, "examples of each kind and change")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func showDifferences(w io.Writer, d graph.Differences) {
	if d.Same {
		fmt.Fprintln(w, "the files have the same content")
		return
	}
	fmt.Fprintf(w, "%-10s%14s%14s%14s\n", "", "added", "removed", "changed")
	for _, kind := range sortedKeys(d.Counts) {
		c := d.Counts[kind]
		fmt.Fprintf(w, "%-10s%14s%14s%14s\n", kind, thousands(c[graph.Added]), thousands(c[graph.Removed]), thousands(c[graph.Changed]))
	}
	for _, e := range d.List {
		switch {
		case e.Old == "" || e.New == "" || e.Old == e.New:
			fmt.Fprintf(w, "%s %s %s %s\n", e.Change, e.Kind, e.Key, e.Old+strings.TrimPrefix(e.New, e.Old))
		default:
			fmt.Fprintf(w, "%s %s %s %s -> %s\n", e.Change, e.Kind, e.Key, e.Old, e.New)
		}
	}
}

// thousands writes a number as people read it: 20,000,000.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
