package actors

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// busyStore is a store during whose writing there is always another attempt. The test is about who calls it.
type busyStore struct {
	domain.Store

	keep func(rows int)
}

func (b busyStore) KeepStats(_ context.Context, rows []domain.StatsRow) error {
	b.keep(len(rows))
	return nil
}

// An endpoint that is never quiet is written once in a pass, and not for as long as it goes on.
func TestStatistics_WriteEndsWhileAnEndpointIsBusy(t *testing.T) {
	t.Parallel()
	ledger, now := stats.NewLedger("a"), time.Now()
	attempt := func() {
		ledger.Settled(now, domain.TierHigh, &domain.Attempted{
			Key: domain.EndpointKey{Account: "acme", Endpoint: "crm"}, State: domain.DeliveryDelivered, Receipt: domain.Receipt{Number: 1, At: now},
		}, now)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	passes := 0
	s := &statistics{ledger: ledger, rt: &Runtime{deps: Deps{Clock: domain.SystemClock{}, Metrics: NewMetrics(nil), Store: busyStore{keep: func(rows int) {
		require.Positive(t, rows)
		if passes++; ctx.Err() == nil && passes < 100 {
			attempt()
		}
	}}}}}
	attempt()
	s.write(ctx, true)
	require.Equal(t, 1, passes)
}
