package wire

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/leadwire/leadwire/actors/domain"
)

// HereOwed is deliveries that have just been committed, on their way to their endpoint. On one node they are
// handed over as they are, payload and all; where they have to cross to another, a Knock is enough: the store has
// them.
type HereOwed struct {
	Endpoint   domain.EndpointKey
	Deliveries []domain.Delivery
	// Since is the revision of suppressions that the sender knew before they were committed.
	Since int64
}

// Address is the endpoint that they are owed to.
func (m *HereOwed) Address() (kind, id string) { return KindEndpoint, m.Endpoint.String() }

// ProtoReflect makes it a protobuf message: the Knock it turns into.
func (m *HereOwed) ProtoReflect() protoreflect.Message { return KnockOf(m.Endpoint).ProtoReflect() }

// KnockOf is a knock at an endpoint.
func KnockOf(key domain.EndpointKey) *Knock {
	return &Knock{Account: string(key.Account), Endpoint: string(key.Endpoint)}
}

// Address is the endpoint that something has changed for.
func (m *Knock) Address() (kind, id string) { return KindEndpoint, m.Account + "/" + m.Endpoint }

// HereHastened is a delivery that somebody wants to be tried at once.
type HereHastened struct{ Delivery domain.Delivery }

// Address is the endpoint that it is owed to.
func (m *HereHastened) Address() (kind, id string) { return KindEndpoint, m.Delivery.Key().String() }

// ProtoReflect makes it a protobuf message: the Knock it turns into.
func (m *HereHastened) ProtoReflect() protoreflect.Message {
	return KnockOf(m.Delivery.Key()).ProtoReflect()
}

// HereEnded is the number of a delivery that somebody has ended.
type HereEnded struct {
	Endpoint domain.EndpointKey
	N        int64
}

// Address is the endpoint that it was owed to.
func (m *HereEnded) Address() (kind, id string) { return KindEndpoint, m.Endpoint.String() }

// ProtoReflect makes it a protobuf message: the Knock it turns into.
func (m *HereEnded) ProtoReflect() protoreflect.Message { return KnockOf(m.Endpoint).ProtoReflect() }
