package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// attempted is an attempt at the endpoint crm that took so long.
func attempted(number int, state domain.DeliveryState, failed domain.ErrorClass, took time.Duration) *domain.Attempted {
	return &domain.Attempted{
		Key: domain.EndpointKey{Account: "acme", Endpoint: "crm"}, State: state,
		Receipt: domain.Receipt{Number: number, At: noon, Error: failed, Phases: domain.Phases{Total: took}},
	}
}

// Each way in which an attempt or a delivery can end is counted where somebody looks for it.
func TestFigures_Settled(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, row := range map[string]struct {
		a                 *domain.Attempted
		want              stats.Figures
		arrived, attempts int64
	}{
		"a first attempt that is taken": {attempted(1, domain.DeliveryDelivered, "", ms), stats.Figures{Attempts: 1, Delivered: 1}, 1, 1},
		"one that is tried again": {
			attempted(1, domain.DeliveryPending, domain.ErrorTimeout, ms),
			stats.Figures{Attempts: 1, Failed: 1, Failures: map[domain.ErrorClass]int64{domain.ErrorTimeout: 1}}, 0, 1,
		},
		"a retry that is taken": {attempted(3, domain.DeliveryDelivered, "", ms), stats.Figures{Attempts: 1, Retries: 1, Delivered: 1}, 1, 1},
		"the last one": {
			attempted(11, domain.DeliveryExhausted, domain.ErrorStatus, ms),
			stats.Figures{Attempts: 1, Failed: 1, Retries: 1, Exhausted: 1, Failures: map[domain.ErrorClass]int64{domain.ErrorStatus: 1}}, 0, 1,
		},
		"given up without an attempt, the endpoint being down": {attempted(0, domain.DeliveryExhausted, domain.ErrorDown, 0), stats.Figures{Exhausted: 1}, 0, 0},
		"kept from being sent by a suppression":                {attempted(1, domain.DeliverySuppressed, domain.ErrorSuppressed, 0), stats.Figures{Suppressed: 1}, 0, 0},
		"a shape that cannot be applied: it fails, in no time": {
			attempted(1, domain.DeliveryPending, domain.ErrorPayload, 0),
			stats.Figures{Attempts: 1, Failed: 1, Failures: map[domain.ErrorClass]int64{domain.ErrorPayload: 1}}, 0, 0,
		},
	} {
		var f stats.Figures
		f.Settled(row.a, noon.Add(-time.Second))
		require.Equal(t, row.arrived, f.EventToAnswer.Count(), name)
		require.Equal(t, row.attempts, f.Attempt.Count(), name)
		f.EventToAnswer, f.Attempt = stats.Sketch{}, stats.Sketch{}
		require.Equal(t, row.want, f, name)
	}
}

// Percentiles of what many have counted, written, read and added up are within a hundredth of the true ones.
func TestFigures_AddUp(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var sum stats.Figures
	for range 60 { // minutes
		var f stats.Figures
		for range 100 {
			took := time.Duration(math.Exp(random.NormFloat64()*1.5) * float64(50*time.Millisecond))
			all = append(all, took)
			f.Settled(attempted(1, domain.DeliveryDelivered, "", took), noon.Add(-time.Second))
			f.Settled(attempted(1, domain.DeliveryPending, domain.ErrorCut, took), time.Time{})
		}
		text, err := f.MarshalBinary()
		require.NoError(t, err)
		require.Less(t, len(text), domain.MaxStatsBody)
		var read stats.Figures
		require.NoError(t, read.UnmarshalBinary(text))
		require.NoError(t, sum.Merge(&read))
	}
	require.EqualValues(t, 12_000, sum.Attempts)
	require.EqualValues(t, 6_000, sum.Delivered)
	require.Equal(t, map[domain.ErrorClass]int64{domain.ErrorCut: 6_000}, sum.Failures)
	slices.Sort(all)
	for _, q := range []float64{.5, .95, .99} {
		of := func(s stats.Sketch) float64 { d, _ := s.Quantile(q); return d.Seconds() }
		truth := all[int(q*float64(len(all)-1))].Seconds()
		require.InEpsilon(t, truth, of(sum.Attempt), .0101, "%v", q)
		require.InEpsilon(t, truth+1, of(sum.EventToAnswer), .0101, "%v", q)
	}
}

// What lies outside of what a sketch tells apart is at its bounds, and a figure that nobody has counted is not there.
func TestSketch_Bounds(t *testing.T) {
	t.Parallel()
	var s stats.Sketch
	_, ok := s.Quantile(.5)
	require.False(t, ok)
	s.Observe(-time.Hour)
	s.Observe(0)
	s.Observe(1000 * 24 * time.Hour)
	require.EqualValues(t, 3, s.Count())
	least, _ := s.Quantile(0)
	most, _ := s.Quantile(1)
	require.InEpsilon(t, (100 * time.Microsecond).Seconds(), least.Seconds(), .0101)
	require.InEpsilon(t, (8 * 24 * time.Hour).Seconds(), most.Seconds(), .0101)

	var full stats.Sketch // a value near each bin there is
	for d := 100 * time.Microsecond; d < 9*24*time.Hour; d += max(1, d/100) {
		full.Observe(d)
	}
	text, err := full.MarshalBinary()
	require.NoError(t, err)
	require.Less(t, len(text), domain.MaxStatsBody/4, "two of them, in base64, are a row's body")
	require.Error(t, s.UnmarshalBinary([]byte("nonsense")))
}

// A window of some hours is read from minutes, a longer one from hours but for the one that goes on.
func TestPlan(t *testing.T) {
	t.Parallel()
	now := noon.Add(34*time.Minute + 56*time.Second)
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 26, hour, minute, 0, 0, time.UTC) }
	of := domain.StatsOf{Account: "acme", Endpoint: "crm"}
	minutes := func(since time.Time) domain.StatsRange {
		return domain.StatsRange{StatsOf: of, Span: domain.StatsMinute, Since: since, Until: now}
	}
	hours := func(since time.Time) domain.StatsRange {
		return domain.StatsRange{StatsOf: of, Span: domain.StatsHour, Since: since, Until: noon}
	}
	for name, row := range map[string]struct {
		window time.Duration
		want   []domain.StatsRange
	}{
		"the shortest has the minute before whole": {time.Minute, []domain.StatsRange{minutes(at(12, 33))}},
		"15 minutes":                   {15 * time.Minute, []domain.StatsRange{minutes(at(12, 19))}},
		"as long as there are minutes": {domain.StatsFine, []domain.StatsRange{minutes(at(9, 34))}},
		"a little longer":              {domain.StatsFine + 1, []domain.StatsRange{hours(at(9, 0)), minutes(noon)}},
		"a day":                        {24 * time.Hour, []domain.StatsRange{hours(at(12-24, 0)), minutes(noon)}},
		"as long as there is anything": {domain.StatsMost, []domain.StatsRange{hours(at(12-30*24, 0)), minutes(noon)}},
	} {
		require.Equal(t, row.want, stats.Plan(of, now, row.window), name)
		require.Less(t, now.Sub(row.want[0].Since)-row.window, time.Hour, "%s: less than a slot more", name)
	}
	require.Less(t, domain.StatsFine+time.Minute, domain.StatsMinutesKept)
	require.Less(t, domain.StatsMost+time.Hour, domain.StatsHoursKept)
}
