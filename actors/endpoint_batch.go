package actors

import (
	"context"
	"errors"
	"strconv"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// batchHeader says how many events are in a request that carries more than one.
const batchHeader = "Leadwire-Batch"

// sendBatch makes one request of several deliveries, without those whose person is suppressed by now or whose payload
// cannot be shaped. If one is left, it goes as if it had been alone from the start. Whether anybody is suppressed is asked
// last, and once for all.
func (r *Runtime) sendBatch(ctx context.Context, key domain.EndpointKey, k *kit, sends []queue.Send, by right) []queue.Outcome {
	now := r.deps.Clock.Now()
	outcomes, items := make([]queue.Outcome, len(sends)), make([]delivery.BatchItem, len(sends))
	faults := make([]error, len(sends))
	for i, s := range sends {
		outcomes[i].Delivery = s.Delivery.N
		items[i], faults[i] = k.item(s.Delivery)
	}
	unread, why := r.refresh(ctx)
	revision := r.deps.Suppressions.Revision()
	var left []delivery.BatchItem
	var in []int
	for i, s := range sends {
		class, reason := unread, why
		if class == "" {
			class, reason = r.barred(ctx, s, by.since)
		}
		if class == "" && faults[i] != nil {
			class, reason = domain.ErrorPayload, faults[i].Error()
		}
		if class != "" {
			outcomes[i].Sent = unsent(now, class, reason)
			continue
		}
		left, in = append(left, items[i]), append(in, i)
	}
	if len(in) == 0 {
		return outcomes
	}
	sent, id, secret := r.sendItems(ctx, key, k, left, r.acting(by.fence))
	if unread, _ := r.refresh(ctx); len(in) > 1 && (unread != "" || r.deps.Suppressions.Revision() != revision) {
		// Somebody may have been erased meanwhile. What the endpoint answered may be about them, and stands in the others' receipts.
		sent.Header, sent.Body, sent.Truncated = nil, nil, true
	}
	for _, i := range in {
		outcomes[i].Sent, outcomes[i].Batch, outcomes[i].Secret = sent, id, secret
	}
	return outcomes
}

func (k *kit) item(d domain.Delivery) (delivery.BatchItem, error) {
	if k.fault != "" {
		return delivery.BatchItem{}, errors.New(k.fault)
	}
	body, err := k.shape.Apply(d.Payload)
	return delivery.BatchItem{ID: d.Event, Data: body}, err
}

// sendItems posts them and says what became of it; batch is the request's id, "" for a single event under its own.
func (r *Runtime) sendItems(ctx context.Context, key domain.EndpointKey, k *kit, items []delivery.BatchItem, may func() bool) (sent domain.Sent, batch, secret string) {
	now := r.deps.Clock.Now()
	id, body := string(items[0].ID), items[0].Data
	if len(items) > 1 {
		whole := delivery.NewBatch(key, now, items)
		var err error
		if body, err = whole.JSON(); err != nil {
			return unsent(now, domain.ErrorPayload, err.Error()), "", ""
		}
		id, batch = whole.ID, whole.ID
	}
	dispatch, secret, class, err := k.sign(now, key, id, body)
	if err != nil {
		return unsent(now, class, err.Error()), "", ""
	}
	if batch != "" {
		dispatch.Header[batchHeader] = []string{strconv.Itoa(len(items))}
	}
	return r.dispatch(ctx, k, dispatch, may), batch, secret
}
