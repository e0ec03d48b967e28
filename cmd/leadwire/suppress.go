package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/admin"
)

func newSuppress() *cobra.Command {
	return group("suppress", "Say who and what must not be identified",
		newSuppressAdd(), newSuppressRemove(), newSuppressList(), newSuppressImport())
}

// reach is where a suppression holds.
type reach struct{ scope, account, pixel, reason string }

func (r *reach) bind(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&r.scope, "scope", "", "global, account or pixel; left out: pixel if one is named, else account")
	fs.StringVar(&r.account, "account", "", "whose it is; not for the global scope")
	fs.StringVar(&r.pixel, "pixel", "", "the pixel, for that scope")
	fs.StringVar(&r.reason, "reason", "", "why, for whoever asks later")
}

// suppression is one as the API shows it.
type suppression struct {
	ID        string           `json:"id"`
	Scope     string           `json:"scope"`
	Account   domain.AccountID `json:"account,omitempty"`
	Pixel     domain.PixelID   `json:"pixel,omitempty"`
	Kind      string           `json:"kind"`
	Value     string           `json:"value,omitempty"`
	HEMs      []domain.HEM     `json:"hems,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	CreatedAt string           `json:"created_at"`
}

func newSuppressAdd() *cobra.Command {
	var o office
	var r reach
	var kind string
	cmd := o.command("add VALUE", "Suppress an e-mail or its hash, a phone, a person, a company, a region, a network or a path", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			var got struct {
				Suppressions []suppression `json:"suppressions"`
				Revision     int64         `json:"revision"`
			}
			err := o.ask(cmd, question{method: "POST", path: "/suppressions", kind: "application/json", body: jsonBody(map[string]string{
				"kind": kind, "value": args[0], "scope": r.scope, "account": r.account, "pixel": r.pixel, "reason": r.reason,
			})}, &got)
			if err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd, got)
			}
			for _, s := range got.Suppressions {
				fmt.Fprintf(cmd.OutOrStdout(), "suppressed: %s %s (revision %d)\n", s.Kind, s.ID, got.Revision)
			}
			return nil
		})
	r.bind(cmd)
	cmd.Flags().StringVar(&kind, "kind", string(domain.SuppressEmail), "email, phone, person, company, region, network or path")
	return o.jsonFlag(cmd)
}

func newSuppressRemove() *cobra.Command {
	var o office
	return o.command("remove ID", "Lift a suppression", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		err := o.ask(cmd, question{method: "DELETE", path: "/suppressions/" + url.PathEscape(args[0])}, nil)
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), "removed", args[0])
		}
		return err
	})
}

func newSuppressList() *cobra.Command {
	var o office
	var r reach
	var kind string
	cmd := o.command("list", "List suppressions that were added by this command or the API; those of the catalog stand there", noArgs,
		func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			query := set("scope", r.scope, "account", r.account, "pixel", r.pixel, "kind", kind, "limit", "1000")
			for {
				var page struct {
					Suppressions []suppression `json:"suppressions"`
					NextCursor   string        `json:"next_cursor"`
				}
				if err := o.ask(cmd, question{method: "GET", path: "/suppressions", query: query}, &page); err != nil {
					return err
				}
				for _, s := range page.Suppressions {
					if o.asJSON {
						if err := printJSON(cmd, s); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.where(), s.Kind, s.what(), s.CreatedAt, s.Reason)
				}
				if page.NextCursor == "" {
					return w.Flush()
				}
				query.Set("cursor", page.NextCursor)
			}
		})
	r.bind(cmd)
	cmd.Flags().StringVar(&kind, "kind", "", "only those of this kind")
	return o.jsonFlag(cmd)
}

func (s suppression) where() string {
	switch {
	case s.Pixel != "":
		return string(s.Account) + "/" + string(s.Pixel)
	case s.Account != "":
		return string(s.Account)
	}
	return s.Scope
}

func (s suppression) what() string {
	if s.Value != "" || len(s.HEMs) == 0 {
		return s.Value
	}
	h := s.HEMs[0]
	return h.SHA256 + orElse(h.SHA256, h.SHA1) + orElse(h.SHA256+h.SHA1, h.MD5)
}

// orElse is b where there is no a.
func orElse(a, b string) string {
	if a != "" {
		return ""
	}
	return b
}

const importLong = `Add suppressions from a file: CSV whose first line names columns of kind, value, scope, pixel and reason,
or one column of e-mails or their MD5, SHA-1 or SHA-256, with a header or without. At most 64 MiB. Lines that
cannot be taken are reported with their number, and the others are in force all the same.`

func newSuppressImport() *cobra.Command {
	var o office
	var r reach
	cmd := o.command("import FILE", "Add suppressions from a CSV file; - reads standard input", cobra.ExactArgs(1),
		func(cmd *cobra.Command, args []string) error {
			var got admin.Imported
			err := o.ask(cmd, question{
				method: "POST", path: "/suppressions/import", kind: "text/csv", query: set("scope", r.scope, "account", r.account, "pixel", r.pixel, "reason", r.reason),
				body: func() (io.ReadCloser, error) { return openInput(cmd, args[0]) },
			}, &got)
			if err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd, got)
			}
			for _, one := range got.Rejects {
				fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %s %s\n", one.Line, one.Field, one.Reason)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d lines taken, %d rejected (revision %d)\n", got.Taken, got.Rejected, got.Revision)
			return nil
		})
	cmd.Long = importLong
	r.bind(cmd)
	return o.jsonFlag(cmd)
}

func openInput(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read suppressions: %w", err)
	}
	return f, nil
}
