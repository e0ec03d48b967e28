package delivery

import (
	"encoding/json"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// BatchType is the type of a batch, where an envelope has that of its event.
const BatchType = "batch"

// Batch is several events in one body: what an endpoint gets that asks for it. Each has its own id beside it, whatever
// the endpoint's shape makes of the rest: that is what a receiver knows a repeat by.
type Batch struct {
	ID        string           `json:"id"` // webhook-id
	Type      string           `json:"type"`
	Version   string           `json:"version"`
	Account   domain.AccountID `json:"account"`
	CreatedAt Time             `json:"created_at"`
	Items     []BatchItem      `json:"items"`
}

// BatchItem is one event, in the endpoint's shape.
type BatchItem struct {
	ID   domain.EventID  `json:"id"`
	Data json.RawMessage `json:"data"`
}

// NewBatch is a batch of events for an endpoint. The same events in the same order make the same id.
func NewBatch(key domain.EndpointKey, at time.Time, items []BatchItem) *Batch {
	parts := []string{string(key.Account), string(key.Endpoint), BatchType}
	for _, i := range items {
		parts = append(parts, string(i.ID))
	}
	return &Batch{ID: idOf(parts...), Type: BatchType, Version: Version, Account: key.Account, CreatedAt: stamp(at), Items: items}
}

// JSON is the transmitted form.
func (b *Batch) JSON() (json.RawMessage, error) { return encode(b) }
