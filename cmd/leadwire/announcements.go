package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// followEvery is the pause of --follow when there is nothing new.
const followEvery = time.Second

const announcementsLong = `Print what leaves an account, oldest first, one JSON object a line: its seq, id, type, lead, and the payload as
endpoints are sent it. --after goes on behind a seq.`

func newAnnouncements() *cobra.Command {
	var o office
	var account, shape string
	var after int64
	var follow bool
	cmd := o.command("announcements", "Print the events that leave an account", noArgs, func(cmd *cobra.Command, _ []string) error {
		query := set("account", account, "shape", shape, "limit", "500")
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error {
			err := printAnnouncements(cmd, d, query, after, follow)
			if follow && cmd.Context().Err() != nil {
				err = nil // told to stop
			}
			return err
		})
	})
	cmd.Long = announcementsLong
	fs := cmd.Flags()
	fs.StringVar(&account, "account", "", "the account")
	fs.StringVar(&shape, "shape", "", "one of the account's shapes, or a preset; left out: the envelope")
	fs.Int64Var(&after, "after", 0, "begin behind this seq")
	fs.BoolVar(&follow, "follow", false, "wait for more")
	return cmd
}

// printAnnouncements goes on page by page, to the end or, when it follows, until its context ends.
func printAnnouncements(cmd *cobra.Command, d doer, query url.Values, after int64, follow bool) error {
	for {
		query.Set("after", strconv.FormatInt(after, 10))
		var page struct {
			Announcements []json.RawMessage `json:"announcements"`
			After         int64             `json:"after"`
		}
		if err := (question{method: "GET", path: "/announcements", query: query}).ask(cmd.Context(), d, &page); err != nil {
			return err
		}
		for _, one := range page.Announcements {
			if err := printJSON(cmd, one); err != nil {
				return err
			}
		}
		after = page.After
		switch {
		case len(page.Announcements) > 0:
			continue
		case !follow:
			return nil
		}
		select {
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		case <-time.After(followEvery):
		}
	}
}
