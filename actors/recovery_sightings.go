package actors

import (
	"context"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

// owedPages bounds how many sightings one pass hands on: 10,000, which are two seconds of what a node can judge.
// The next pass goes on where this one stopped, so that what cannot be judged does not stand in the way.
const owedPages = 20

// sightings hands what is owed, and past its time by age, to the leads that judge it: after a start, after
// partitions moved here, and when a visitor's hint was lost. Whatever does not arrive is listed again.
func (r *recovery) sightings(ctx context.Context, age time.Duration) {
	var partitions []domain.Partition
	for _, f := range r.rt.node.Held() {
		partitions = append(partitions, f.Partition)
	}
	if len(partitions) == 0 {
		return
	}
	due := r.rt.deps.Clock.Now().Add(-age)
	for range owedPages {
		page, err := r.rt.deps.Store.Owed(ctx, partitions, due, r.owed, recoverPage)
		if err != nil {
			return // the store is away: the next pass goes on here
		}
		if r.owed == 0 {
			r.oldest(page)
		}
		r.sight(page)
		if len(page) < recoverPage {
			r.owed = 0 // the next round begins with the oldest again
			return
		}
		r.owed = page[len(page)-1].N
	}
}

// oldest notes how late the oldest of what is owed is.
func (r *recovery) oldest(page []domain.Sighting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = time.Time{}
	if len(page) > 0 {
		r.late = page[0].DueAt
	}
}

// sight tells each lead of its sightings, in order.
func (r *recovery) sight(page []domain.Sighting) {
	byLead := map[domain.LeadKey]*wire.HereSighted{}
	var order []*wire.HereSighted
	for _, s := range page {
		msg := byLead[s.Key()]
		if msg == nil {
			msg = &wire.HereSighted{Lead: s.Key()}
			byLead[s.Key()] = msg
			order = append(order, msg)
		}
		msg.Sightings = append(msg.Sightings, s)
	}
	for _, msg := range order {
		if r.rt.node.Tell(msg) == nil {
			r.rt.deps.Metrics.sightsFound.Add(float64(len(msg.Sightings)))
		}
	}
}
