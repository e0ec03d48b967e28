package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

func newPixel() *cobra.Command {
	return group("pixel", "List pixels, and print what goes into their pages", newPixelList(), newPixelSnippet())
}

// pixelShown is one as the API shows it.
type pixelShown struct {
	Account domain.AccountID `json:"account"`
	Pixel   json.RawMessage  `json:"pixel"`
}

func newPixelList() *cobra.Command {
	var o office
	var account string
	cmd := o.command("list", "List pixels", noArgs, func(cmd *cobra.Command, _ []string) error {
		var got struct {
			Pixels []pixelShown `json:"pixels"`
		}
		if err := o.ask(cmd, question{method: "GET", path: "/pixels", query: set("account", account)}, &got); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, got)
		}
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, one := range got.Pixels {
			var p struct {
				ID      string   `json:"id"`
				Name    string   `json:"name"`
				Origins []string `json:"origins"`
				Paused  bool     `json:"paused"`
			}
			if err := json.Unmarshal(one.Pixel, &p); err != nil {
				return fmt.Errorf("read the API's answer: %w", err)
			}
			state := "on"
			if p.Paused {
				state = "paused"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.ID, one.Account, state, strings.Join(p.Origins, " "), p.Name)
		}
		return w.Flush()
	})
	cmd.Flags().StringVar(&account, "account", "", "only this account's")
	return o.jsonFlag(cmd)
}

// snippet is what a page has to hold. The first line takes commands that come before the script has; the image
// says its page's whole URL where the browser lets it.
const snippet = `<script>window.leadwire=window.leadwire||function(){(leadwire.q=leadwire.q||[]).push(arguments)}</script>
<script async src="%[1]s/p.js?id=%[2]s"></script>
<noscript><img src="%[1]s/p.gif?px=%[2]s" referrerpolicy="no-referrer-when-downgrade" width="1" height="1" alt=""></noscript>
`

func newPixelSnippet() *cobra.Command {
	var o office
	var base string
	cmd := o.command("snippet ID --url URL", "Print the HTML that goes into a pixel's pages", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		u, err := url.Parse(base)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(base, "\"<>'") {
			return &misuse{errors.New("snippet needs --url: where browsers reach the node, as https://leads.example.com")}
		}
		var got pixelShown
		if err := o.ask(cmd, question{method: "GET", path: "/pixels/" + url.PathEscape(args[0])}, &got); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), snippet, strings.TrimSuffix(base, "/"), args[0])
		return nil
	})
	cmd.Flags().StringVar(&base, "url", "", "where browsers reach the node, as https://leads.example.com")
	return cmd
}
