package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// attempt is one as the API shows it, kept or not.
type attempt struct {
	At        string              `json:"at"`
	Phases    phases              `json:"phases_ms"`
	Status    int                 `json:"status,omitempty"`
	Error     string              `json:"error,omitempty"`
	Reason    string              `json:"reason,omitempty"`
	Address   string              `json:"address,omitempty"`
	Header    map[string][]string `json:"header,omitempty"`
	Body      string              `json:"body,omitempty"`
	Truncated bool                `json:"truncated,omitempty"`
}

type phases struct {
	Held    float64 `json:"held,omitempty"`
	Gather  float64 `json:"gather,omitempty"`
	Queue   float64 `json:"queue,omitempty"`
	Blocked float64 `json:"blocked,omitempty"`
	DNS     float64 `json:"dns,omitempty"`
	Connect float64 `json:"connect,omitempty"`
	TLS     float64 `json:"tls,omitempty"`
	First   float64 `json:"first,omitempty"`
	Body    float64 `json:"body,omitempty"`
	Total   float64 `json:"total,omitempty"`
}

// receipt is an attempt that is kept.
type receipt struct {
	Number      int    `json:"number"`
	Trigger     string `json:"trigger"`
	ScheduledAt string `json:"scheduled_at"`
	attempt
	Batch           string `json:"batch,omitempty"`
	Secret          string `json:"secret,omitempty"`
	CatalogRevision int64  `json:"catalog_revision"`
	OutOfOrder      bool   `json:"out_of_order,omitempty"`
	NextAt          string `json:"next_at,omitempty"`
}

// deliveryStory is a delivery with all that there is to say of it.
type deliveryStory struct {
	deliveryRow
	Payload       json.RawMessage `json:"payload,omitempty"`
	EndpointState string          `json:"endpoint_state,omitempty"`
	Forecast      []string        `json:"forecast"`
	TerminalAt    string          `json:"terminal_at,omitempty"`
	Receipts      []receipt       `json:"receipts"`
}

const deliveriesShowLong = `Print what happened to a delivery, and what will: each attempt with its parts and the endpoint's answer, and each attempt
to come, if all of them fail at once and nothing holds the endpoint up. --payload adds what it says.`

func newDeliveriesShow() *cobra.Command {
	var o office
	var account string
	var payload bool
	cmd := o.command("show N", "Print what happened to a delivery, and what will", numbered, func(cmd *cobra.Command, args []string) error {
		var d deliveryStory
		if err := o.ask(cmd, question{method: "GET", path: "/deliveries/" + args[0], query: set("account", account)}, &d); err != nil {
			return err
		}
		if !payload {
			d.Payload = nil
		}
		if o.asJSON {
			return printJSON(cmd, d)
		}
		_, err := io.WriteString(cmd.OutOrStdout(), d.text())
		return err
	})
	cmd.Long = deliveriesShowLong
	accountFlag(cmd, &account)
	cmd.Flags().BoolVar(&payload, "payload", false, "print what it says, too: the envelope, before the endpoint's shape")
	return o.jsonFlag(cmd)
}

// text is the story as a timeline.
func (d deliveryStory) text() string {
	var w strings.Builder
	again := ""
	if d.Replay {
		again = ", a replay"
	}
	fmt.Fprintf(&w, "delivery %d to %s/%s: %s\n", d.N, d.Account, d.Endpoint, d.State)
	fmt.Fprintf(&w, "  %s %s (announcement %d%s), about lead %s\n\n", d.Type, d.Event, d.Announcement, again, d.Lead)
	fmt.Fprintf(&w, "%s  owed\n", d.OwedAt)
	for _, r := range d.Receipts {
		r.print(&w)
	}
	if missing := d.Attempts - len(d.Receipts); missing > 0 {
		fmt.Fprintf(&w, "%24s  %s\n", "", count(missing, "attempt")+" more")
	}
	switch {
	case d.EndedAt != "":
		fmt.Fprintf(&w, "%s  %s\n", d.EndedAt, d.ended())
	default:
		fmt.Fprintf(&w, "\n%s\n", d.waits())
		for i, at := range d.Forecast {
			fmt.Fprintf(&w, "%s  %s\n", at, d.coming(i))
		}
	}
	if len(d.Payload) > 0 {
		fmt.Fprintf(&w, "\n%s\n", d.Payload)
	}
	return w.String()
}

func (d deliveryStory) ended() string {
	words := map[string]string{
		"delivered":  "delivered",
		"exhausted":  "given up at its terminal time",
		"suppressed": "not sent: its person was suppressed",
		"cancelled":  "cancelled",
	}[d.State]
	switch {
	case d.Type == "endpoint.test" && d.State == "exhausted":
		words = "not taken; a test is sent once"
	case words == "":
		words = d.State
	}
	if d.State != "delivered" && d.Reason != "" {
		words += "; the last of it: " + printable(d.Reason)
	}
	return words
}

// waits says what a pending one waits for.
func (d deliveryStory) waits() string {
	switch {
	case d.EndpointState == "":
		return "its endpoint is not in the catalog any more: it will end"
	case d.EndpointState == "paused" || d.EndpointState == "disabled" || d.EndpointState == "no_secret":
		return fmt.Sprintf("nothing is sent: the endpoint is %s (leadwire endpoint get %s). It was to be tried at", d.EndpointState, d.Endpoint)
	case d.DueAt == "":
		return "it waits behind an earlier delivery of its lead (leadwire deliveries list --lead " + d.Lead + ")"
	default:
		return "if every attempt fails at once, it is tried at"
	}
}

func (d deliveryStory) coming(i int) string {
	if i == len(d.Forecast)-1 {
		return fmt.Sprintf("attempt %d, the last: then it is given up", d.Attempts+i+1)
	}
	return fmt.Sprintf("attempt %d", d.Attempts+i+1)
}

func (r receipt) print(w *strings.Builder) {
	why := map[string]string{
		"first": "", "retry": "", "manual": ", asked for", "replay": ", a replay", "probe": ", a probe of a failing endpoint", "test": ", a test",
	}[r.Trigger]
	fmt.Fprintf(w, "%s  attempt %d%s: %s\n", r.At, r.Number, why, r.outcome())
	if r.OutOfOrder {
		fmt.Fprintf(w, "%26ssent although an earlier one of its lead had not arrived\n", "")
	}
	if r.Batch != "" {
		fmt.Fprintf(w, "%26sin batch %s (its webhook-id)\n", "", r.Batch)
	}
	r.attempt.print(w, strings.Repeat(" ", 26))
	if r.Secret != "" {
		fmt.Fprintf(w, "%26ssigned by %s, configured by catalog revision %d\n", "", r.Secret, r.CatalogRevision)
	}
}

// outcome is how it ended, in a line.
func (a attempt) outcome() string {
	text := printable(a.Reason)
	if text == "" && a.Status != 0 {
		text = strconv.Itoa(a.Status)
	}
	if a.Error == "" {
		return orElseText(text, "delivered")
	}
	return fmt.Sprintf("%s (%s)", orElseText(text, "failed"), a.Error)
}

func orElseText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// print writes what is known of it, a line each.
func (a attempt) print(w *strings.Builder, indent string) {
	if parts := a.Phases.words(); parts != "" {
		fmt.Fprintf(w, "%s%s\n", indent, parts)
	}
	if a.Address != "" {
		fmt.Fprintf(w, "%sat %s\n", indent, a.Address)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		fmt.Fprintf(w, "%s%s: %s\n", indent, name, printable(strings.Join(a.Header[name], ", ")))
	}
	if a.Body == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimRight(a.Body, "\r\n"), "\n") {
		fmt.Fprintf(w, "%s| %s\n", indent, printable(line))
	}
	if a.Truncated {
		fmt.Fprintf(w, "%s| ...\n", indent)
	}
}

// words are the parts that happened, in their order.
func (p phases) words() string {
	var parts []string
	for _, one := range []struct {
		ms   float64
		word string
	}{
		{p.Held, "%s behind an earlier one"},
		{p.Gather, "%s waiting for others of its batch"},
		{p.Queue, "%s waiting for its turn"},
		{p.Blocked, "%s of that for the endpoint"},
		{p.DNS, "%s looking up the name"},
		{p.Connect, "%s connecting"},
		{p.TLS, "%s TLS"},
		{p.First, "%s until the answer began"},
		{p.Body, "%s until it was read"},
		{p.Total, "%s the attempt in all"},
	} {
		if one.ms > 0 {
			parts = append(parts, fmt.Sprintf(one.word, spell(one.ms)))
		}
	}
	return strings.Join(parts, ", ")
}

// spell is a number of milliseconds, as exactly as it is of use.
func spell(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < time.Second:
		return d.Round(time.Microsecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// printable keeps a stranger's answer from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			return r
		}
		return '\uFFFD'
	}, strings.TrimRight(text, "\r"))
}
