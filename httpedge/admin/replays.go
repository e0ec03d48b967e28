package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

const (
	maxReplayBody   = 16 << 10
	replaysLimit    = 100
	maxReplaysLimit = 1000
)

// replayOffer is what a replay would find.
type replayOffer struct {
	Account  domain.AccountID       `json:"account"`
	Endpoint domain.EndpointID      `json:"endpoint"`
	States   []domain.DeliveryState `json:"states"`
	Since    stamp                  `json:"since"`    // null: the beginning
	Until    stamp                  `json:"until"`    // null: no end
	Expected int                    `json:"expected"` // domain.QueueLimit: that many, or more
}

func offerOf(key domain.EndpointKey, f domain.ReplayFilter, n int) replayOffer {
	return replayOffer{key.Account, key.Endpoint, f.States, stamp(f.Since), stamp(f.Until), n}
}

// replayRow is a replay, and how far it is.
type replayRow struct {
	N int64 `json:"n"`
	replayOffer
	State   domain.ReplayState `json:"state"`
	Done    int                `json:"done"` // owed again so far
	MadeAt  stamp              `json:"made_at"`
	EndedAt stamp              `json:"ended_at"` // null: it runs
	By      string             `json:"by"`
}

func rowOfReplay(r domain.Replay) replayRow {
	return replayRow{r.N, offerOf(r.Key(), r.Filter, r.Expected), r.State, r.Done, stamp(r.MadeAt), stamp(r.EndedAt), r.By}
}

// listReplays answers GET /replays, newest first.
func (a *API) listReplays(ctx context.Context, c *Call) Reply {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return fail(err)
	}
	endpoint := c.Query("endpoint")
	if endpoint != "" && !domain.CheckID(endpoint) {
		return fail(domain.FailField("read query", "endpoint", "must be 1 to 64 of a-z A-Z 0-9 . _ -"))
	}
	before, err := c.number("before", 0, 0, math.MaxInt64)
	if err != nil {
		return fail(err)
	}
	limit, err := c.number("limit", replaysLimit, 1, maxReplaysLimit)
	if err != nil {
		return fail(err)
	}
	list, err := a.deps.Store.Replays(ctx, account, domain.EndpointID(endpoint), before, int(limit)+1)
	if err != nil {
		return fail(fmt.Errorf("list replays: %w", err))
	}
	page := struct {
		Replays []replayRow `json:"replays"`
		Before  int64       `json:"before,omitempty"` // of the next page; absent on the last
	}{Replays: []replayRow{}}
	if len(list) > int(limit) {
		list = list[:limit]
		page.Before = list[len(list)-1].N
	}
	for _, r := range list {
		page.Replays = append(page.Replays, rowOfReplay(r))
	}
	return Reply{Body: page}
}

// startReplay answers POST /replays: it counts, and begins unless that was all it was asked for.
func (a *API) startReplay(ctx context.Context, c *Call) Reply {
	key, filter, dry, err := a.replayAsked(c)
	if err != nil {
		return fail(err)
	}
	if dry {
		n, err := a.deps.Store.CountReplay(ctx, key, filter)
		if err != nil {
			return fail(fmt.Errorf("count what is to be replayed: %w", err))
		}
		return Reply{Body: offerOf(key, filter, n)}
	}
	entry := a.entry(c, "replay.start", key.Account)
	entry.Subject, entry.Detail = "endpoint "+string(key.Endpoint), filterWords(filter)
	made, err := a.deliveries().StartReplay(ctx, key, filter, entry)
	if err != nil {
		return fail(err)
	}
	return Reply{Status: 201, Body: rowOfReplay(made)}
}

// replayAsked reads what somebody wants to be sent again, to an endpoint that is there.
func (a *API) replayAsked(c *Call) (key domain.EndpointKey, f domain.ReplayFilter, dry bool, err error) {
	const op = "start replay"
	body, err := c.body(maxReplayBody)
	if err != nil {
		return key, f, false, err
	}
	var asked struct {
		Account  string                 `json:"account"`
		Endpoint domain.EndpointID      `json:"endpoint"`
		States   []domain.DeliveryState `json:"states"`
		Since    string                 `json:"since"`
		Until    string                 `json:"until"`
		DryRun   bool                   `json:"dry_run"`
	}
	if err := decode(body, &asked); err != nil {
		return key, f, false, err
	}
	key.Endpoint = asked.Endpoint
	if key.Account, err = a.known(c, cmp.Or(asked.Account, c.Query("account"))); err != nil {
		return key, f, false, err
	}
	if asked.Endpoint == "" {
		return key, f, false, domain.FailField(op, "endpoint", "must be given")
	}
	if a.deps.Directory().Endpoint(key) == nil {
		return key, f, false, errNoEndpoint
	}
	if f.States = asked.States; len(f.States) == 0 {
		f.States = []domain.DeliveryState{domain.DeliveryExhausted}
	}
	if f.Since, err = instant("since", asked.Since); err != nil {
		return key, f, false, err
	}
	if f.Until, err = instant("until", asked.Until); err != nil {
		return key, f, false, err
	}
	return key, f, asked.DryRun, f.Check(op)
}

// filterWords is a filter for the audit.
func filterWords(f domain.ReplayFilter) string {
	var words []string
	for _, s := range f.States {
		words = append(words, string(s))
	}
	text := strings.Join(words, ", ")
	for _, at := range []struct {
		word string
		time time.Time
	}{{"since", f.Since}, {"until", f.Until}} {
		if !at.time.IsZero() {
			text += " " + at.word + " " + at.time.Format(time.RFC3339Nano)
		}
	}
	return text
}

var errNoReplay = domain.Fail("find replay", domain.NotFound, errors.New("no such replay in the account")) //nolint:gochecknoglobals // a constant

// replayNumber is the replay that a call is about.
func (a *API) replayNumber(c *Call) (domain.AccountID, int64, error) {
	account, err := a.known(c, c.Query("account"))
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseInt(c.Param, 10, 64)
	if err != nil || n < 1 {
		return "", 0, errNoReplay
	}
	return account, n, nil
}

// replayJob answers GET /replays/{n}.
func (a *API) replayJob(ctx context.Context, c *Call) Reply {
	account, n, err := a.replayNumber(c)
	if err != nil {
		return fail(err)
	}
	r, err := a.deps.Store.FindReplay(ctx, account, n)
	return replayReply(r, err)
}

// cancelReplay answers DELETE /replays/{n}: the replay ends, and can be read like any other.
func (a *API) cancelReplay(ctx context.Context, c *Call) Reply {
	account, n, err := a.replayNumber(c)
	if err != nil {
		return fail(err)
	}
	entry := a.entry(c, "replay.cancel", account)
	entry.Subject = "replay " + strconv.FormatInt(n, 10)
	r, err := a.deliveries().CancelReplay(ctx, account, n, entry)
	return replayReply(r, err)
}

// replayReply shows a replay, and says the same of every one that is not there, or is another account's.
func replayReply(r domain.Replay, err error) Reply {
	switch {
	case domain.CodeOf(err) == domain.NotFound:
		return fail(errNoReplay)
	case err != nil:
		return fail(err)
	}
	return Reply{Body: rowOfReplay(r)}
}

// catchUp counts what an endpoint that was disabled, or failed, has missed by that; nil: nothing. What was given up
// since it began to fail was owed up to a terminal time before.
func (a *API) catchUp(ctx context.Context, key domain.EndpointKey, was domain.EndpointState) (*replayOffer, error) {
	since, e := was.FailingSince, a.deps.Directory().Endpoint(key)
	if since.IsZero() || !was.DisabledAt.IsZero() && was.DisabledAt.Before(since) {
		since = was.DisabledAt
	}
	if since.IsZero() || e == nil {
		return nil, nil
	}
	f := domain.ReplayFilter{States: []domain.DeliveryState{domain.DeliveryExhausted}, Since: since.Add(-schedule.Of(*e).Terminal).UTC().Truncate(time.Second)}
	n, err := a.deps.Store.CountReplay(ctx, key, f)
	if err != nil || n == 0 {
		return nil, err
	}
	offer := offerOf(key, f, n)
	return &offer, nil
}
