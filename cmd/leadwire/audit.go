package main

import (
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

// auditPage is how many entries are asked for at once.
const auditPage = 1000

const auditLong = `Print who changed what, newest first: the time, who, what they did, the account, and what they did it to.
Subjects are ids or hashes. With --json one JSON object a line.`

// auditEntry is one as the API shows it.
type auditEntry struct {
	Seq     int64            `json:"seq"`
	At      string           `json:"at"`
	Actor   string           `json:"actor"`
	Action  string           `json:"action"`
	Account domain.AccountID `json:"account,omitempty"`
	Subject string           `json:"subject,omitempty"`
	Detail  string           `json:"detail,omitempty"`
}

func newAudit() *cobra.Command {
	var o office
	var account string
	var limit int
	cmd := o.command("audit", "Print who changed what, newest first", noArgs, func(cmd *cobra.Command, _ []string) error {
		if limit < 0 {
			return &misuse{errors.New("audit needs a --limit of 0 at least, which is no limit")}
		}
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error { return o.printAudit(cmd, d, account, limit) })
	})
	cmd.Long = auditLong
	fs := cmd.Flags()
	fs.StringVar(&account, "account", "", "only what was done to this account")
	fs.IntVar(&limit, "limit", 100, "how many at most; 0: all of them")
	return o.jsonFlag(cmd)
}

// printAudit goes back page by page. What is written meanwhile is newer than all of them, so nothing is
// missed or repeated.
func (o *office) printAudit(cmd *cobra.Command, d doer, account string, limit int) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	query := set("account", account)
	for left := limit; limit == 0 || left > 0; {
		size := auditPage
		if limit > 0 {
			size = min(size, left)
		}
		query.Set("limit", strconv.Itoa(size))
		var page struct {
			Entries []auditEntry `json:"entries"`
			Before  int64        `json:"before"`
		}
		if err := (question{method: "GET", path: "/audit", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return err
		}
		for _, e := range page.Entries {
			if o.asJSON {
				if err := printJSON(cmd, e); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.At, e.Actor, e.Action, orDash(string(e.Account)), orDash(e.Subject), e.Detail)
		}
		if left -= len(page.Entries); page.Before == 0 {
			break
		}
		query.Set("before", strconv.FormatInt(page.Before, 10))
	}
	return w.Flush()
}

// orDash keeps a column of a table where it is.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
