package actors_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// counted is what the store has of the last hour, whoever wrote it.
func counted(t *testing.T, node *actortest.Node, of domain.StatsOf) (sum stats.Figures, rows int) {
	t.Helper()
	for _, part := range stats.Plan(of, node.Clock.Now(), time.Hour) {
		got, err := node.Store.Stats(t.Context(), part, domain.StatsPlace{}, 1000)
		require.NoError(t, err)
		for _, r := range got {
			var one stats.Figures
			require.NoError(t, one.UnmarshalBinary(r.Body))
			require.NoError(t, sum.Merge(&one))
		}
		rows += len(got)
	}
	return sum, rows
}

var (
	ofCRM      = domain.StatsOf{Account: "acme", Endpoint: "crm"}           //nolint:gochecknoglobals // a constant
	ofStandard = domain.StatsOf{Account: "acme", Tier: domain.TierStandard} //nolint:gochecknoglobals // a constant
)

// Whatever was recorded is in the store ten seconds later: for the endpoint, and for its account's tier.
func TestStats_AreWrittenEveryTenSeconds(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) { e.Schedule = []time.Duration{2 * time.Second, time.Minute} }))
	node.Secret("crm")
	node.Receivers().Plan("crm", domain.Sent{Status: 500, Error: domain.ErrorStatus, Phases: domain.Phases{Total: 40 * time.Millisecond}})
	node.Receivers().Plan("crm", domain.Sent{Status: 200, Phases: domain.Phases{Total: 80 * time.Millisecond}})
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(5 * time.Second)
	_, rows := counted(t, node, ofCRM)
	require.Zero(t, rows, "an attempt writes nothing by itself")
	node.Advance(5 * time.Second)
	for _, of := range []domain.StatsOf{ofCRM, ofStandard} {
		sum, rows := counted(t, node, of)
		require.Equal(t, 1, rows)
		require.EqualValues(t, 2, sum.Attempts)
		require.EqualValues(t, 1, sum.Retries)
		require.EqualValues(t, 1, sum.Delivered)
		require.Equal(t, map[domain.ErrorClass]int64{domain.ErrorStatus: 1}, sum.Failures)
		took, _ := sum.EventToAnswer.Quantile(.5)
		require.InDelta(t, 2.22, took.Seconds(), .13, "two attempts, and between them two seconds and up to a tenth more")
		took, _ = sum.Attempt.Quantile(.99)
		require.InEpsilon(t, .04, took.Seconds(), .011, "of two, the 99th is the lower")
	}
}

// What was not written yet is written when the node stops; a node that crashes loses that, and adds to the rest.
func TestStats_AddUpOverLives(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.NoError(t, node.Runtime.Drain(t.Context()))
	node.Keep(actortest.Contact("e2", "lead-2"))
	node.Restart()
	node.Keep(actortest.Contact("e3", "lead-3"))
	node.Advance(10 * time.Second)
	sum, rows := counted(t, node, ofCRM)
	require.EqualValues(t, 2, sum.Delivered, "the second was counted within the ten seconds before the crash")
	require.Equal(t, 2, rows, "each life has a row of its own in the minute")
	require.Len(t, node.Receivers().Got("crm"), 3)
}

// A store that is away costs figures nothing but their time.
func TestStats_WaitForTheStore(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Store.Fail("KeepStats", 3, actortest.ErrDown)
	node.Advance(30 * time.Second)
	_, rows := counted(t, node, ofCRM)
	require.Zero(t, rows)
	require.Equal(t, 3, node.Store.Calls("KeepStats"))
	node.Advance(10 * time.Second)
	sum, _ := counted(t, node, ofCRM)
	require.EqualValues(t, 1, sum.Delivered)
}

// A first attempt that begins at once costs the budget nothing, and one that waits for the store does; a retry is nobody's
// wait, and a pause somebody else's. Every tier is there from the beginning.
func TestBudgets_PayForOurTimeOnly(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) { e.Tier = domain.TierHigh }))
	label := func(tier domain.Tier, window string) map[string]string {
		l := map[string]string{"tier": string(tier)}
		if window != "" {
			l["window"] = window
		}
		return l
	}
	for _, tier := range domain.Tiers() {
		require.Zero(t, node.Value("leadwire_delivery_budget_total", label(tier, "")))
		require.Zero(t, node.Value("leadwire_delivery_budget_spent_total", label(tier, "")))
		require.Positive(t, node.Value("leadwire_delivery_budget_objective", label(tier, "")))
		for _, window := range []string{"5m", "1h", "6h"} {
			require.Zero(t, node.Value("leadwire_delivery_budget_burn_rate", label(tier, window)))
		}
	}
	spent := func() (all, late float64) {
		return node.Value("leadwire_delivery_budget_total", label(domain.TierHigh, "")), node.Value("leadwire_delivery_budget_spent_total", label(domain.TierHigh, ""))
	}
	node.Secret("crm")
	node.Receivers().Answer("crm", 500)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(time.Minute) // a retry
	all, late := spent()
	require.Equal(t, []float64{1, 0}, []float64{all, late})

	pause(node, true)
	node.Keep(actortest.Contact("e2", "lead-2"))
	node.Advance(2 * time.Minute)
	pause(node, false)
	all, late = spent()
	require.Equal(t, []float64{2, 0}, []float64{all, late}, "it was not to be sent anything")
	require.Len(t, node.Receivers().Got("crm"), 3)
	require.Zero(t, node.Value("leadwire_delivery_budget_burn_rate", label(domain.TierHigh, "6h")))

	node.Restart()
	node.Store.Fail("Due", 4, actortest.ErrDown) // the pauses are 100 ms, 200, 400 and 800
	node.Keep(actortest.Contact("e3", "lead-3"))
	node.Advance(2 * time.Second)
	require.Len(t, node.Receivers().Got("crm"), 4)
	all, late = spent()
	require.Equal(t, []float64{1, 1}, []float64{all, late}, "the store was away, and that is ours")
	require.InDelta(t, 1000, node.Value("leadwire_delivery_budget_burn_rate", label(domain.TierHigh, "5m")), 1e-6)
	node.Advance(6 * time.Minute)
	require.Zero(t, node.Value("leadwire_delivery_budget_burn_rate", label(domain.TierHigh, "5m")))
	require.InDelta(t, 1000, node.Value("leadwire_delivery_budget_burn_rate", label(domain.TierHigh, "1h")), 1e-6)
}
