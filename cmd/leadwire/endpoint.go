package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

func newEndpoint() *cobra.Command {
	return group("endpoint", "Make customers' endpoints, look how they are, and steer them",
		newEndpointList(), newEndpointGet(), newEndpointStats(), newEndpointPut(), newEndpointDelete(),
		newEndpointVerb("pause", "Send an endpoint nothing, and keep what it is owed"),
		newEndpointVerb("resume", "Send an endpoint what it is owed again"),
		newEndpointVerb("enable", "Let an endpoint that was disabled be sent to again"),
		newEndpointTest(), newEndpointSecret())
}

// endpointShown is one as the API shows it.
type endpointShown struct {
	Account  domain.AccountID `json:"account"`
	Endpoint json.RawMessage  `json:"endpoint"`
	State    string           `json:"state"`
	Status   endpointStatus   `json:"status"`
	Secret   string           `json:"secret,omitempty"`
	CatchUp  *replayOffer     `json:"catch_up,omitempty"`
}

type endpointStatus struct {
	DisabledAt   string           `json:"disabled_at,omitempty"`
	Reason       string           `json:"reason,omitempty"`
	FailingSince string           `json:"failing_since,omitempty"`
	SucceededAt  string           `json:"succeeded_at,omitempty"`
	Pending      int              `json:"pending"`
	Oldest       string           `json:"oldest,omitempty"`
	NextAt       string           `json:"next_at,omitempty"`
	Secrets      []endpointSecret `json:"secrets"`
}

// endpointWords are those of its configuration that a list has room for.
type endpointWords struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

func (e endpointShown) words() (w endpointWords, err error) {
	if err = json.Unmarshal(e.Endpoint, &w); err != nil {
		err = fmt.Errorf("read the API's answer: %w", err)
	}
	return w, err
}

// pending is how many wait: the store counts no further than its limit.
func (s endpointStatus) pending() string {
	text := strconv.Itoa(s.Pending)
	if s.Pending >= domain.QueueLimit {
		text += "+"
	}
	return text
}

// endpointQuestion asks something of one endpoint.
func endpointQuestion(method, account, id, verb string) question {
	path := "/endpoints/" + url.PathEscape(id)
	if verb != "" {
		path += "/" + verb
	}
	return question{method: method, path: path, query: set("account", account)}
}

// accountFlag adds --account, which most commands about endpoints need.
func accountFlag(cmd *cobra.Command, account *string) {
	cmd.Flags().StringVar(account, "account", "", "the account")
}

const endpointListLong = `List endpoints: the account and the id, how it is in one word, how many deliveries wait and since when the oldest, the
last success, the next attempt, and the URL. With --json one JSON object a line.

  ok         the last attempt succeeded, or there was none
  failing    the last attempt failed; it is tried again
  disabled   nothing is sent until it is enabled: endpoint get says why
  paused     nothing is sent until it is resumed
  no_secret  nothing is sent until it has a secret to sign with: endpoint secret makes one`

func newEndpointList() *cobra.Command {
	var o office
	var account string
	cmd := o.command("list", "List endpoints, and how each is", noArgs, func(cmd *cobra.Command, _ []string) error {
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error { return o.listEndpoints(cmd, d, account) })
	})
	cmd.Long = endpointListLong
	cmd.Flags().StringVar(&account, "account", "", "only this account's")
	return o.jsonFlag(cmd)
}

func (o *office) listEndpoints(cmd *cobra.Command, d doer, account string) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	header := "ENDPOINT\tSTATE\tPENDING\tOLDEST\tLAST SUCCESS\tNEXT ATTEMPT\tURL\n"
	query := set("account", account, "limit", "200")
	for {
		var page struct {
			Endpoints  []endpointShown `json:"endpoints"`
			NextCursor string          `json:"next_cursor"`
		}
		if err := (question{method: "GET", path: "/endpoints", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return err
		}
		for _, e := range page.Endpoints {
			if o.asJSON {
				if err := printJSON(cmd, e); err != nil {
					return err
				}
				continue
			}
			words, err := e.words()
			if err != nil {
				return err
			}
			fmt.Fprint(w, header)
			header = ""
			fmt.Fprintf(w, "%s/%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Account, words.ID, e.State, e.Status.pending(),
				orDash(e.Status.Oldest), orDash(e.Status.SucceededAt), orDash(e.Status.NextAt), words.URL)
		}
		if page.NextCursor == "" {
			return w.Flush()
		}
		query.Set("cursor", page.NextCursor)
	}
}

func newEndpointGet() *cobra.Command {
	var o office
	var account string
	cmd := o.command("get ID", "Print an endpoint's configuration, and how it is", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		return o.askEndpoint(cmd, endpointQuestion("GET", account, args[0], ""))
	})
	accountFlag(cmd, &account)
	return o.jsonFlag(cmd)
}

// askEndpoint asks a question that is answered with an endpoint, and shows it.
func (o *office) askEndpoint(cmd *cobra.Command, q question) error {
	var got endpointShown
	if err := o.ask(cmd, q, &got); err != nil {
		return err
	}
	return o.showEndpoint(cmd, got)
}

func (o *office) showEndpoint(cmd *cobra.Command, e endpointShown) error {
	if o.asJSON {
		return printJSON(cmd, e)
	}
	words, err := e.words()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s/%s\t%s\n", e.Account, words.ID, e.State)
	for _, line := range []struct{ name, value string }{
		{"name", words.Name},
		{"url", words.URL},
		{"disabled since", e.Status.DisabledAt},
		{"because", e.Status.Reason},
		{"failing since", e.Status.FailingSince},
		{"last success", e.Status.SucceededAt},
		{"pending", e.Status.pending()},
		{"oldest", e.Status.Oldest},
		{"next attempt", e.Status.NextAt},
	} {
		if line.value != "" {
			fmt.Fprintf(w, "  %s\t%s\n", line.name, line.value)
		}
	}
	for _, s := range e.Status.Secrets {
		fmt.Fprintf(w, "  secret\t%s\n", s.words())
	}
	fmt.Fprintf(w, "  configuration\t%s\n", e.Endpoint)
	if c := e.CatchUp; c != nil {
		fmt.Fprintf(w, "%s to it were given up meanwhile. To send them again:\n  %s\n", c.events(), c.command())
	}
	return w.Flush()
}

const endpointPutLong = `Make an endpoint what the file says, in the words of a catalog's file without the id:

  url: https://hooks.example.com/leads
  events: [lead.assigned]

One that is made gets a secret that its signatures are verified with. It is printed this once. "apply" makes the
catalog what its file says: write there what is to stay.`

func newEndpointPut() *cobra.Command {
	var o office
	var account, file string
	cmd := o.command("put ID -f FILE", "Make or replace an endpoint", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		if file == "" {
			return &misuse{errors.New("put needs -f FILE; - reads standard input")}
		}
		q := endpointQuestion("PUT", account, args[0], "")
		q.kind, q.body = "application/yaml", func() (io.ReadCloser, error) { return openFile(cmd, "endpoint", file) }
		var got endpointShown
		if err := o.ask(cmd, q, &got); err != nil {
			return err
		}
		if err := o.showEndpoint(cmd, got); err != nil || o.asJSON || got.Secret == "" {
			return err
		}
		return showSecret(cmd, got.Secret)
	})
	cmd.Long = endpointPutLong
	accountFlag(cmd, &account)
	cmd.Flags().StringVarP(&file, "file", "f", "", "the endpoint, as YAML or JSON; - reads standard input")
	return o.jsonFlag(cmd)
}

// openFile opens what a command reads; what names it in an error.
func openFile(cmd *cobra.Command, what, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return f, nil
}

func newEndpointDelete() *cobra.Command {
	var o office
	var account string
	cmd := o.command("delete ID", "Remove an endpoint and its secrets; what it is owed ends", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		err := o.ask(cmd, endpointQuestion("DELETE", account, args[0], ""), nil)
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), "removed", args[0])
		}
		return err
	})
	accountFlag(cmd, &account)
	return cmd
}

// newEndpointVerb is a command that asks for one thing and shows how the endpoint is then.
func newEndpointVerb(verb, short string) *cobra.Command {
	var o office
	var account string
	cmd := o.command(verb+" ID", short, cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		return o.askEndpoint(cmd, endpointQuestion("POST", account, args[0], verb))
	})
	accountFlag(cmd, &account)
	return o.jsonFlag(cmd)
}

func newEndpointTest() *cobra.Command {
	var o office
	var account string
	cmd := o.command("test ID", "Send an endpoint a test event now, and print what happens", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		var got struct {
			OK          bool   `json:"ok"`
			Delivery    int64  `json:"delivery,omitempty"`
			NotRecorded string `json:"not_recorded,omitempty"`
			attempt
		}
		if err := o.ask(cmd, endpointQuestion("POST", account, args[0], "test"), &got); err != nil {
			return err
		}
		if o.asJSON {
			if err := printJSON(cmd, got); err != nil {
				return err
			}
		} else {
			var text strings.Builder
			got.print(&text, "")
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n%s", got.At, got.outcome(), text.String())
			if got.Delivery != 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "its receipt: leadwire deliveries show %d --account %s\n", got.Delivery, account)
			}
		}
		if got.NotRecorded != "" {
			fmt.Fprintf(cmd.ErrOrStderr(), "its receipt could not be kept: %s (the node's log says more)\n", got.NotRecorded)
		}
		if !got.OK {
			return errors.New("the endpoint did not take the test event")
		}
		return nil
	})
	accountFlag(cmd, &account)
	return o.jsonFlag(cmd)
}
