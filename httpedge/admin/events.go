package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
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
)

type eventOutcome struct {
	ID      domain.EventID `json:"id,omitempty"`
	Outcome string         `json:"outcome"`
	Field   string         `json:"field,omitempty"`
	Rule    string         `json:"rule,omitempty"`
}

// errQueue is behind an answer to whom the store has too much to write for.
var errQueue = errors.New("more waits to be written than is written in time; try again") //nolint:gochecknoglobals // a constant

// events answers POST /events: hits that a server reports, each naming its pixel and visitor. The answer comes
// when every hit is durable or has its reason. A hit without an id is named by what it says, and by the
// Idempotency-Key and its place where there is one: the same request again is a duplicate, and another hit
// under the same key is not.
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
	if a.deps.Store.QueueWait() > keeping/2 { // what comes now would hardly be durable in time
		a.metrics.items.WithLabelValues(deferred).Add(float64(len(items)))
		return fail(domain.Fail(op, domain.Unavailable, errQueue))
	}
	if c.Caller.Key != "" { // all of a request or none: the same request is sent again
		if wait := a.rates.takeEvents(a.deps.Clock.Now(), c.Caller.Key, len(items)); wait > 0 {
			a.metrics.items.WithLabelValues(deferred).Add(float64(len(items)))
			return a.tooFast(ruleEvents, EventsPerSecond, wait)
		}
	}
	out := make([]eventOutcome, len(items))
	var groups []*group
	for i := range items {
		if out[i] = a.event(c, &items[i]); out[i].Outcome == "" {
			groups = join(groups, &items[i].Hit, &out[i])
		}
	}
	var wg sync.WaitGroup
	for _, g := range groups { // at most as many as hits; their commits are one, more or less
		wg.Go(func() { a.keep(ctx, g) })
	}
	wg.Wait()
	for _, one := range out {
		a.metrics.items.WithLabelValues(one.Outcome).Inc()
	}
	return answerEvents(out)
}

// group is the hits of one visitor, in their order, and where their outcomes are written down.
type group struct {
	hits []domain.Hit
	out  []*eventOutcome
}

func join(groups []*group, h *domain.Hit, out *eventOutcome) []*group {
	i := slices.IndexFunc(groups, func(g *group) bool { return g.hits[0].Account == h.Account && g.hits[0].Visitor == h.Visitor })
	if i < 0 {
		i, groups = len(groups), append(groups, &group{})
	}
	groups[i].hits, groups[i].out = append(groups[i].hits, *h), append(groups[i].out, out)
	return groups
}

// keep hands a group over and writes down what became of it.
func (a *API) keep(ctx context.Context, g *group) {
	got, err := a.deps.Visitors.Hits(ctx, g.hits)
	code := domain.CodeOf(err)
	if err != nil && code == domain.Internal && !errors.Is(err, context.DeadlineExceeded) {
		a.deps.Log.Error("a server's hits were not kept", "pixel", g.hits[0].Pixel, "event", g.hits[0].ID, "error", err)
	}
	for i, one := range g.out {
		switch {
		case code == domain.Invalid:
			one.Outcome, one.Rule = refused, string(code)
		case err != nil:
			one.Outcome, one.Rule = deferred, ruleLater
		case got[i].Duplicate:
			one.Outcome = duplicate
		default:
			one.Outcome = kept
		}
	}
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

// event checks a hit and says why it is not handed over; without an outcome it is.
func (a *API) event(c *Call, item *pixel.Item) eventOutcome {
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
