package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

const graphUseLong = `Put a graph's file in use, under load and without a pause: it is opened and verified here first, and then the
catalog names it, which every node follows within a second. The path has to be the same on every node. The file
that was in use is closed when its last look-up has ended.`

func newGraphUse() *cobra.Command {
	var o office
	var none bool
	cmd := o.command("use FILE | --none", "Put a graph's file in use on every node", cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
		if none == (len(args) == 1) {
			return &misuse{errors.New("use needs a FILE, or --none")}
		}
		path := ""
		if !none {
			var err error
			if path, err = filepath.Abs(args[0]); err != nil {
				return fmt.Errorf("use graph: %w", err)
			}
		}
		var got struct {
			File struct {
				Label   string `json:"label"`
				Keys    int64  `json:"keys"`
				Persons int64  `json:"persons"`
			} `json:"file"`
		}
		if err := o.ask(cmd, question{method: "PUT", path: "/graph", kind: "application/json", body: jsonBody(map[string]string{"path": path})}, &got); err != nil {
			return err
		}
		if none {
			fmt.Fprintln(cmd.OutOrStdout(), "no graph is in use")
			return nil
		}
		fmt.Fprintf(cmd.OutOrStdout(), "in use: %s (%d keys, %d persons) %s\n", path, got.File.Keys, got.File.Persons, got.File.Label)
		return nil
	})
	cmd.Long = graphUseLong
	cmd.Flags().BoolVar(&none, "none", false, "use no graph")
	return cmd
}
