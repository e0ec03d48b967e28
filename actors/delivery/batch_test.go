package delivery_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// A batch is as its schema says, and the same events make the same id.
func TestBatch_IsAsItsSchemaSays(t *testing.T) {
	t.Parallel()
	key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
	made := envelopes(t)
	items := []delivery.BatchItem{
		{ID: made["visitor.updated"].ID, Data: made["visitor.updated"].Payload},
		{ID: made["lead.updated"].ID, Data: made["lead.updated"].Payload},
	}
	batch := delivery.NewBatch(key, noon, items)
	body, err := batch.JSON()
	require.NoError(t, err)
	for _, strict := range []bool{false, true} {
		require.NoError(t, validate(t, compile(t, strict), domain.Announcement{Type: delivery.BatchType, Payload: body}))
	}
	require.Error(t, validate(t, compile(t, false), domain.Announcement{Type: delivery.BatchType, Payload: json.RawMessage(made["lead.updated"].Payload)}))

	require.Equal(t, batch.ID, delivery.NewBatch(key, noon.AddDate(0, 0, 1), items).ID)
	other := key
	other.Endpoint = "erp"
	require.NotEqual(t, batch.ID, delivery.NewBatch(other, noon, items).ID)
	require.NotEqual(t, batch.ID, delivery.NewBatch(key, noon, items[:1]).ID)
}
