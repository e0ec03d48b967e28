package telemetry_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/telemetry"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func event(seq domain.Seq) domain.FeedEvent {
	return domain.FeedEvent{Account: "acme", Buyer: "ann", Seq: seq, ReceivedAt: at(0), CommittedAt: at(3)}
}

func seen(seq domain.Seq) domain.Seen {
	return domain.Seen{Account: "acme", Buyer: "ann", Seq: seq, ClientReceivedAt: at(9), RenderedAt: at(25)}
}

func table(r *telemetry.Recorder) map[string]telemetry.Segment {
	out := map[string]telemetry.Segment{}
	for _, s := range r.Snapshot() {
		out[s.Name] = s
	}
	return out
}

// One lead's whole way: every segment is measured once, and the total is from received to rendered.
func TestRecorder_MeasuresTheWholeWay(t *testing.T) {
	t.Parallel()
	r := telemetry.New(nil)
	r.Committed(event(1))
	r.Published([]domain.FeedEvent{event(1)}, at(4))
	r.Seen([]domain.Seen{seen(1)})
	for name, want := range map[string]time.Duration{
		telemetry.Committed: 3 * time.Millisecond, telemetry.Published: time.Millisecond,
		telemetry.Arrived: 5 * time.Millisecond, telemetry.Rendered: 16 * time.Millisecond, telemetry.Total: 25 * time.Millisecond,
	} {
		s := table(r)[name]
		require.Equal(t, int64(1), s.Count, name)
		require.InEpsilon(t, want, s.P50, 0.001, name)
	}
}

// Two tabs report the same row: the first counts.
func TestRecorder_FirstReportCounts(t *testing.T) {
	t.Parallel()
	r := telemetry.New(nil)
	r.Published([]domain.FeedEvent{event(1)}, at(4))
	r.Seen([]domain.Seen{seen(1), seen(1)})
	require.Equal(t, int64(1), table(r)[telemetry.Total].Count)
	require.Equal(t, int64(1), table(r)[telemetry.Rendered].Count)
}

// What was read back from the store says nothing about how fast we are.
func TestRecorder_IgnoresReplays(t *testing.T) {
	t.Parallel()
	r := telemetry.New(nil)
	replayed := event(1)
	replayed.CommittedAt = time.Time{}
	r.Published([]domain.FeedEvent{replayed}, at(4))
	require.Zero(t, table(r)[telemetry.Published].Count)
}

// A lead that waited hours for a buyer is not a slow one.
func TestRecorder_IgnoresHeldLeads(t *testing.T) {
	t.Parallel()
	r := telemetry.New(nil)
	late := event(1)
	late.DecidedAt = at(0).Add(time.Hour)
	late.CommittedAt = late.DecidedAt.Add(time.Millisecond)
	r.Committed(late)
	r.Published([]domain.FeedEvent{late}, late.CommittedAt)
	r.Seen([]domain.Seen{seen(1)})
	for name, s := range table(r) {
		require.Zero(t, s.Count, name)
	}
}

// A browser's clock that is a little behind makes no negative time.
func TestRecorder_ClampsSkew(t *testing.T) {
	t.Parallel()
	r := telemetry.New(nil)
	r.Published([]domain.FeedEvent{event(1)}, at(30))
	r.Seen([]domain.Seen{seen(1)})
	require.LessOrEqual(t, table(r)[telemetry.Arrived].P50, time.Microsecond)
}

// Before anything has happened every segment is there, at zero.
func TestRecorder_IsBornAtZero(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	telemetry.New(reg)
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.Len(t, families[0].GetMetric(), 5)
}
