package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/leadwire/leadwire/httpedge/source"
)

const (
	// maxEventsBody: 50 hits at their longest.
	maxEventsBody     = 1 << 20
	maxIdempotencyKey = 200
	// putOff is how long a server is asked to wait when nothing could be kept.
	putOff = 5 * time.Second
)

// Outcomes of a hit.
const (
	kept      = "kept"
	duplicate = "duplicate"
	dropped   = "dropped"  // left out on purpose: its pixel is paused, or its lists leave the page out
	refused   = "refused"  // the field and the rule say why; the same again will be refused again
	deferred  = "deferred" // not kept; send it again
)

// Rules of this route, beside the parser's.
const (
	rulePixel  = "unknown_pixel"
	rulePaused = "paused"
	rulePath   = "path"
	ruleLater  = "unavailable"
	ruleBehind = "behind" // one of the same visitor before it was put off, and order is kept
)

type eventOutcome struct {
	ID      domain.EventID `json:"id,omitempty"`
	Outcome string         `json:"outcome"`
	Field   string         `json:"field,omitempty"`
	Rule    string         `json:"rule,omitempty"`
}

// events answers POST /events: hits that a server reports, each naming its pixel and visitor. The answer comes
// when every hit is durable or has its reason. A hit without an id is named by the Idempotency-Key and its
// place, or else by what it says: the same request again is a duplicate.
func (a *API) events(ctx context.Context, c *Call) Reply {
	const op = "take events"
	if a.deps.Visitors == nil {
		return fail(domain.Fail(op, domain.Unavailable, errNoNode))
	}
	body, err := c.body(maxEventsBody)
	if err != nil {
		return fail(err)
	}
	idempotency := c.Header("Idempotency-Key")
	if len(idempotency) > maxIdempotencyKey {
		return fail(domain.FailField(op, "Idempotency-Key", fmt.Sprintf("must be at most %d bytes", maxIdempotencyKey)))
	}
	items, err := pixel.Parse(body, pixel.Request{Server: true, IDs: idsOf(c.Caller, idempotency), ReceivedAt: a.deps.Clock.Now().UTC()})
	if err != nil {
		return fail(err)
	}
	out := make([]eventOutcome, len(items))
	waiting := map[domain.VisitorKey]bool{}
	for i := range items {
		out[i] = a.event(ctx, c, &items[i], waiting)
		a.metrics.items.WithLabelValues(out[i].Outcome).Inc()
	}
	return answerEvents(out)
}

// idsOf names hits that have no id of their own. Who asks is part of it: two programs may use the same
// Idempotency-Key.
func idsOf(c Caller, idempotency string) string {
	if idempotency == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(c.Name + "\n" + idempotency))
	return "s-" + hex.EncodeToString(sum[:16])
}

func (a *API) event(ctx context.Context, c *Call, item *pixel.Item, waiting map[domain.VisitorKey]bool) eventOutcome {
	one := eventOutcome{ID: item.Hit.ID}
	refuse := func(field, rule string) eventOutcome {
		one.Outcome, one.Field, one.Rule = refused, field, rule
		return one
	}
	if item.Refusal != nil {
		return refuse(item.Refusal.Field, item.Refusal.Rule)
	}
	px := a.deps.Directory().Pixel(item.Pixel)
	if px == nil || (c.Caller.Account != "" && px.Account != c.Caller.Account) {
		return refuse("pixel", rulePixel)
	}
	hit := &item.Hit
	hit.Account, hit.Pixel = px.Account, px.Pixel.ID
	if field := hash(item); field != "" {
		return refuse(field, source.Form)
	}
	if rule := leftOut(&px.Pixel, hit.Page.Path); rule != "" {
		one.Outcome, one.Rule = dropped, rule
		return one
	}
	visitor := domain.VisitorKey{Account: hit.Account, Visitor: hit.Visitor}
	if waiting[visitor] {
		one.Outcome, one.Rule = deferred, ruleBehind
		return one
	}
	got, err := a.deps.Visitors.Hit(ctx, *hit)
	switch code := domain.CodeOf(err); {
	case code == domain.Invalid:
		return refuse("", string(code))
	case err != nil:
		if code == domain.Internal && !errors.Is(err, context.DeadlineExceeded) {
			a.deps.Log.Error("a server's hit was not kept", "pixel", hit.Pixel, "event", hit.ID, "error", err)
		}
		waiting[visitor] = true
		one.Outcome, one.Rule = deferred, ruleLater
	case got.Duplicate:
		one.Outcome = duplicate
	default:
		one.Outcome = kept
	}
	return one
}

// hash puts hashes in the place of what came in clear, and names the field that cannot be.
func hash(item *pixel.Item) (field string) {
	if item.Email != "" {
		hems := identity.ReadEmail(item.Email)
		if len(hems) == 0 {
			return "email"
		}
		item.Hit.HEMs = append(item.Hit.HEMs, hems...)
	}
	if item.Phone != "" {
		sum, ok := identity.PhoneHash(item.Phone)
		if !ok {
			return "phone"
		}
		item.Hit.Phone = sum
	}
	item.Email, item.Phone = "", ""
	return ""
}

// leftOut says why a pixel does not want a hit, "" when it does. A hit without a page is wanted.
func leftOut(p *domain.Pixel, path string) string {
	switch {
	case p.Paused:
		return rulePaused
	case path == "":
		return ""
	case glob.MatchAny(p.Deny, path), len(p.Allow) > 0 && !glob.MatchAny(p.Allow, path):
		return rulePath
	}
	return ""
}

// answerEvents says what became of each, in the order they came. When all have to come again it is a refusal
// that asks for it.
func answerEvents(out []eventOutcome) Reply {
	waits := 0
	for _, one := range out {
		if one.Outcome == deferred {
			waits++
		}
	}
	if waits == len(out) {
		return Reply{Err: domain.Fail("take events", domain.Unavailable, errors.New("the hits were not kept; please send them again")), Wait: putOff}
	}
	return Reply{Body: struct {
		Items []eventOutcome `json:"items"`
	}{out}}
}
