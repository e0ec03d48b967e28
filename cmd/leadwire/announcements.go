package main

import (
	"encoding/json"
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
		return withAPI(cmd.Context(), o.settings, o.log, func(d doer) error {
			for {
				var page struct {
					Announcements []json.RawMessage `json:"announcements"`
					After         int64             `json:"after"`
				}
				q := question{method: "GET", path: "/announcements", query: set("account", account, "shape", shape, "after", strconv.FormatInt(after, 10), "limit", "500")}
				if err := q.ask(cmd.Context(), d, &page); err != nil {
					if follow && cmd.Context().Err() != nil {
						return nil // told to stop
					}
					return err
				}
				for _, one := range page.Announcements {
					if err := printJSON(cmd, one); err != nil {
						return err
					}
				}
				after = page.After
				if len(page.Announcements) > 0 {
					continue
				}
				if !follow {
					return nil
				}
				select {
				case <-cmd.Context().Done():
					return nil
				case <-time.After(followEvery):
				}
			}
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
