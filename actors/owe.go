package actors

import (
	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

func endpointPartition(key domain.EndpointKey) domain.Partition {
	return cluster.PartitionOf(wire.KindEndpoint, key.String())
}

// owing lists the endpoints that an announcement is owed to, by the catalog in force.
func (r *Runtime) owing(account domain.AccountID, t domain.AnnouncementType, pixel domain.PixelID) []domain.Owed {
	return delivery.OwedTo(r.deps.Book.Directory().Account(account), t, pixel, endpointPartition)
}

// announceOperations announces what happens to an endpoint to the account's operations endpoint, by the catalog in force.
func (r *Runtime) announceOperations(o queue.Occurrence) *domain.Announcement {
	return delivery.Operations(r.deps.Book.Directory().Account(o.Endpoint.Account), r.owing, o)
}

// owed tells endpoints of deliveries that were committed with their announcements, under a revision of suppressions that
// was known before. It is a hint: when it is lost, recovery finds them.
func (r *Runtime) owed(announced []domain.Announcement, since int64) {
	for _, a := range announced {
		for _, d := range a.Deliveries {
			d.Payload = a.Payload
			if err := r.node.Tell(&wire.HereOwed{Endpoint: d.Key(), Deliveries: []domain.Delivery{d}, Since: since}); err != nil {
				r.deps.Metrics.deliveries.lost.Inc()
			}
		}
	}
}
