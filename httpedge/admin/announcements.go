package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// A page of announcements: 500 of some 3 KB are 1.5 MB.
const (
	announcementsLimit    = 100
	maxAnnouncementsLimit = 500
)

type announcementRow struct {
	Seq     int64                   `json:"seq"`
	ID      domain.EventID          `json:"id"`
	Type    domain.AnnouncementType `json:"type"`
	Lead    domain.LeadID           `json:"lead"`
	Pixel   domain.PixelID          `json:"pixel,omitempty"`
	At      stamp                   `json:"at"`
	Payload json.RawMessage         `json:"payload"`
}

type announcementPage struct {
	Announcements []announcementRow `json:"announcements"`
	// After is where the next page begins; as it was asked for when there is nothing new.
	After int64 `json:"after"`
}

// announcements answers GET /announcements: what leaves an account, in order, from a place on.
func (a *API) announcements(ctx context.Context, c *Call) Reply {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return fail(err)
	}
	after, err := c.number("after", 0, 0, math.MaxInt64)
	if err != nil {
		return fail(err)
	}
	limit, err := c.number("limit", announcementsLimit, 1, maxAnnouncementsLimit)
	if err != nil {
		return fail(err)
	}
	shape, err := a.shape(account, c.Query("shape"))
	if err != nil {
		return fail(err)
	}
	list, err := a.deps.Store.Announcements(ctx, account, after, int(limit))
	if err != nil {
		return fail(fmt.Errorf("list announcements: %w", err))
	}
	page := announcementPage{Announcements: []announcementRow{}, After: after}
	for _, one := range list {
		payload := one.Payload
		if shape != nil {
			if payload, err = shape.Apply(payload); err != nil {
				return fail(fmt.Errorf("shape announcement %s: %w", one.ID, err))
			}
		}
		page.Announcements = append(page.Announcements, announcementRow{one.Seq, one.ID, one.Type, one.Lead, one.Pixel, stamp(one.At), payload})
		page.After = one.Seq
	}
	return Reply{Body: page}
}

// shape finds one of the account's shapes, or a preset that comes with the program.
func (a *API) shape(account domain.AccountID, id string) (*delivery.Shape, error) {
	if id == "" {
		return nil, nil
	}
	if known := a.deps.Directory().Account(account); known != nil {
		for _, s := range known.Shapes {
			if s.ID == id {
				return delivery.NewShape(s)
			}
		}
	}
	if slices.Contains(delivery.Presets(), id) {
		return delivery.NewShape(domain.Shape{ID: id, Preset: id})
	}
	return nil, domain.FailField("find shape", "shape", fmt.Sprintf("%q is neither a shape of the account nor a preset", id))
}
