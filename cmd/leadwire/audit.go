package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

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

func (o *office) printAudit(cmd *cobra.Command, d doer, account string, limit int) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	query := set("account", account)
	err := goBack(query, limit, func() (int, int64, error) {
		var page struct {
			Entries []auditEntry `json:"entries"`
			Before  int64        `json:"before"`
		}
		if err := (question{method: "GET", path: "/audit", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return 0, 0, err
		}
		for _, e := range page.Entries {
			if o.asJSON {
				if err := printJSON(cmd, e); err != nil {
					return 0, 0, err
				}
				continue
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.At, e.Actor, e.Action, orDash(string(e.Account)), orDash(e.Subject), e.Detail)
		}
		return len(page.Entries), page.Before, nil
	})
	if err != nil {
		return err
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
