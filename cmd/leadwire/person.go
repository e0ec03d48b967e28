package main

import (
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leadwire/leadwire/actors/domain"
)

const personLong = `KEY is an e-mail, its MD5, SHA-1 or SHA-256 in hexadecimal digits, a phone as +14155552671 or its SHA-256, or a
person's id.`

func newPerson() *cobra.Command {
	return group("person", "Find or erase what is kept of somebody", newPersonFind(), newPersonErase())
}

func personQuestion(method, account, key string) question {
	return question{method: method, path: "/people/" + url.PathEscape(key), query: set("account", account)}
}

func newPersonFind() *cobra.Command {
	var o office
	var account string
	cmd := o.command("find KEY", "Print what an account keeps of somebody", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		var found domain.Belongings
		if err := o.ask(cmd, personQuestion("GET", account, args[0]), &found); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, found)
		}
		showBelongings(cmd, found)
		return nil
	})
	cmd.Long = "Print what an account keeps of somebody.\n\n" + personLong
	cmd.Flags().StringVar(&account, "account", "", "the account")
	return o.jsonFlag(cmd)
}

func showBelongings(cmd *cobra.Command, found domain.Belongings) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "persons %v\nvisitors %v\nleads %v\n%d links, %d records of the graph\n",
		found.Persons, found.Visitors, found.Leads, found.Links, len(found.Records))
	if found.Suppressed != "" {
		fmt.Fprintf(w, "suppressed by %s\n", found.Suppressed)
	}
}

const eraseLong = `Remove everything an account keeps of somebody, and suppress them from the same commit on. What is removed does
not come back, so without --yes it only says what it would remove.

The graph's file is not changed: whoever is suppressed is not looked up in it. Leave them out when it is built anew.
Copies made by backup keep what they had.`

func newPersonErase() *cobra.Command {
	var o office
	var account string
	var yes bool
	cmd := o.command("erase KEY", "Erase and suppress somebody", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		w := cmd.OutOrStdout()
		if !yes {
			var found domain.Belongings
			if err := o.ask(cmd, personQuestion("GET", account, args[0]), &found); err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd, found)
			}
			showBelongings(cmd, found)
			fmt.Fprintln(w, "nothing was erased: --yes does it")
			return nil
		}
		var erased struct {
			Removed  map[string]int64 `json:"removed"`
			Revision int64            `json:"suppression_revision"`
		}
		if err := o.ask(cmd, personQuestion("DELETE", account, args[0]), &erased); err != nil {
			return err
		}
		if o.asJSON {
			return printJSON(cmd, erased)
		}
		for _, table := range slices.Sorted(maps.Keys(erased.Removed)) {
			fmt.Fprintf(w, "%s: %d\n", table, erased.Removed[table])
		}
		fmt.Fprintf(w, "erased and suppressed (revision %d)\n", erased.Revision)
		return nil
	})
	cmd.Long = eraseLong + "\n\n" + personLong
	cmd.Flags().StringVar(&account, "account", "", "the account")
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return o.jsonFlag(cmd)
}
