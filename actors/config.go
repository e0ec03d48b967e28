package actors

import (
	"cmp"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/visit"
)

// Config is how long actors stay and how many messages may wait for them. Zero fields take their
// default.
type Config struct {
	// LeadIdle is the quiet time after which a lead leaves memory; default 10s. A CRM's follow-ups (the
	// opportunity after its contact) come within a few seconds and are spared a read of the lead; at
	// 2.5 KB each, 5,000 leads a second for that long are 125 MB for the collector to walk.
	LeadIdle time.Duration
	// BuyerIdle is the quiet time after which a buyer that nobody watches leaves memory; default 2m. It
	// is one small read to load it again.
	BuyerIdle time.Duration
	// VisitorIdle is the quiet time after which a visitor leaves memory; default 30s. A page's next hit comes
	// while somebody reads it, and is spared a read of the visit; at 3 KB each, 2,000 new visitors a second for
	// that long are 180 MB.
	VisitorIdle time.Duration
	// LeadMailbox is how many messages may wait for one lead; default 256: intake's own limit of 64
	// events, and their repeats. The next one is answered 429.
	LeadMailbox int
	// BuyerMailbox is how many messages may wait for one buyer; default 8192: a second of all the leads
	// a node can take, if one buyer got them all. What is lost beyond it is read from the store.
	BuyerMailbox int
	// VisitorMailbox is how many messages may wait for one visitor; default 256: as many as its lane takes hits.
	// The next one is answered 429.
	VisitorMailbox int
	// EndpointIdle is the quiet time after which an endpoint with nothing to do leaves memory; default 2m. It is two
	// small reads to load it again.
	EndpointIdle time.Duration
	// EndpointMailbox is how many messages may wait for one endpoint; default 8192, as of a buyer: what is lost beyond
	// it is in the store.
	EndpointMailbox int
	// Gate is how many attempts the node has under way.
	Gate gate.Config
}

func (c Config) withDefaults() Config {
	c.LeadIdle = cmp.Or(c.LeadIdle, 10*time.Second)
	c.BuyerIdle = cmp.Or(c.BuyerIdle, 2*time.Minute)
	c.VisitorIdle = cmp.Or(c.VisitorIdle, 30*time.Second)
	c.EndpointIdle = cmp.Or(c.EndpointIdle, 2*time.Minute)
	c.EndpointMailbox = cmp.Or(c.EndpointMailbox, 8192)
	c.LeadMailbox = cmp.Or(c.LeadMailbox, 256)
	c.BuyerMailbox = cmp.Or(c.BuyerMailbox, 8192)
	c.VisitorMailbox = cmp.Or(c.VisitorMailbox, visit.MaxWaiting)
	return c
}
