package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

// trips counts what goes to the server: a batch is one round trip, and so is a query or a prepare.
type trips struct{ batches, queries, prepares atomic.Int64 }

func (c *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	c.batches.Add(1)
	return ctx
}
func (c *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (c *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}
func (c *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.queries.Add(1)
	return ctx
}
func (c *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (c *trips) TracePrepareStart(ctx context.Context, _ *pgx.Conn, _ pgx.TracePrepareStartData) context.Context {
	c.prepares.Add(1)
	return ctx
}
func (c *trips) TracePrepareEnd(context.Context, *pgx.Conn, pgx.TracePrepareEndData) {}

// However many operations of whatever kind meet in a batch, it is one round trip.
func TestCommit_IsOneRoundTrip(t *testing.T) {
	t.Parallel()
	var seen trips
	registry := prometheus.NewRegistry()
	s := open(t, pgtest.Fresh(t), Options{Tracer: &seen, Registerer: registry, Commit: groupcommit.Config{Name: "trips"}})
	f := claim(t, s, "node", 7)[0]
	assigned(t, s, f, "warm") // statements are prepared, and the buyer's feed row is made
	_, err := s.RecordSeen(t.Context(), []domain.Seen{{Account: "acme", Buyer: "bob", Seq: 1, ReportedAt: noon}})
	require.NoError(t, err)
	visited(t, s, f, "warm")
	batches, queries, prepares := seen.batches.Load(), seen.queries.Load(), seen.prepares.Load()
	commits := total(t, registry, "leadwire_commit_total")
	var wg sync.WaitGroup
	for _, id := range names(200) {
		wg.Go(func() {
			assigned(t, s, f, id)
			visited(t, s, f, id)
			_, err := s.RecordSeen(t.Context(), []domain.Seen{{Account: "acme", Buyer: "bob", Seq: 2, ReportedAt: noon}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, total(t, registry, "leadwire_commit_total")-commits, seen.batches.Load()-batches, "one pipeline a commit")
	require.Zero(t, seen.queries.Load()-queries, "and nothing beside it")
	require.Zero(t, seen.prepares.Load()-prepares)
	require.Less(t, seen.batches.Load()-batches, int64(1600), "1600 operations shared commits")
}

// visited lets somebody come by, be judged and announced, an endpoint be told, and a link be learned.
func visited(t *testing.T, s *Store, f domain.Fence, id string) {
	t.Helper()
	o := meeting(f, "h-"+id, domain.VisitorID("v-"+id), domain.PersonID("p-"+id))
	got, err := s.Observe(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, domain.Done, got.Outcome)
	j := judging(f, o, got.Owed[0], 0)
	j.Announce[0].Owed = []domain.Owed{{Endpoint: "crm", Partition: f.Partition}}
	judged, err := s.Judge(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, domain.Done, judged.Outcome)
	d := judged.Announced[0].Deliveries[0]
	record(t, s, failing(f, d, noon))
	d.Revision, d.Attempts, d.FailedAt = 2, 1, noon
	record(t, s, arriving(f, d, noon))
	_, err = s.Learn(t.Context(), domain.Lesson{Links: []domain.Link{{Account: "acme", Key: domain.Key{Kind: domain.KeyClick, Value: id}, Person: o.Visit.Person, At: noon}}})
	require.NoError(t, err)
}

// total sums a counter's series.
func total(t *testing.T, g prometheus.Gatherer, name string) (sum float64) {
	t.Helper()
	for _, m := range gathered(t, g)[name].GetMetric() {
		sum += m.GetCounter().GetValue()
	}
	return sum
}

func gathered(t *testing.T, g prometheus.Gatherer) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	require.NoError(t, err)
	all := map[string]*dto.MetricFamily{}
	for _, family := range families {
		all[family.GetName()] = family
	}
	return all
}

// value reads one counter or gauge.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var read dto.Metric
	require.NoError(t, m.Write(&read))
	return read.GetCounter().GetValue() + read.GetGauge().GetValue()
}

// Every series is there from the start, and goes when the store is closed: it can be opened again.
func TestMetrics_AreBornAtZeroAndLeave(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	url := pgtest.Fresh(t)
	for range 2 {
		s := open(t, url, Options{Registerer: registry})
		all := gathered(t, registry)
		for name, series := range map[string]int{"connected": 1, "connections_lost_total": 1, "retries_total": 3,
			"recognised_total": 1, "default_partition_rows": 5, "readers_limit": 1, "tables_to_rewrite": 1} {
			require.Len(t, all["leadwire_postgres_"+name].GetMetric(), series, name)
		}
		require.Equal(t, 1.0, value(t, s.metrics.connected))
		require.NoError(t, s.Close())
		require.Empty(t, gathered(t, registry))
	}
}
