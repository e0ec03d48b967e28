package admin

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

const (
	// maxAdd is how many suppressions one request adds, in one commit; an import adds as many at a time.
	maxAdd         = 1000
	maxAddBody     = 1 << 20
	maxReason      = 200
	listLimit      = 100
	maxListLimit   = 1000
	listPage       = 1000
	maxPagesLooked = 20 // of one request that looks for few among many; the cursor goes on from there
)

type suppressionRow struct {
	ID        string                  `json:"id"`
	Revision  int64                   `json:"revision"`
	Scope     domain.SuppressionScope `json:"scope"`
	Account   domain.AccountID        `json:"account,omitempty"`
	Pixel     domain.PixelID          `json:"pixel,omitempty"`
	Kind      domain.SuppressionKind  `json:"kind"`
	Value     string                  `json:"value,omitempty"`
	HEMs      []domain.HEM            `json:"hems,omitempty"`
	Reason    string                  `json:"reason,omitempty"`
	CreatedAt stamp                   `json:"created_at"`
}

func rowOfSuppression(s domain.Suppression) suppressionRow {
	row := suppressionRow{s.ID, s.Revision, s.Scope, s.Account, s.Pixel, s.Kind, s.Value, s.HEMs, s.Reason, stamp(s.CreatedAt)}
	if s.Kind == domain.SuppressNetwork && row.Value == "" {
		row.Value = s.Network.String()
	}
	return row
}

// suppressions answers GET /suppressions: those that were added through this API and are in force, in the order
// they were added. What the catalog suppresses stands in the catalog.
func (a *API) suppressions(ctx context.Context, c *Call) Reply {
	account := c.Caller.Account
	if said := c.Query("account"); account != "" || said != "" {
		var err error
		if account, err = a.known(c, said); err != nil {
			return fail(err)
		}
	}
	limit, err := c.number("limit", listLimit, 1, maxListLimit)
	if err != nil {
		return fail(err)
	}
	revision, id, err := parseCursor(c.Query("cursor"))
	if err != nil {
		return fail(err)
	}
	scope, kind, pixel := domain.SuppressionScope(c.Query("scope")), domain.SuppressionKind(c.Query("kind")), domain.PixelID(c.Query("pixel"))
	wanted := func(s domain.Suppression) bool {
		return !s.Removed && (account == "" || s.Account == account) && (scope == "" || s.Scope == scope) &&
			(kind == "" || s.Kind == kind) && (pixel == "" || s.Pixel == pixel)
	}
	out := struct {
		Suppressions []suppressionRow `json:"suppressions"`
		NextCursor   string           `json:"next_cursor,omitempty"` // absent on the last page; a page may be short, or empty
	}{Suppressions: []suppressionRow{}}
	for range maxPagesLooked {
		page, err := a.deps.Store.SuppressionsSince(ctx, revision, id, listPage)
		if err != nil {
			return fail(fmt.Errorf("list suppressions: %w", err))
		}
		for _, s := range page {
			if wanted(s) {
				if len(out.Suppressions) == int(limit) {
					out.NextCursor = cursor(revision, id)
					return Reply{Body: out}
				}
				out.Suppressions = append(out.Suppressions, rowOfSuppression(s))
			}
			revision, id = s.Revision, s.ID
		}
		if len(page) < listPage {
			return Reply{Body: out}
		}
	}
	out.NextCursor = cursor(revision, id)
	return Reply{Body: out}
}

// A cursor is the place of the last row that was looked at. It is opaque so that it can become something else:
// the letter says which form it is.
const cursorForm = "s"

func cursor(revision int64, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorForm + strconv.FormatInt(revision, 10) + "/" + id))
}

func parseCursor(text string) (revision int64, id string, err error) {
	if text == "" {
		return 0, "", nil
	}
	bad := domain.FailField("read query", "cursor", "must be a next_cursor of an earlier page")
	plain, decodeErr := base64.RawURLEncoding.DecodeString(text)
	rest, ok := strings.CutPrefix(string(plain), cursorForm)
	digits, id, cut := strings.Cut(rest, "/")
	if decodeErr != nil || !ok || !cut || !domain.CheckForeignID(id) {
		return 0, "", bad
	}
	if revision, err = strconv.ParseInt(digits, 10, 64); err != nil || revision < 0 {
		return 0, "", bad
	}
	return revision, id, nil
}

// wish is a suppression as a caller writes it.
type wish struct {
	Scope   domain.SuppressionScope `json:"scope"`   // left out: that of the pixel if one is named, of the account otherwise
	Account string                  `json:"account"` // a key of the platform has to name it, but for the global scope
	Pixel   domain.PixelID          `json:"pixel"`
	Kind    domain.SuppressionKind  `json:"kind"`
	Value   string                  `json:"value"`
	Reason  string                  `json:"reason"`
}

// suppression makes one of a wish.
func (a *API) suppression(c *Call, w wish) (domain.Suppression, error) {
	const op = "read suppression"
	if w.Scope == "" {
		w.Scope = domain.AccountScope
		if w.Pixel != "" {
			w.Scope = domain.PixelScope
		}
	}
	if len(w.Reason) > maxReason {
		return domain.Suppression{}, domain.FailField(op, "reason", fmt.Sprintf("must be at most %d bytes", maxReason))
	}
	var account domain.AccountID
	switch w.Scope {
	case domain.GlobalScope:
		if c.Caller.Account != "" {
			return domain.Suppression{}, domain.Fail(op, domain.Forbidden, errors.New("scope: an API key of one account cannot suppress in all"))
		}
		if w.Account != "" {
			return domain.Suppression{}, domain.FailField(op, "account", "must be left out: the scope is global")
		}
	case domain.AccountScope, domain.PixelScope:
		var err error
		if account, err = a.known(c, w.Account); err != nil {
			return domain.Suppression{}, err
		}
	default:
		return domain.Suppression{}, domain.FailField(op, "scope", fmt.Sprintf("%q must be one of: global, account, pixel", w.Scope))
	}
	if px := a.deps.Directory().Pixel(w.Pixel); w.Scope == domain.PixelScope && (px == nil || px.Account != account) {
		return domain.Suppression{}, domain.FailField(op, "pixel", fmt.Sprintf("%q is not a pixel of the account", w.Pixel))
	}
	if w.Scope != domain.PixelScope && w.Pixel != "" {
		return domain.Suppression{}, domain.FailField(op, "pixel", "must be left out: the scope is "+string(w.Scope))
	}
	return identity.NewSuppression(w.Scope, account, w.Pixel, w.Kind, w.Value, w.Reason, a.deps.Clock.Now().UTC())
}

// suppress answers POST /suppressions: one, or an array. All of them are added, or none. When it has answered
// they are in force on every node.
func (a *API) suppress(ctx context.Context, c *Call) Reply {
	body, err := c.body(maxAddBody)
	if err != nil {
		return fail(err)
	}
	wishes, err := readWishes(body)
	if err != nil {
		return fail(err)
	}
	add := make([]domain.Suppression, 0, len(wishes))
	for i, w := range wishes {
		s, err := a.suppression(c, w)
		if err != nil {
			return fail(at(fmt.Sprintf("[%d]", i), len(wishes) > 1, err))
		}
		add = append(add, s)
	}
	revision, err := a.deps.Store.Suppress(ctx, add, nil, a.suppressEntry(c, add))
	if err != nil {
		return fail(fmt.Errorf("add suppressions: %w", err))
	}
	rows := make([]suppressionRow, 0, len(add))
	for _, s := range add {
		s.Revision = revision
		rows = append(rows, rowOfSuppression(s))
	}
	return Reply{Status: 201, Body: struct {
		Suppressions []suppressionRow `json:"suppressions"`
		Revision     int64            `json:"revision"`
	}{rows, revision}}
}

// suppressEntry names one suppression by its id, and many by their number.
func (a *API) suppressEntry(c *Call, add []domain.Suppression) domain.AuditEntry {
	entry := a.entry(c, "suppress", c.Caller.Account)
	entry.Detail = fmt.Sprintf("%d suppressions", len(add))
	if len(add) == 1 {
		entry.Subject, entry.Account, entry.Detail = add[0].ID, add[0].Account, string(add[0].Kind)
	}
	return entry
}

func readWishes(body []byte) ([]wish, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		var one wish
		err := decode(body, &one)
		return []wish{one}, err
	}
	var many []wish
	if err := decode(body, &many); err != nil {
		return nil, err
	}
	if len(many) < 1 || len(many) > maxAdd {
		return nil, domain.Fail("read suppressions", domain.Invalid, fmt.Errorf("must be 1 to %d, are %d; POST /api/v1/suppressions/import takes more", maxAdd, len(many)))
	}
	return many, nil
}

// at puts a fault's field where it stands in an array.
func at(place string, many bool, err error) error {
	var e *domain.Error
	if !many || !errors.As(err, &e) {
		return err
	}
	field := place
	if e.Field != "" {
		field += "." + e.Field
	}
	return &domain.Error{Op: e.Op, Code: e.Code, Field: field, Err: e.Err}
}

// unsuppress answers DELETE /suppressions/{id}.
func (a *API) unsuppress(ctx context.Context, c *Call) Reply {
	const op = "remove suppression"
	none := domain.Fail(op, domain.NotFound, errors.New("no such suppression"))
	if !domain.CheckForeignID(c.Param) {
		return fail(none)
	}
	found, err := a.findSuppression(ctx, c.Param)
	if err != nil {
		return fail(err)
	}
	if found == nil || (c.Caller.Account != "" && found.Account != c.Caller.Account) {
		return fail(none)
	}
	entry := a.entry(c, "unsuppress", found.Account)
	entry.Subject, entry.Detail = found.ID, string(found.Kind)
	if _, err := a.deps.Store.Suppress(ctx, nil, []string{found.ID}, entry); err != nil {
		return fail(fmt.Errorf("remove suppression: %w", err))
	}
	return Reply{Status: 204}
}

// findSuppression reads all until it meets the one: whose it is decides who may remove it, and it is rarely asked.
func (a *API) findSuppression(ctx context.Context, wanted string) (*domain.Suppression, error) {
	for revision, id := int64(0), ""; ; {
		page, err := a.deps.Store.SuppressionsSince(ctx, revision, id, listPage)
		if err != nil {
			return nil, fmt.Errorf("find suppression: %w", err)
		}
		for i := range page {
			if page[i].ID == wanted && !page[i].Removed {
				return &page[i], nil
			}
		}
		if len(page) < listPage {
			return nil, nil
		}
		revision, id = page[len(page)-1].Revision, page[len(page)-1].ID
	}
}
