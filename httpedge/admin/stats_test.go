package admin_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// statsShown is figures as the API shows them.
type statsShown struct {
	Account, Endpoint, Tier, State, Window, Since, Until string
	statsRow
	Tiers  map[string]statsRow
	Status struct{ Pending int }
}

type statsRow struct {
	Attempts, Failed, Retries, Delivered, Exhausted, Suppressed int64
	Failures                                                    map[string]int64
	FailureRate                                                 *float64 `json:"failure_rate"`
	DeliveryRate                                                float64  `json:"delivery_rate"`
	Latencies                                                   struct {
		EventToAnswer percentiles `json:"event_to_answer"`
		Attempt       percentiles
	} `json:"latencies_ms"`
}

type percentiles struct {
	Count         int64
	P50, P95, P99 *float64
}

// settle counts an attempt on a ledger: it took 100 ms, of a delivery that was owed ten seconds before.
func settle(l *stats.Ledger, now time.Time, to domain.EndpointID, tier domain.Tier, number int, failed domain.ErrorClass) {
	a := &domain.Attempted{
		Key: domain.EndpointKey{Account: "acme", Endpoint: to}, State: domain.DeliveryDelivered,
		Receipt: domain.Receipt{Number: number, At: now, Error: failed, Phases: domain.Phases{Total: 100 * time.Millisecond}},
	}
	if failed != "" {
		a.State = domain.DeliveryPending
	}
	l.Settled(now, tier, a, now.Add(-10*time.Second))
}

// keep writes what ledgers have counted.
func (w *world) keep(ledgers ...*stats.Ledger) {
	w.t.Helper()
	for _, l := range ledgers {
		due, err := l.Due(w.clock.Now(), true, 1000)
		require.NoError(w.t, err)
		var rows []domain.StatsRow
		for _, one := range due {
			rows = append(rows, one.Row)
		}
		require.NoError(w.t, w.store.KeepStats(w.t.Context(), rows))
		l.Written(w.clock.Now(), due)
	}
}

// Two nodes have sent to two endpoints, a day ago and now. Whoever asks for an endpoint gets what both have counted in the
// time that is asked for, and whoever asks for the account all of it.
func TestStats_AddUpNodesAndEndpoints(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for _, id := range []string{"crm", "shop"} {
			put := w.call(w.acme, "PUT", "/api/v1/endpoints/"+id, `{"url":"https://acme.example/in","tier":"high"}`)
			require.Less(t, put.status, 300, string(put.body))
			w.call(w.acme, "POST", "/api/v1/endpoints/"+id+"/secrets", `{"kind":"hmac"}`)
		}
		a, b := stats.NewLedger("a"), stats.NewLedger("b")
		settle(a, w.clock.Now(), "crm", domain.TierHigh, 1, domain.ErrorTimeout)
		w.keep(a)
		w.after(24 * time.Hour)
		now := w.clock.Now()
		for range 3 {
			settle(a, now, "crm", domain.TierHigh, 1, "")
			settle(b, now, "crm", domain.TierHigh, 2, domain.ErrorStatus)
		}
		settle(b, now, "shop", domain.TierHigh, 1, "")
		settle(b, now, "old", domain.TierLow, 1, "")
		w.keep(a, b)
		w.after(10 * time.Second)

		var shown statsShown
		w.call(w.acme, "GET", "/api/v1/endpoints/crm/stats?window=15m", nil).into(&shown)
		require.Equal(t, []string{"acme", "crm", "high", "ok", "15m"}, []string{shown.Account, shown.Endpoint, shown.Tier, shown.State, shown.Window})
		require.Equal(t, []int64{6, 3, 3, 3}, []int64{shown.Attempts, shown.Failed, shown.Retries, shown.Delivered})
		require.Equal(t, map[string]int64{"status": 3}, shown.Failures)
		require.InDelta(t, .5, *shown.FailureRate, 1e-9)
		since, err := time.Parse(time.RFC3339, shown.Since)
		require.NoError(t, err)
		until, err := time.Parse(time.RFC3339, shown.Until)
		require.NoError(t, err)
		require.InDelta(t, 3/until.Sub(since).Seconds(), shown.DeliveryRate, 1e-9)
		require.EqualValues(t, 3, shown.Latencies.EventToAnswer.Count)
		require.InEpsilon(t, 10_100, *shown.Latencies.EventToAnswer.P99, .0101)
		require.EqualValues(t, 6, shown.Latencies.Attempt.Count)
		require.InEpsilon(t, 100, *shown.Latencies.Attempt.P50, .0101)

		w.call(w.acme, "GET", "/api/v1/endpoints/crm/stats?window=7d", nil).into(&shown)
		require.EqualValues(t, 7, shown.Attempts)
		require.Equal(t, map[string]int64{"status": 3, "timeout": 1}, shown.Failures)

		var account statsShown
		w.call(w.all, "GET", "/api/v1/stats?account=acme", nil).into(&account)
		require.Equal(t, "1h", account.Window)
		require.EqualValues(t, 5, account.Delivered)
		require.EqualValues(t, 4, account.Tiers["high"].Delivered)
		require.EqualValues(t, 1, account.Tiers["low"].Delivered, "an endpoint that is there no more is counted all the same")
		require.Nil(t, account.Tiers["standard"].FailureRate)
		require.Nil(t, account.Tiers["standard"].Latencies.Attempt.P50)
	})
}

// An endpoint that was never sent anything has figures, of nothing; one that is not there has none.
func TestStats_OfNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		require.Equal(t, 201, w.call(w.acme, "PUT", "/api/v1/endpoints/hooks", `{"url":"https://acme.example/in"}`).status)
		id := w.secretID(hooks)
		got := w.call(w.acme, "GET", "/api/v1/endpoints/hooks/stats", nil)
		none := `{"count":0,"p50":null,"p95":null,"p99":null}`
		require.JSONEq(t, `{"account":"acme","endpoint":"hooks","tier":"standard","state":"ok","window":"1h",
			"since":"2026-11-25T11:00:00.000Z","until":"2026-11-25T12:00:02.000Z",
			"attempts":0,"failed":0,"failures":{},"failure_rate":null,"retries":0,"delivered":0,"delivery_rate":0,"exhausted":0,"suppressed":0,
			"latencies_ms":{"event_to_answer":`+none+`,"attempt":`+none+`},
			"status":{"disabled_at":null,"failing_since":null,"succeeded_at":null,"pending":0,"oldest":null,"next_at":null,
			"secrets":[{"id":"`+id+`","kind":"hmac","created_at":"2026-11-25T12:00:02.000Z","ends_at":null}]}}`, string(got.body))
		w.call(w.acme, "GET", "/api/v1/endpoints/none/stats", nil).refused(404, "", "no such endpoint")
		w.call(w.acme, "GET", "/api/v1/endpoints/hooks/other", nil).refused(405, "", "")
	})
}

// A window is a duration within what is kept.
func TestStats_Window(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for _, bad := range []string{"0s", "59s", "-1h", "30d1h", "31d", "721h", "x", "1", "99999d", "-1d", "1.5d"} {
			w.call(w.acme, "GET", "/api/v1/stats?window="+bad, nil).refused(400, "window", "must be a duration from 1m to 30d")
			w.call(w.acme, "GET", "/api/v1/endpoints/hooks/stats?window="+bad, nil).refused(400, "window", "must be a duration from 1m to 30d")
		}
		for asked, said := range map[string]string{"1m": "1m", "90m": "1h30m", "24h": "1d", "7d": "7d", "720h": "30d", "90s": "1m30s", "3600s": "1h"} {
			var shown statsShown
			w.call(w.acme, "GET", "/api/v1/stats?window="+asked, nil).into(&shown)
			require.Equal(t, said, shown.Window)
		}
	})
}
