package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go that built it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	return describe(info)
}

// describe is "leadwire v1.2.3 (4f5a6b7, modified) go1.26.0 linux/amd64".
func describe(info *debug.BuildInfo) string {
	release, commit := "(unknown)", "no commit"
	if info != nil {
		release = info.Main.Version
		var modified string
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				commit = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = ", modified"
			}
		}
		commit += modified
	}
	return fmt.Sprintf("leadwire %s (%s) %s %s/%s", release, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// noArgs refuses words that no flag asked for.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return &misuse{err}
	}
	return nil
}
