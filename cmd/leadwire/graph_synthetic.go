package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// newGraphSynthetic writes input for graph build, to try it and to measure it with.
func newGraphSynthetic() *cobra.Command {
	var p synthetic.Population
	var dir string
	cmd := &cobra.Command{
		Use:   "synthetic --people N --dir DIR",
		Short: "Write CSV files of people who do not exist, as input for graph build",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case dir == "":
				return &misuse{errors.New("graph synthetic needs --dir DIR")}
			case p.Persons < 1:
				return &misuse{errors.New("graph synthetic needs --people of 1 at least")}
			}
			if err := p.WriteCSV(dir); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: persons.csv, companies.csv, networks.csv (%s)\n", dir, p.Label())
			return err
		},
	}
	cmd.Flags().IntVar(&p.Persons, "people", 200_000, "how many; they have five keys each, and every fifth a click id too")
	cmd.Flags().Uint64Var(&p.Seed, "seed", 1, "the same seed makes the same people")
	cmd.Flags().StringVar(&dir, "dir", "", "folder to write to; it has to exist")
	return cmd
}
