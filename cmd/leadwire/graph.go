package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

const graphLong = `Build and look into identity graphs: files that say which keys belong to which person, who works where, and
which networks are whose. docs/graph.md has the formats of the input and the rules.`

func newGraph() *cobra.Command {
	cmd := &cobra.Command{Use: "graph", Short: "Build an identity graph's file, and look into it", Long: graphLong}
	cmd.AddCommand(newGraphBuild(), newGraphStat(), newGraphGet(), newGraphDiff(), newGraphSynthetic(), newGraphUse())
	return cmd
}

const graphBuildLong = `Build a graph from CSV or NDJSON files (also as .gz; - is standard input). Every flag for input may be given
several times. Rows that cannot be taken are left out and told, with line, field and reason.

The file is written under another name and renamed when it is whole, so it may be one that a node uses.`

// shownRefusals are told on standard error when no file takes them: enough to see what is wrong.
const shownRefusals = 10

func newGraphBuild() *cobra.Command {
	var cfg graph.BuildConfig
	var persons, companies, networks []string
	var rejects string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "build --persons FILE --companies FILE --networks FILE --out FILE",
		Short: "Build a graph's file from CSV or NDJSON",
		Long:  graphBuildLong,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if len(persons)+len(companies)+len(networks) == 0 {
				return &misuse{errors.New("graph build needs --persons, --companies or --networks")}
			}
			refusals, err := newRefusals(rejects, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, refusals.close()) }()
			cfg.Refused = refusals.tell
			cfg.Progress = newProgressBar(cmd.ErrOrStderr()).show
			b, err := graph.NewBuilder(cfg)
			if err != nil {
				return &misuse{err}
			}
			defer func() { err = errors.Join(err, b.Close()) }()
			for _, input := range []struct {
				files []string
				read  func(...graph.Source) error
			}{
				{companies, func(s ...graph.Source) error { return b.Companies(cmd.Context(), s...) }},
				{networks, func(s ...graph.Source) error { return b.Networks(cmd.Context(), s...) }},
				{persons, func(s ...graph.Source) error { return b.Persons(cmd.Context(), s...) }},
			} {
				if err := readSources(input.files, cmd.InOrStdin(), input.read); err != nil {
					return err
				}
			}
			sum, err := b.Finish(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(sum)
			}
			showSummary(cmd.OutOrStdout(), sum, rejects)
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&persons, "persons", nil, "file of people and their keys")
	fs.StringArrayVar(&companies, "companies", nil, "file of companies")
	fs.StringArrayVar(&networks, "networks", nil, "file of networks and the domains of the companies they belong to")
	fs.StringVar(&cfg.Out, "out", "", "the file to build")
	fs.StringVar(&cfg.Label, "label", "", "says what the data is, at most 64 bytes; graph stat shows it")
	fs.StringVar(&rejects, "rejects", "", "write the rows that are not taken to this file, as NDJSON: file, line, field, reason")
	settings.BytesVar(fs, &cfg.Memory, "memory", 512<<20, "memory for sorting; the process takes about twice as much")
	fs.StringVar(&cfg.Temp, "tmp", "", "folder for sorting, which takes about the size of the input; default: the folder of --out")
	fs.BoolVar(&cfg.IgnoreUnknown, "ignore-unknown", false, "take files with columns and fields that are not known here")
	fs.BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// readSources opens files, hands them on together, and closes them.
func readSources(files []string, stdin io.Reader, read func(...graph.Source) error) (err error) {
	if len(files) == 0 {
		return nil
	}
	var sources []graph.Source
	for _, file := range files {
		source, closer, err := graph.OpenSource(file, stdin)
		if err != nil {
			return err
		}
		defer closer.Close()
		sources = append(sources, source)
	}
	return read(sources...)
}

// refusals takes the rows that are not taken: into a file, or the first few to standard error.
type refusals struct {
	file   *os.File
	to     *json.Encoder
	stderr io.Writer
	n      int
	err    error
}

func newRefusals(path string, stderr io.Writer) (*refusals, error) {
	r := &refusals{stderr: stderr}
	if path == "" {
		return r, nil
	}
	var err error
	if r.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
		return nil, fmt.Errorf("write refused rows: %w", err)
	}
	r.to = json.NewEncoder(r.file)
	return r, nil
}

func (r *refusals) tell(refused graph.Refusal) {
	r.n++
	switch {
	case r.to != nil:
		r.err = errors.Join(r.err, r.to.Encode(refused))
	case r.n <= shownRefusals:
		field := refused.Field
		if field != "" {
			field += " "
		}
		fmt.Fprintf(r.stderr, "%s:%d: %s%s\n", refused.File, refused.Line, field, refused.Reason)
	case r.n == shownRefusals+1:
		fmt.Fprintln(r.stderr, "more rows are refused; --rejects FILE takes them all")
	}
}

func (r *refusals) close() error {
	if r.file == nil {
		return nil
	}
	return errors.Join(r.err, r.file.Close())
}

func showSummary(w io.Writer, sum graph.Summary, rejects string) {
	showInfo(w, sum.Info)
	fmt.Fprintf(w, "%s rows taken, %s refused", thousands(sum.Rows), thousands(sum.Refused))
	if rejects != "" && sum.Refused > 0 {
		fmt.Fprintf(w, " (in %s)", rejects)
	}
	fmt.Fprintf(w, ", in %v\n", sum.Took.Round(10e6))
	if sum.Older > 0 {
		fmt.Fprintf(w, "%s rows about somebody of whom there was a newer one\n", thousands(sum.Older))
	}
	if sum.Left > 0 {
		fmt.Fprintf(w, "%s keys of such rows left out: their person's record is full\n", thousands(sum.Left))
	}
	if sum.Repeated > 0 {
		fmt.Fprintf(w, "%s keys given again for the same person\n", thousands(sum.Repeated))
	}
	for _, kind := range sortedKeys(sum.Conflicts) {
		fmt.Fprintf(w, "%s keys of kind %s claimed by several people: the newest row has them\n", thousands(sum.Conflicts[kind]), kind)
	}
	if sum.NetworkConflicts > 0 {
		fmt.Fprintf(w, "%s networks claimed by several companies: the newest row has them\n", thousands(sum.NetworkConflicts))
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// openGraph opens a file for a command that only looks.
func openGraph(path string, f func(*graph.File) error) (err error) {
	file, err := graph.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return f(file)
}

// args makes a wrong number of words a misuse.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if err := check(cmd, words); err != nil {
			return &misuse{err}
		}
		return nil
	}
}

// errNotFound is what graph get ends with when somebody is not there, so that scripts can tell.
func errNotFound(missing, asked int) error {
	return domain.Fail("look up", domain.NotFound, fmt.Errorf("%d of %d not found", missing, asked))
}
