package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

const (
	deliveriesLimit    = 100
	maxDeliveriesLimit = 1000
	// maxReceipts: a schedule has at most 34 attempts; more are those that somebody asked for. 200 are 800 KiB at most.
	maxReceipts = 200
	maxLookFor  = 200 // bytes of an id that is looked for
)

type deliveryPage struct {
	Deliveries []deliveryRow `json:"deliveries"`
	Before     int64         `json:"before,omitempty"` // of the next page; absent on the last
}

// listDeliveries answers GET /deliveries, newest first.
func (a *API) listDeliveries(ctx context.Context, c *Call) Reply {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return fail(err)
	}
	filter, err := deliveryFilter(c)
	if err != nil {
		return fail(err)
	}
	before, err := c.number("before", 0, 0, math.MaxInt64)
	if err != nil {
		return fail(err)
	}
	limit, err := c.number("limit", deliveriesLimit, 1, maxDeliveriesLimit)
	if err != nil {
		return fail(err)
	}
	list, err := a.deps.Store.Deliveries(ctx, account, filter, before, int(limit)+1)
	if err != nil {
		return fail(fmt.Errorf("list deliveries: %w", err))
	}
	page := deliveryPage{Deliveries: []deliveryRow{}}
	if len(list) > int(limit) {
		list = list[:limit]
		page.Before = list[len(list)-1].N
	}
	for _, d := range list {
		page.Deliveries = append(page.Deliveries, rowOfDelivery(d))
	}
	return Reply{Body: page}
}

func deliveryFilter(c *Call) (f domain.DeliveryFilter, err error) {
	const op = "read query"
	f = domain.DeliveryFilter{
		Endpoint: domain.EndpointID(c.Query("endpoint")), Lead: domain.LeadID(c.Query("lead")),
		Event: domain.EventID(c.Query("event")), State: domain.DeliveryState(c.Query("state")),
	}
	switch {
	case f.Endpoint != "" && !domain.CheckID(string(f.Endpoint)):
		return f, domain.FailField(op, "endpoint", "must be 1 to 64 of a-z A-Z 0-9 . _ -")
	case !findable(string(f.Lead)):
		return f, domain.FailField(op, "lead", fmt.Sprintf("must be at most %d bytes of text", maxLookFor))
	case !findable(string(f.Event)):
		return f, domain.FailField(op, "event", fmt.Sprintf("must be at most %d bytes of text", maxLookFor))
	case f.State != "" && !slices.Contains(domain.DeliveryStates(), f.State):
		return f, domain.FailField(op, "state", fmt.Sprintf("must be one of: %s", deliveryStates()))
	}
	if f.Since, err = c.time("since"); err != nil {
		return f, err
	}
	if f.Until, err = c.time("until"); err != nil {
		return f, err
	}
	if !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, domain.FailField(op, "until", "must be after since")
	}
	return f, nil
}

// findable says whether a text can be an id that somebody chose: a store is not asked for anything else.
func findable(id string) bool {
	return len(id) <= maxLookFor && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}

func deliveryStates() string {
	var all []string
	for _, s := range domain.DeliveryStates() {
		all = append(all, string(s))
	}
	return strings.Join(all, ", ")
}

// deliveryShown is one delivery with all there is to say of it.
type deliveryShown struct {
	deliveryRow
	// Payload only for who may read announcements: it is one.
	Payload json.RawMessage `json:"payload,omitempty"`
	// EndpointState is what may keep it from being sent; absent: the endpoint is not in the catalog any more.
	EndpointState string `json:"endpoint_state,omitempty"`
	// Forecast is when it is tried, if each attempt fails at once and nothing else holds it up. The last is TerminalAt.
	Forecast   []stamp      `json:"forecast"`
	TerminalAt stamp        `json:"terminal_at"` // null: it has ended, or nobody can tell yet
	Receipts   []receiptRow `json:"receipts"`
}

// delivery answers GET /deliveries/{n}.
func (a *API) delivery(ctx context.Context, c *Call) Reply {
	account, n, err := a.deliveryNumber(c, c.Param)
	if err != nil {
		return fail(err)
	}
	d, err := a.deps.Store.Delivery(ctx, account, n)
	if err != nil {
		return fail(missing(err))
	}
	receipts, err := a.deps.Store.Receipts(ctx, account, n, maxReceipts)
	if err != nil {
		return fail(missing(err))
	}
	shown := deliveryShown{deliveryRow: rowOfDelivery(d), Forecast: []stamp{}, Receipts: []receiptRow{}}
	if c.Caller.may(apikey.AnnouncementsRead) {
		shown.Payload = d.Payload
	}
	if e := a.deps.Directory().Endpoint(d.Key()); e != nil {
		condition, err := a.conditionOf(ctx, d.Key())
		if err != nil {
			return fail(err)
		}
		shown.EndpointState = condition.word(*e)
		for _, at := range schedule.Of(*e).Forecast(d, a.deps.Clock.Now()) {
			shown.Forecast, shown.TerminalAt = append(shown.Forecast, stamp(at)), stamp(at)
		}
	}
	for _, r := range receipts {
		shown.Receipts = append(shown.Receipts, rowOfReceipt(r))
	}
	return Reply{Body: shown}
}

// attemptsLimit is how many attempts a page has.
const attemptsLimit = 50

// attempts answers GET /deliveries/{n}/attempts: every receipt, oldest first, page by page. Each attempt that fails has its
// place in the schedule, so beyond the first 200, which the delivery itself shows, there are only those that somebody asked for.
func (a *API) attempts(ctx context.Context, c *Call) Reply {
	account, n, err := a.deliveryNumber(c, c.Param)
	if err != nil {
		return fail(err)
	}
	limit, err := c.number("limit", attemptsLimit, 1, maxReceipts)
	if err != nil {
		return fail(err)
	}
	after, err := c.number("cursor", 0, 1, math.MaxInt32)
	if err != nil {
		return fail(err)
	}
	receipts, err := a.deps.Store.Receipts(ctx, account, n, int(after+limit)+1)
	if err != nil {
		return fail(missing(err))
	}
	page := struct {
		Attempts   []receiptRow `json:"attempts"`
		NextCursor string       `json:"next_cursor,omitempty"`
	}{Attempts: []receiptRow{}}
	for _, r := range receipts {
		switch {
		case r.Number <= int(after):
		case len(page.Attempts) == int(limit):
			page.NextCursor = strconv.Itoa(page.Attempts[limit-1].Number)
		default:
			page.Attempts = append(page.Attempts, rowOfReceipt(r))
		}
	}
	return Reply{Body: page}
}

// deliveryNumber is the delivery that a call is about.
func (a *API) deliveryNumber(c *Call, text string) (domain.AccountID, int64, error) {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return "", 0, errNoDelivery
	}
	return account, n, nil
}

var errNoDelivery = domain.Fail("find delivery", domain.NotFound, errors.New("no such delivery in the account")) //nolint:gochecknoglobals // a constant

// missing says the same of every delivery that is not there, or is another account's.
func missing(err error) error {
	if domain.CodeOf(err) == domain.NotFound {
		return errNoDelivery
	}
	return err
}

// steerDelivery answers POST /deliveries/{path...}: send it again, send it now, or do not send it.
func (a *API) steerDelivery(ctx context.Context, c *Call) Reply {
	text, verb, _ := strings.Cut(c.Param, "/")
	if !slices.Contains([]string{"replay", "retry", "cancel"}, verb) {
		return fail(errNoVerb)
	}
	account, n, err := a.deliveryNumber(c, text)
	if err != nil {
		return fail(err)
	}
	entry := a.entry(c, "delivery."+verb, account)
	entry.Subject = "delivery " + strconv.FormatInt(n, 10)
	var d domain.Delivery
	status := 200
	switch verb {
	case "replay":
		status = 201
		d, err = a.replay(ctx, account, n, entry)
	case "retry":
		d, err = a.deliveries().Hasten(ctx, account, n, entry)
	default:
		d, err = a.deliveries().Cancel(ctx, account, n, entry)
	}
	if err != nil {
		return fail(missing(err))
	}
	return Reply{Status: status, Body: rowOfDelivery(d)}
}

// replay owes an event once more, to an endpoint that is still there: to another it would wait for nothing.
func (a *API) replay(ctx context.Context, account domain.AccountID, n int64, entry domain.AuditEntry) (domain.Delivery, error) {
	d, err := a.deps.Store.Delivery(ctx, account, n)
	if err != nil {
		return d, err
	}
	if a.deps.Directory().Endpoint(d.Key()) == nil {
		return d, domain.Fail("replay delivery", domain.Conflict, fmt.Errorf("its endpoint %q is not in the catalog any more", d.Endpoint))
	}
	return a.deliveries().Replay(ctx, account, n, entry)
}

// deliveries is who changes them: the actors, or the store alone where no node runs.
func (a *API) deliveries() Deliveries {
	if a.deps.Deliveries != nil {
		return a.deps.Deliveries
	}
	return withoutNode{a.deps.Store, a.deps.Clock}
}

// withoutNode changes the store. The nodes that run elsewhere find it there.
type withoutNode struct {
	store Store
	clock domain.Clock
}

func (w withoutNode) Replay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return w.store.Replay(ctx, account, n, w.clock.Now().UTC(), audit)
}

func (w withoutNode) Hasten(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return w.store.Hasten(ctx, account, n, w.clock.Now().UTC(), audit)
}

func (w withoutNode) Cancel(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error) {
	return w.store.Cancel(ctx, account, n, w.clock.Now().UTC(), audit)
}

func (w withoutNode) StartReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter, audit domain.AuditEntry) (domain.Replay, error) {
	return w.store.StartReplay(ctx, domain.Replay{Account: key.Account, Endpoint: key.Endpoint, Filter: f, MadeAt: w.clock.Now().UTC(), By: audit.Actor}, audit)
}

func (w withoutNode) CancelReplay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Replay, error) {
	return w.store.CancelReplay(ctx, account, n, w.clock.Now().UTC(), audit)
}

func (w withoutNode) EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error {
	return w.store.EnableEndpoint(ctx, key, audit)
}

func (withoutNode) EndpointChanged(domain.EndpointKey) {}

func (withoutNode) TestEndpoint(context.Context, domain.EndpointKey, domain.AuditEntry) (domain.Tested, error) {
	return domain.Tested{}, domain.Fail("test endpoint", domain.Unavailable, errNoNode)
}

// time reads a query's time; zero when it is not there.
func (c *Call) time(name string) (time.Time, error) {
	return instant(name, c.Query(name))
}

// instant reads a time that somebody has written; zero when there is none.
func instant(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 { // stores count nanoseconds, which end in 2262
		return time.Time{}, domain.FailField("read time", name, "must be a time as 2026-01-31T12:00:00Z")
	}
	return t.UTC(), nil
}
