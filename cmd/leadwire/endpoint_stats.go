package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

const endpointStatsLong = `Print what became of what an endpoint was sent, and how it is; without an ID, of all the account's endpoints, together
and by tier. The window goes back from now: 15m, 24h, 7d, up to 30d. Figures are written every ten seconds, so the newest attempts
are in them a moment later.

  attempts         that were made, replays included; failed ones by why, as receipts have it
  delivered        events that arrived, and how many a second
  event to answer  from when an event was owed until it had arrived, retries included: a half, 95 and 99 of a hundred took no longer
  attempt          from an attempt's beginning to its end, whatever it was`

// statsShown is figures as the API shows them.
type statsShown struct {
	Account  domain.AccountID         `json:"account"`
	Endpoint domain.EndpointID        `json:"endpoint,omitempty"`
	Tier     domain.Tier              `json:"tier,omitempty"`
	State    string                   `json:"state,omitempty"`
	Window   string                   `json:"window"`
	Since    string                   `json:"since"`
	Until    string                   `json:"until"`
	Status   *endpointStatus          `json:"status,omitempty"`
	Tiers    map[domain.Tier]statsRow `json:"tiers,omitempty"`
	statsRow
}

type statsRow struct {
	Attempts     int64                       `json:"attempts"`
	Failed       int64                       `json:"failed"`
	Failures     map[domain.ErrorClass]int64 `json:"failures"`
	FailureRate  *float64                    `json:"failure_rate"`
	Retries      int64                       `json:"retries"`
	Delivered    int64                       `json:"delivered"`
	DeliveryRate float64                     `json:"delivery_rate"`
	Exhausted    int64                       `json:"exhausted"`
	Suppressed   int64                       `json:"suppressed"`
	Latencies    struct {
		EventToAnswer percentiles `json:"event_to_answer"`
		Attempt       percentiles `json:"attempt"`
	} `json:"latencies_ms"`
}

type percentiles struct {
	Count int64    `json:"count"`
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
}

func newEndpointStats() *cobra.Command {
	var o office
	var account, window string
	cmd := o.command("stats [ID]", "Print what became of what an endpoint was sent, and how long it took", cobra.MaximumNArgs(1), func(cmd *cobra.Command, args []string) error {
		q := question{method: "GET", path: "/stats", query: set("account", account)}
		if len(args) > 0 {
			q = endpointQuestion("GET", account, args[0], "stats")
		}
		q.query.Set("window", window)
		if o.asJSON {
			var got json.RawMessage
			if err := o.ask(cmd, q, &got); err != nil {
				return err
			}
			return printJSON(cmd, got)
		}
		var got statsShown
		if err := o.ask(cmd, q, &got); err != nil {
			return err
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		got.print(w)
		return w.Flush()
	})
	cmd.Long = endpointStatsLong
	accountFlag(cmd, &account)
	cmd.Flags().StringVar(&window, "window", "1h", "how far back, from 1m to 30d")
	return o.jsonFlag(cmd)
}

func (s statsShown) print(w io.Writer) {
	name := string(s.Account)
	if s.Endpoint != "" {
		name += "/" + string(s.Endpoint)
	}
	fmt.Fprintf(w, "%s\t%s\n", name, cmp.Or(s.State, "all endpoints"))
	fmt.Fprintf(w, "  since\t%s\n", s.Since)
	s.statsRow.print(w, "  ")
	if s.Status != nil {
		for _, line := range []struct{ name, value string }{
			{"pending", s.Status.pending()},
			{"oldest", s.Status.Oldest},
			{"last success", s.Status.SucceededAt},
			{"failing since", s.Status.FailingSince},
			{"disabled since", s.Status.DisabledAt},
			{"because", s.Status.Reason},
			{"next attempt", s.Status.NextAt},
		} {
			if line.value != "" {
				fmt.Fprintf(w, "  %s\t%s\n", line.name, line.value)
			}
		}
	}
	for _, tier := range domain.Tiers() {
		if of, ok := s.Tiers[tier]; ok && of.some() {
			fmt.Fprintf(w, "%s\n", tier)
			of.print(w, "  ")
		}
	}
}

// some says whether there is anything to say of a tier.
func (r statsRow) some() bool { return r.Attempts+r.Delivered+r.Exhausted+r.Suppressed > 0 }

func (r statsRow) print(w io.Writer, indent string) {
	attempts := strconv.FormatInt(r.Attempts, 10)
	if r.Failed > 0 && r.FailureRate != nil {
		attempts += fmt.Sprintf(", %d failed (%.2f %%: %s)", r.Failed, 100**r.FailureRate, r.why())
	}
	fmt.Fprintf(w, "%sattempts\t%s\n", indent, attempts)
	fmt.Fprintf(w, "%sretries\t%d\n", indent, r.Retries)
	fmt.Fprintf(w, "%sdelivered\t%d, %.3g a second\n", indent, r.Delivered, r.DeliveryRate)
	fmt.Fprintf(w, "%sgiven up\t%d\n", indent, r.Exhausted)
	fmt.Fprintf(w, "%ssuppressed\t%d\n", indent, r.Suppressed)
	fmt.Fprintf(w, "%sevent to answer\t%s\n", indent, r.Latencies.EventToAnswer)
	fmt.Fprintf(w, "%sattempt\t%s\n", indent, r.Latencies.Attempt)
}

// why are the failures, the most frequent first.
func (r statsRow) why() string {
	classes := slices.SortedFunc(maps.Keys(r.Failures), func(a, b domain.ErrorClass) int {
		return cmp.Or(cmp.Compare(r.Failures[b], r.Failures[a]), cmp.Compare(a, b))
	})
	var words []string
	for _, class := range classes {
		words = append(words, fmt.Sprintf("%d %s", r.Failures[class], class))
	}
	return strings.Join(words, ", ")
}

// String is "p50 12ms, p95 40ms, p99 1.2s"; a dash when there is nothing.
func (p percentiles) String() string {
	if p.P50 == nil || p.P95 == nil || p.P99 == nil {
		return "-"
	}
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s", spell(*p.P50), spell(*p.P95), spell(*p.P99))
}
