// Package wire holds the messages that cross nodes, generated from wire.proto, and their addresses.
package wire

import "time"

// The kinds of virtual actor.
const (
	KindLead     = "lead"
	KindBuyer    = "buyer"
	KindVisitor  = "visitor"
	KindEndpoint = "endpoint"
)

// Address is the lead an event belongs to. An event that concerns no lead is handled by an actor of
// its own, so that its key still has one owner.
func (m *Ingest) Address() (kind, id string) {
	if lead := m.Event.GetLead(); lead != "" {
		return KindLead, m.Event.GetAccount() + "/" + lead
	}
	return KindLead, m.Event.GetAccount() + "//" + m.Event.GetSource() + "/" + m.Event.GetId()
}

// HereIngest is an Ingest that has not left its node, as HereHits is Hits.
type HereIngest struct {
	*Ingest

	// Until is when whoever asks has gone; zero: not known. It stays on the node, whose clock it is of.
	Until time.Time
}

// Address is the lead whose pending events these are.
func (m *Recover) Address() (kind, id string) { return KindLead, m.Account + "/" + m.Lead }

// Address is the buyer whose feed grew.
func (m *Announce) Address() (kind, id string) {
	return KindBuyer, m.Event.GetAccount() + "/" + m.Event.GetBuyer()
}

// Address is the buyer whose feed is to be watched.
func (m *Watch) Address() (kind, id string) { return KindBuyer, m.Account + "/" + m.Buyer }

// Address is the buyer whose feed is no longer watched.
func (m *Unwatch) Address() (kind, id string) { return KindBuyer, m.Account + "/" + m.Buyer }

// Address is the lane of the visitor who was there.
func (m *Hits) Address() (kind, id string) { return KindVisitor, m.Account + "/" + m.Visitor }

// Address is the lead that judges them.
func (m *Sighted) Address() (kind, id string) { return KindLead, m.Account + "/" + m.Lead }
