package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/cmd/leadwire/node"
)

func newReplays() *cobra.Command {
	return group("replays", "Look how far replays are, and cancel them", newReplaysList(), newReplaysShow(), newReplaysCancel())
}

// replayOffer is what a replay would find, as the API counts it.
type replayOffer struct {
	Account  domain.AccountID  `json:"account"`
	Endpoint domain.EndpointID `json:"endpoint"`
	States   []string          `json:"states"`
	Since    string            `json:"since,omitempty"`
	Until    string            `json:"until,omitempty"`
	Expected int               `json:"expected"`
}

// replayRow is a replay, as the API shows it.
type replayRow struct {
	N int64 `json:"n"`
	replayOffer
	State   string `json:"state"`
	Done    int    `json:"done"`
	MadeAt  string `json:"made_at"`
	EndedAt string `json:"ended_at,omitempty"`
	By      string `json:"by"`
}

// events is how many there are: the store counts no further than its limit.
func (o replayOffer) events() string {
	if o.Expected >= domain.QueueLimit {
		return thousands(int64(o.Expected)) + "+ events"
	}
	return count(o.Expected, "event")
}

// which are the events that are meant.
func (o replayOffer) which() string {
	words := strings.Join(o.States, " or ")
	if o.Since != "" {
		words += ", since " + o.Since
	}
	if o.Until != "" {
		words += ", until " + o.Until
	}
	return words
}

// command is the one that replays what is offered.
func (o replayOffer) command() string {
	words := []string{"leadwire deliveries replay --account", string(o.Account), "--endpoint", string(o.Endpoint)}
	for _, flag := range []struct{ name, value string }{{"--since", o.Since}, {"--until", o.Until}} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	if len(o.States) != 1 || o.States[0] != string(domain.DeliveryExhausted) {
		words = append(words, "--state", strings.Join(o.States, ","))
	}
	return strings.Join(words, " ")
}

func (r replayRow) text() string {
	ended := ""
	if r.EndedAt != "" {
		ended = " at " + r.EndedAt
	}
	return fmt.Sprintf("replay %d to %s/%s (%s): %s%s, %d of %s owed again", r.N, r.Account, r.Endpoint, r.which(), r.State, ended, r.Done, r.events())
}

const deliveriesReplayLong = `Send once more what has ended. With the number of a delivery, that one; with --endpoint, whatever of a span of time it
has missed: the events of that time whose newest delivery to it was given up, or ended as --state says. They are
counted first, and go behind everything else that the endpoint is owed, each once, those of a lead in their order.

--dry-run only counts. The replay goes on by itself, and after a restart: "replays show N" says how far it is,
"replays cancel N" stops it. One of an endpoint runs at a time.`

// again is what somebody wants to be sent once more.
type again struct {
	account, endpoint, since, until string
	states                          []string
	dry, watch                      bool
}

func newDeliveriesReplay() *cobra.Command {
	var o office
	var a again
	args := func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && a.endpoint == "":
			return errors.New("replay needs the number of a delivery, or --endpoint and what of it")
		case len(args) == 0:
			return nil
		}
		for _, flag := range []string{"endpoint", "since", "until", "state", "dry-run", "watch"} {
			if cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s is not for one delivery", flag)
			}
		}
		return numbered(cmd, args)
	}
	cmd := o.command("replay [N]", "Send a delivery that has ended once more, or all that an endpoint missed", args, func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return o.steerDelivery(cmd, a.account, args[0], "replay")
		}
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error { return o.replay(cmd, d, a) })
	})
	cmd.Long = deliveriesReplayLong
	accountFlag(cmd, &a.account)
	fs := cmd.Flags()
	fs.StringVar(&a.endpoint, "endpoint", "", "whatever this endpoint has missed")
	fs.StringVar(&a.since, "since", "", "only events of this time or after, as 2026-01-31T12:00:00Z")
	fs.StringVar(&a.until, "until", "", "only events before this time")
	fs.StringSliceVar(&a.states, "state", []string{string(domain.DeliveryExhausted)}, "only those whose newest delivery was delivered, exhausted, suppressed or cancelled")
	fs.BoolVar(&a.dry, "dry-run", false, "only count")
	fs.BoolVar(&a.watch, "watch", false, "wait until it has ended, and show how far it is")
	return o.jsonFlag(cmd)
}

func (o *office) replay(cmd *cobra.Command, d doer, a again) error {
	q := question{method: "POST", path: "/replays", kind: "application/json", body: jsonBody(map[string]any{
		"account": a.account, "endpoint": a.endpoint, "states": a.states, "since": a.since, "until": a.until, "dry_run": a.dry,
	})}
	if a.dry {
		var offer replayOffer
		if err := q.ask(cmd.Context(), d, &offer); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, offer)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s to %s/%s would be sent again (%s)\n", offer.events(), offer.Account, offer.Endpoint, offer.which())
		return nil
	}
	var r replayRow
	if err := q.ask(cmd.Context(), d, &r); err != nil {
		return err
	}
	return o.showReplay(cmd, d, r, a.watch)
}

// showReplay prints how far one is, when it has ended if it is watched.
func (o *office) showReplay(cmd *cobra.Command, d doer, r replayRow, watch bool) (err error) {
	if _, local := d.(inProcess); watch && local && o.settings.Node.Store == node.Embedded && r.State == string(domain.ReplayRunning) {
		fmt.Fprintln(cmd.ErrOrStderr(), "no node runs: the replay goes on when one does")
		watch = false
	}
	if watch {
		if r, err = watchReplay(cmd, d, r); err != nil {
			return err
		}
	}
	if o.asJSON {
		return printJSON(cmd, r)
	}
	fmt.Fprintln(cmd.OutOrStdout(), r.text())
	return nil
}

// watchEvery is how often a replay that is watched is looked at: as often as it goes on.
const watchEvery = time.Second

func watchReplay(cmd *cobra.Command, d doer, r replayRow) (replayRow, error) {
	bar := newProgressBar(cmd.ErrOrStderr())
	defer bar.finish()
	began, had := time.Now(), r.Done
	for ctx := cmd.Context(); ; {
		p := graph.Progress{
			Stage: graph.Stage(fmt.Sprint("replay ", r.N)), Done: int64(r.Done), Total: int64(r.Expected), Rows: int64(r.Done),
			Took: time.Since(began), Ended: r.State != string(domain.ReplayRunning),
		}
		if moved := r.Done - had; moved > 0 {
			p.Rate = float64(moved) / p.Took.Seconds()
			p.Left = time.Duration(float64(max(0, r.Expected-r.Done)) / p.Rate * float64(time.Second))
		}
		if bar.show(p); p.Ended {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, context.Cause(ctx)
		case <-time.After(watchEvery):
		}
		next := replayRow{}
		if err := replayQuestion("GET", string(r.Account), strconv.FormatInt(r.N, 10)).ask(ctx, d, &next); err != nil {
			return r, err
		}
		r = next
	}
}

func replayNumbered(cmd *cobra.Command, args []string) error { return numberOf("replay", cmd, args) }

func replayQuestion(method, account, n string) question {
	return question{method: method, path: "/replays/" + n, query: set("account", account)}
}

func newReplaysList() *cobra.Command {
	var o office
	var account, endpoint string
	var limit int
	cmd := o.command("list", "List replays, newest first", noArgs, func(cmd *cobra.Command, _ []string) error {
		var page struct {
			Replays []replayRow `json:"replays"`
		}
		query := set("account", account, "endpoint", endpoint, "limit", strconv.Itoa(limit))
		if err := o.ask(cmd, question{method: "GET", path: "/replays", query: query}, &page); err != nil {
			return err
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if !o.asJSON && len(page.Replays) > 0 {
			fmt.Fprint(w, "N\tENDPOINT\tSTATE\tOWED AGAIN\tOF\tBEGUN\tENDED\tBY\tWHICH\n")
		}
		for _, r := range page.Replays {
			if o.asJSON {
				if err := printJSON(cmd, r); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%d\t%s/%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", r.N, r.Account, r.Endpoint, r.State, r.Done, r.events(), r.MadeAt, orDash(r.EndedAt), r.By, r.which())
		}
		return w.Flush()
	})
	accountFlag(cmd, &account)
	cmd.Flags().StringVar(&endpoint, "endpoint", "", "only of this one")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many at most, up to 1000")
	return o.jsonFlag(cmd)
}

func newReplaysShow() *cobra.Command {
	var o office
	var account string
	var watch bool
	cmd := o.command("show N", "Print how far a replay is", replayNumbered, func(cmd *cobra.Command, args []string) error {
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error {
			var r replayRow
			if err := replayQuestion("GET", account, args[0]).ask(cmd.Context(), d, &r); err != nil {
				return err
			}
			return o.showReplay(cmd, d, r, watch)
		})
	})
	accountFlag(cmd, &account)
	cmd.Flags().BoolVar(&watch, "watch", false, "wait until it has ended, and show how far it is")
	return o.jsonFlag(cmd)
}

func newReplaysCancel() *cobra.Command {
	var o office
	var account string
	cmd := o.command("cancel N", "End a replay; what it has owed already is sent", replayNumbered, func(cmd *cobra.Command, args []string) error {
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error {
			var r replayRow
			if err := replayQuestion("DELETE", account, args[0]).ask(cmd.Context(), d, &r); err != nil {
				return err
			}
			return o.showReplay(cmd, d, r, false)
		})
	})
	accountFlag(cmd, &account)
	return o.jsonFlag(cmd)
}
