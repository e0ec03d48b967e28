package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

const maxPixelBody = 256 << 10 // hundreds of paths and filters

// pixelRow is a pixel in the words of a catalog's file, as JSON: durations are "30m", not nanoseconds.
type pixelRow struct {
	Account domain.AccountID `json:"account"`
	Pixel   json.RawMessage  `json:"pixel"`
}

func rowOfPixel(account domain.AccountID, p domain.Pixel) (pixelRow, error) {
	plain, err := wordsOf(p)
	if err != nil {
		return pixelRow{}, fmt.Errorf("write pixel: %w", err)
	}
	if rules, ok := plain["announce"].(map[string]any); ok && len(rules) == 0 {
		delete(plain, "announce")
	}
	b, err := json.Marshal(plain)
	return pixelRow{account, b}, err
}

// pixels answers GET /pixels.
func (a *API) pixels(_ context.Context, c *Call) Reply {
	account := c.Caller.Account
	if said := c.Query("account"); account != "" || said != "" {
		var err error
		if account, err = a.known(c, said); err != nil {
			return fail(err)
		}
	}
	catalog := a.deps.Directory().Catalog
	rows := []pixelRow{}
	for _, one := range catalog.Accounts {
		if account != "" && one.ID != account {
			continue
		}
		for _, p := range one.Pixels {
			row, err := rowOfPixel(one.ID, p)
			if err != nil {
				return fail(err)
			}
			rows = append(rows, row)
		}
	}
	return Reply{ETag: tag(catalog.Revision), Body: struct {
		Pixels []pixelRow `json:"pixels"`
	}{rows}}
}

var errNoPixel = domain.Fail("find pixel", domain.NotFound, errors.New("no such pixel")) //nolint:gochecknoglobals // a constant

// pixel answers GET /pixels/{id}. Another account's is not there.
func (a *API) pixel(_ context.Context, c *Call) Reply {
	dir := a.deps.Directory()
	px := dir.Pixel(domain.PixelID(c.Param))
	if px == nil || (c.Caller.Account != "" && px.Account != c.Caller.Account) {
		return fail(errNoPixel)
	}
	row, err := rowOfPixel(px.Account, px.Pixel)
	if err != nil {
		return fail(err)
	}
	return Reply{ETag: tag(dir.Catalog.Revision), Body: row}
}

// putPixel answers PUT /pixels/{id}: the pixel becomes what the body says, or comes into being. If-Match
// refuses it when the catalog has changed since it was read.
func (a *API) putPixel(ctx context.Context, c *Call) Reply {
	const op = "put pixel"
	body, err := c.body(maxPixelBody)
	if err != nil {
		return fail(err)
	}
	var p domain.Pixel
	if err := readWords("pixel", body, &p); err != nil {
		return fail(err)
	}
	if p.ID == "" {
		p.ID = domain.PixelID(c.Param)
	}
	if string(p.ID) != c.Param {
		return fail(domain.FailField(op, "id", "is not the one in the path"))
	}
	expect, err := expected(c)
	if err != nil {
		return fail(err)
	}
	account, err := a.owner(c)
	if err != nil {
		return fail(err)
	}
	made := false
	revision, err := a.deps.Catalog.Edit(ctx, expect, a.pixelEntry(c, "pixel.put", account, p.ID), func(next *domain.Catalog) error {
		pixels, i := find(next, account, p.ID)
		if pixels == nil {
			return domain.Fail(op, domain.NotFound, fmt.Errorf("no account %q", account))
		}
		if made = i < 0; made {
			*pixels = append(slices.Clone(*pixels), p)
			return nil
		}
		*pixels = slices.Clone(*pixels)
		(*pixels)[i] = p
		return nil
	})
	if err != nil {
		return fail(err)
	}
	row, err := rowOfPixel(account, p)
	if err != nil {
		return fail(err)
	}
	reply := Reply{ETag: tag(revision), Body: row}
	if made {
		reply.Status = 201
	}
	return reply
}

// owner is whose pixel a call is about: that of one that exists, or else the account that is named. Another
// account's id is taken, which is all that is said of it.
func (a *API) owner(c *Call) (domain.AccountID, error) {
	px := a.deps.Directory().Pixel(domain.PixelID(c.Param))
	if px == nil {
		return a.known(c, c.Query("account"))
	}
	if _, err := c.account(string(px.Account)); err != nil {
		return "", domain.Fail("find pixel", domain.Conflict, errors.New("the id is taken: pixels' ids are unique among all accounts"))
	}
	return px.Account, nil
}

// deletePixel answers DELETE /pixels/{id}. Its suppressions in the catalog go with it.
func (a *API) deletePixel(ctx context.Context, c *Call) Reply {
	id := domain.PixelID(c.Param)
	px := a.deps.Directory().Pixel(id)
	if px == nil || (c.Caller.Account != "" && px.Account != c.Caller.Account) {
		return fail(errNoPixel)
	}
	expect, err := expected(c)
	if err != nil {
		return fail(err)
	}
	if _, err := a.deps.Catalog.Edit(ctx, expect, a.pixelEntry(c, "pixel.delete", px.Account, id), func(next *domain.Catalog) error {
		pixels, i := find(next, px.Account, id)
		if pixels == nil || i < 0 {
			return errNoPixel
		}
		*pixels = slices.Delete(slices.Clone(*pixels), i, i+1)
		for n := range next.Accounts {
			if next.Accounts[n].ID == px.Account {
				next.Accounts[n].Suppress = slices.DeleteFunc(slices.Clone(next.Accounts[n].Suppress), func(s domain.CatalogSuppression) bool { return s.Pixel == id })
			}
		}
		return nil
	}); err != nil {
		return fail(err)
	}
	return Reply{Status: 204}
}

func (a *API) pixelEntry(c *Call, action string, account domain.AccountID, id domain.PixelID) domain.AuditEntry {
	entry := a.entry(c, action, account)
	entry.Subject = "pixel " + string(id)
	return entry
}

// find is an account's pixels and the place of one; nil when there is no such account, -1 when no such pixel.
func find(c *domain.Catalog, account domain.AccountID, id domain.PixelID) (*[]domain.Pixel, int) {
	for i := range c.Accounts {
		if c.Accounts[i].ID == account {
			return &c.Accounts[i].Pixels, slices.IndexFunc(c.Accounts[i].Pixels, func(p domain.Pixel) bool { return p.ID == id })
		}
	}
	return nil, -1
}
