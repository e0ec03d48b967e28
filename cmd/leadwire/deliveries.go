package main

import (
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

func newDeliveries() *cobra.Command {
	return group("deliveries", "Find out what happened to deliveries, and send them again",
		newDeliveriesList(), newDeliveriesShow(), newDeliveriesReplay(),
		newDeliveriesVerb("retry", "Try a pending delivery now"),
		newDeliveriesVerb("cancel", "Do not send a pending delivery"))
}

// deliveryRow is one as the API lists it.
type deliveryRow struct {
	N            int64             `json:"n"`
	Account      domain.AccountID  `json:"account"`
	Endpoint     domain.EndpointID `json:"endpoint"`
	Event        string            `json:"event"`
	Announcement int64             `json:"announcement"`
	Type         string            `json:"type"`
	Lead         string            `json:"lead"`
	State        string            `json:"state"`
	Class        string            `json:"class"`
	Replay       bool              `json:"replay,omitempty"`
	Behind       bool              `json:"behind,omitempty"`
	Attempts     int               `json:"attempts"`
	OwedAt       string            `json:"owed_at"`
	DueAt        string            `json:"due_at,omitempty"`
	FirstAt      string            `json:"first_at,omitempty"`
	FailedAt     string            `json:"failed_at,omitempty"`
	ReleaseAt    string            `json:"release_at,omitempty"`
	EndedAt      string            `json:"ended_at,omitempty"`
	Reason       string            `json:"reason,omitempty"`
}

// stands is where it stands, in a column: since when, until when, or what it waits for.
func (d deliveryRow) stands() string {
	switch {
	case d.EndedAt != "":
		return d.EndedAt
	case d.DueAt != "":
		return "due " + d.DueAt
	default:
		return "behind an earlier one"
	}
}

const deliveriesListLong = `List what is and was owed to endpoints, newest first: the number, when it was owed, the endpoint, the type, the lead, the
state, how often it was tried, when it ended or is due, and how the newest attempt ended. With --json one JSON object a
line.

"deliveries show N" tells the whole story of one.`

// sought is what somebody knows of the deliveries that they look for.
type sought struct {
	account, endpoint, lead, event, state, since, until string
	limit                                               int
}

func newDeliveriesList() *cobra.Command {
	var o office
	var s sought
	cmd := o.command("list", "List deliveries, newest first", noArgs, func(cmd *cobra.Command, _ []string) error {
		if s.limit < 0 {
			return &misuse{errors.New("list needs a --limit of 0 at least, which is no limit")}
		}
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error { return o.listDeliveries(cmd, d, s) })
	})
	cmd.Long = deliveriesListLong
	accountFlag(cmd, &s.account)
	fs := cmd.Flags()
	fs.StringVar(&s.endpoint, "endpoint", "", "only to this one")
	fs.StringVar(&s.lead, "lead", "", "only about this lead")
	fs.StringVar(&s.event, "event", "", "only this event: what receivers see as webhook-id")
	fs.StringVar(&s.state, "state", "", "only pending, delivered, exhausted, suppressed or cancelled ones")
	fs.StringVar(&s.since, "since", "", "only those owed at this time or after, as 2026-01-31T12:00:00Z")
	fs.StringVar(&s.until, "until", "", "only those owed before this time")
	fs.IntVar(&s.limit, "limit", 50, "how many at most; 0: all of them")
	return o.jsonFlag(cmd)
}

func (o *office) listDeliveries(cmd *cobra.Command, d doer, s sought) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	header := "N\tOWED\tENDPOINT\tTYPE\tLEAD\tSTATE\tTRIES\tENDED OR DUE\tNEWEST ATTEMPT\n"
	query := set("account", s.account, "endpoint", s.endpoint, "lead", s.lead, "event", s.event, "state", s.state, "since", s.since, "until", s.until)
	err := goBack(query, s.limit, func() (int, int64, error) {
		var page struct {
			Deliveries []deliveryRow `json:"deliveries"`
			Before     int64         `json:"before"`
		}
		if err := (question{method: "GET", path: "/deliveries", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return 0, 0, err
		}
		for _, one := range page.Deliveries {
			if o.asJSON {
				if err := printJSON(cmd, one); err != nil {
					return 0, 0, err
				}
				continue
			}
			fmt.Fprint(w, header)
			header = ""
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
				one.N, one.OwedAt, one.Endpoint, one.Type, one.Lead, one.State, one.Attempts, one.stands(), orDash(printable(one.Reason)))
		}
		return len(page.Deliveries), page.Before, nil
	})
	if err != nil {
		return err
	}
	return w.Flush()
}

// numbered checks a delivery's number before anybody is asked.
func numbered(cmd *cobra.Command, args []string) error { return numberOf("delivery", cmd, args) }

func numberOf(thing string, cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return err
	}
	if n, err := strconv.ParseInt(args[0], 10, 64); err != nil || n < 1 {
		return fmt.Errorf("%q is not the number of a %s", args[0], thing)
	}
	return nil
}

// newDeliveriesVerb is a command that asks for one thing and says how the delivery stands then.
func newDeliveriesVerb(verb, short string) *cobra.Command {
	var o office
	var account string
	cmd := o.command(verb+" N", short, numbered, func(cmd *cobra.Command, args []string) error {
		return o.steerDelivery(cmd, account, args[0], verb)
	})
	accountFlag(cmd, &account)
	return o.jsonFlag(cmd)
}

func (o *office) steerDelivery(cmd *cobra.Command, account, n, verb string) error {
	var d deliveryRow
	if err := o.ask(cmd, question{method: "POST", path: "/deliveries/" + n + "/" + verb, query: set("account", account)}, &d); err != nil {
		return err
	}
	if o.asJSON {
		return printJSON(cmd, d)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "delivery %d to %s/%s: %s, %s\n", d.N, d.Account, d.Endpoint, d.State, d.stands())
	return nil
}
