package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
)

func newCluster() *cobra.Command {
	return group("cluster", "Look at the nodes that share the work", newClusterStatus())
}

const clusterStatusLong = `Print the nodes as the one that runs on --data sees them: the addresses of their actor messages, and how many of the 256
partitions membership proposes for each. Of this node also what it holds by the ledger's grant, what it is claiming or giving up, and
how many actors of each kind are in memory. It asks the node itself, whatever its store.`

func newClusterStatus() *cobra.Command {
	var o office
	cmd := o.command("status", "Print the nodes, and how the partitions are shared", noArgs, func(cmd *cobra.Command, _ []string) error {
		var s cluster.Standing
		if err := (question{method: "GET", path: "/cluster"}).ask(cmd.Context(), control.NewClient(o.settings.Node.Data), &s); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, s)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "MEMBER\tPARTITIONS\t\n")
		for _, m := range s.Members {
			here := ""
			if m.Local {
				here = "this node"
			}
			fmt.Fprintf(w, "%s\t%d\t%s\n", m.Address, m.Proposed, here)
		}
		fmt.Fprintf(w, "\nnode\t%s\njoin\t%s\nholds\t%d\nclaiming\t%d\ngiving up\t%d\n", s.Node, s.Gossip, s.Held, s.Waiting, s.Leaving)
		for _, kind := range slices.Sorted(maps.Keys(s.Alive)) {
			fmt.Fprintf(w, "%ss in memory\t%d\n", kind, s.Alive[kind])
		}
		return w.Flush()
	})
	cmd.Long = clusterStatusLong
	return o.jsonFlag(cmd)
}
