package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
)

func newCluster() *cobra.Command {
	return group("cluster", "Look at the nodes that share the work, and move it", newClusterStatus(), newClusterDrain(), newClusterLeave())
}

const clusterStatusLong = `Print the nodes as the one that runs on --data sees them: the addresses of their actor messages, how many of the 256 partitions
membership proposes for each, and how many it holds, with how many actors in memory and messages waiting, as it told the store within
the last second. A node whose lease has run out holds nothing. Below is what this node has seen change hands, the newest last. It asks
the node itself, whatever its store.`

func newClusterStatus() *cobra.Command {
	var o office
	cmd := o.command("status", "Print the nodes, and how the partitions are shared", noArgs, func(cmd *cobra.Command, _ []string) error {
		var s cluster.Standing
		if err := askCluster(cmd.Context(), &o, "GET", "/cluster", &s); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, s)
		}
		return printStanding(cmd.OutOrStdout(), s)
	})
	cmd.Long = clusterStatusLong
	return o.jsonFlag(cmd)
}

func askCluster(ctx context.Context, o *office, method, path string, s *cluster.Standing) error {
	return question{method: method, path: path}.ask(ctx, control.NewClient(o.settings.Node.Data), s)
}

func printStanding(out io.Writer, s cluster.Standing) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "MEMBER\tPROPOSED\tHOLDS\tACTORS\tMESSAGES\tLEASE\t\n")
	proposed := map[domain.NodeID]cluster.MemberShare{}
	for _, m := range s.Members {
		proposed[m.Node] = m
	}
	for _, l := range s.Leases {
		note := ""
		if l.Node == s.Node { // as it is now
			l.Load.Held, l.Left = s.Held, s.LeaseLeft
		}
		switch {
		case l.Node == s.Node && s.Outvoted:
			note = "this node: stands down, the others do not see it"
		case l.Node == s.Node && s.Withdrawn:
			note = "this node, drained"
		case l.Node == s.Node:
			note = "this node"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%.1fs\t%s\n", l.Address, proposed[l.Node].Proposed, l.Load.Held, l.Load.Actors, l.Load.Messages, l.Left, note)
		delete(proposed, l.Node)
	}
	for _, node := range slices.Sorted(maps.Keys(proposed)) {
		fmt.Fprintf(w, "%s\t%d\t0\t0\t0\tnone\t\n", proposed[node].Address, proposed[node].Proposed)
	}
	fmt.Fprintf(w, "\nnode\t%s\njoin\t%s\nholds\t%d\nclaiming\t%d\ngiving up\t%d\n", s.Node, s.Gossip, s.Held, s.Waiting, s.Leaving)
	for _, kind := range slices.Sorted(maps.Keys(s.Alive)) {
		fmt.Fprintf(w, "%ss in memory\t%d\n", kind, s.Alive[kind])
	}
	fmt.Fprintf(w, "\nWHEN\tWHAT\tPARTITIONS\tMEMBERS\n")
	for _, m := range s.Moves {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.At.Format(time.RFC3339), m.What, positive(m.Partitions), m.Members)
	}
	return w.Flush()
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprint(n)
}

const clusterDrainLong = `Hand what the node on --data has to the other nodes, and wait until it holds nothing. Each partition works on here until
the deliveries that are under way in it have ended, which takes up to their timeout. The node stays a member: it goes on taking
requests and holding streams, and asks the others. --undo gives it its share again, as does its next start.`

// drainLook is how often a drain is looked at.
const drainLook = 100 * time.Millisecond

func newClusterDrain() *cobra.Command {
	var o office
	var undo bool
	var wait time.Duration
	cmd := o.command("drain", "Hand the work of a node to the others", noArgs, func(cmd *cobra.Command, _ []string) error {
		var s cluster.Standing
		if undo {
			if err := askCluster(cmd.Context(), &o, "DELETE", "/cluster/drain", &s); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "this node takes its share again")
			return nil
		}
		if err := askCluster(cmd.Context(), &o, "POST", "/cluster/drain", &s); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), wait)
		defer cancel()
		held := s.Held + s.Leaving
		for ; !s.Withdrawn || !s.Handed; held = max(held, s.Held+s.Leaving) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%d of %d partitions are still here after %s; it goes on", s.Held+s.Leaving, held, wait)
			case <-time.After(drainLook):
			}
			if err := askCluster(ctx, &o, "GET", "/cluster", &s); err != nil && ctx.Err() == nil {
				return err
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "handed over: %d partitions\n", held)
		return nil
	})
	cmd.Long = clusterDrainLong
	cmd.Flags().BoolVar(&undo, "undo", false, "take the node's share of the work again")
	cmd.Flags().DurationVar(&wait, "wait", 90*time.Second, "how long to wait: above the longest timeout of an endpoint")
	return cmd
}

const clusterLeaveLong = `Have the node on --data hand over what it has, leave its cluster and end, as a SIGTERM would. It returns once that
has begun; the process ends with success within --stop-timeout of serve.`

func newClusterLeave() *cobra.Command {
	var o office
	cmd := o.command("leave", "Have a node hand over and end", noArgs, func(cmd *cobra.Command, _ []string) error {
		var s cluster.Standing
		if err := askCluster(cmd.Context(), &o, "POST", "/cluster/leave", &s); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s leaves; it held %d partitions\n", s.Address, s.Held)
		return nil
	})
	cmd.Long = clusterLeaveLong
	return cmd
}
