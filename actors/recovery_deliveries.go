package actors

import (
	"context"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

const (
	// owingEvery is how often endpoints with something due are looked for while nothing has happened: whoever is in
	// memory wakes by itself, so this finds only what a lost hint has left behind.
	owingEvery = 30 * time.Second
	owingPage  = 500
	// retireLimit is about how many deliveries of an endpoint that is gone are ended in one pass, and retirePage how many
	// of a class are read for it at a time.
	retireLimit = 2000
	retirePage  = 100
)

// endpoints wakes those of our partitions that have something due: after a start, after partitions moved here, after a
// change of the catalog, and now and then. One with something due later is woken as well the first time, so that it
// wakes by itself from then on.
func (r *recovery) endpoints(ctx context.Context, all bool) {
	now := r.rt.deps.Clock.Now()
	directory, gone := r.rt.deps.Book.Directory(), false
	changed := directory.Catalog.Revision != r.catalog
	if !all && !changed && now.Sub(r.lookedAt) < owingEvery {
		return
	}
	fences := map[domain.Partition]domain.Fence{}
	var partitions []domain.Partition
	for _, f := range r.rt.node.Held() {
		partitions, fences[f.Partition] = append(partitions, f.Partition), f
	}
	if len(partitions) == 0 {
		return
	}
	for after := int64(0); ctx.Err() == nil; {
		page, err := r.rt.deps.Store.Owing(ctx, partitions, after, owingPage)
		if err != nil {
			return // the store is away: the next pass looks again
		}
		for _, o := range page {
			after = o.N
			switch {
			case directory.Endpoint(o.Key) == nil:
				r.retire(ctx, now, o, fences)
				gone = true
			case all || changed || (!o.DueAt.IsZero() && !o.DueAt.After(now.Add(-recoverAge))):
				if r.rt.node.Tell(wire.KnockOf(o.Key)) == nil {
					r.rt.deps.Metrics.deliveries.found.Inc()
				}
			}
		}
		if len(page) < owingPage {
			break
		}
	}
	r.catalog, r.lookedAt = directory.Catalog.Revision, now
	if gone { // perhaps not all of it: look again soon
		r.lookedAt = time.Time{}
	}
}

// retire ends what is owed to an endpoint that is not in the catalog any more: there is nowhere to send it. Each end
// makes the next of its lead due.
func (r *recovery) retire(ctx context.Context, now time.Time, o domain.Owing, fences map[domain.Partition]domain.Fence) {
	fence, ours := fences[endpointPartition(o.Key)]
	for ended := 0; ours && ended < retireLimit; {
		due, err := r.rt.deps.Store.Due(ctx, o.Key, now.Add(domain.MaxTerminal), retirePage)
		if err != nil || len(due.Deliveries) == 0 {
			return
		}
		for _, d := range due.Deliveries {
			attempted := domain.Attempted{
				Fence: fence, Key: o.Key, Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryCancelled,
				Receipt: domain.Receipt{Delivery: d.N, At: now.UTC(), Reason: "the endpoint was removed from the catalog"},
			}
			got, err := r.rt.deps.Store.RecordAttempt(ctx, attempted)
			if err != nil {
				return
			}
			if ended++; got.Outcome == domain.Done {
				r.rt.deps.Metrics.deliveries.settled(attempted, time.Time{})
			}
		}
	}
}
