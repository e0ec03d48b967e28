package main

import (
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/httpedge/apikey"
)

func newKey() *cobra.Command {
	return group("key", "Make and revoke the keys by which programs use /api/v1", newKeyCreate(), newKeyList(), newKeyRevoke())
}

// apiKey is one as the API shows it.
type apiKey struct {
	ID        string   `json:"id"`
	Account   string   `json:"account,omitempty"`
	Name      string   `json:"name,omitempty"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"`
	ExpiresAt string   `json:"expires_at,omitempty"`
	Key       string   `json:"key,omitempty"`
}

func newKeyCreate() *cobra.Command {
	var o office
	var account, name string
	var scopes []string
	var valid time.Duration
	cmd := o.command("create --scope SCOPE,...", "Make an API key, and show it this once", noArgs, func(cmd *cobra.Command, _ []string) error {
		asked := map[string]any{"scopes": scopes, "account": account, "name": name}
		if valid != 0 {
			asked["expires_at"] = time.Now().Add(valid).UTC().Format(time.RFC3339)
		}
		var k apiKey
		if err := o.ask(cmd, question{method: "POST", path: "/keys", kind: "application/json", body: jsonBody(asked)}, &k); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, k)
		}
		fmt.Fprintln(cmd.OutOrStdout(), k.Key)
		fmt.Fprintln(cmd.ErrOrStderr(), "it is not kept, and not shown again")
		return nil
	})
	fs := cmd.Flags()
	fs.StringVar(&account, "account", "", "the only account it can be used for; left out: every account")
	fs.StringVar(&name, "name", "", "what it is for")
	fs.StringSliceVar(&scopes, "scope", nil, "what it may do: "+strings.Join(scopeNames(), ", "))
	fs.DurationVar(&valid, "valid", 0, "how long it is good, as 2160h; 0: until it is revoked")
	return o.jsonFlag(cmd)
}

func scopeNames() []string {
	var names []string
	for _, s := range apikey.Scopes() {
		names = append(names, string(s))
	}
	return names
}

func newKeyList() *cobra.Command {
	var o office
	return o.jsonFlag(o.command("list", "List API keys, without their secrets", noArgs, func(cmd *cobra.Command, _ []string) error {
		var got struct {
			Keys []apiKey `json:"keys"`
		}
		if err := o.ask(cmd, question{method: "GET", path: "/keys"}, &got); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, got)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, k := range got.Keys {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, orDash(k.Account), k.CreatedAt, orDash(k.ExpiresAt), strings.Join(k.Scopes, ","), k.Name)
		}
		return w.Flush()
	}))
}

func newKeyRevoke() *cobra.Command {
	var o office
	return o.command("revoke ID", "Revoke an API key: every node refuses it within a second", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		err := o.ask(cmd, question{method: "DELETE", path: "/keys/" + url.PathEscape(args[0])}, nil)
		if err == nil {
			fmt.Fprintln(cmd.OutOrStdout(), "revoked", args[0])
		}
		return err
	})
}
