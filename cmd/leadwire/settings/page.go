package settings

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// sections are the parts of the page, in the order in which Bind declares their flags.
var sections = []struct {
	title string
	bind  func(*Settings, *pflag.FlagSet)
}{
	{"Where things are kept", (*Settings).bindStorage},
	{"The public port", (*Settings).bindEdge},
	{"Buyers' streams", (*Settings).bindStreams},
	{"The store's writer", (*Settings).bindWriter},
	{"The actors", (*Settings).bindActors},
	{"Endpoints", (*Settings).bindOutbound},
	{"Who visitors are", (*Settings).bindIdentity},
	{"The cluster", (*Settings).bindCluster},
	{"Retention, stopping, profiling", (*Settings).bindUpkeep},
	{"Logs", (*Settings).bindLogging},
}

// WritePage writes docs/configuration.md's tables: every setting with its default and its reason.
func WritePage(w io.Writer) error {
	var page strings.Builder
	for _, section := range sections {
		fs := pflag.NewFlagSet(section.title, pflag.ContinueOnError)
		fs.SortFlags = false
		section.bind(new(Settings), fs)
		fmt.Fprintf(&page, "\n## %s\n\n| setting | default | what it is for |\n|---|---|---|\n", section.title)
		fs.VisitAll(func(f *pflag.Flag) {
			fmt.Fprintf(&page, "| `%s` | %s | %s |\n", f.Name, orNone(f), strings.ReplaceAll(f.Usage, "|", "\\|"))
		})
	}
	_, err := io.WriteString(w, page.String())
	return err
}

func orNone(f *pflag.Flag) string {
	if f.DefValue == "" || f.DefValue == "[]" {
		return "none"
	}
	return "`" + f.DefValue + "`"
}
