package node

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// maintainPause lets traffic pass between two bounded bites of retention.
	maintainPause = 100 * time.Millisecond
	// maintainRetry is how soon a round that the store refused is tried again.
	maintainRetry = time.Minute
)

// retained is the tables that retention removes rows from, in either store; days that Postgres drops whole
// are not counted in rows.
var retained = [...]string{"events", "event_keys", "feed_events", "seen", "leads", "visits", "acquaintances", "links", "announcements", "deliveries", "receipts", "stats"}

func newRemoved() *prometheus.CounterVec {
	removed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "leadwire", Subsystem: "retention", Name: "removed_rows_total", Help: "Rows that retention removed, by table.",
	}, []string{"table"})
	for _, table := range retained {
		removed.WithLabelValues(table)
	}
	return removed
}

// maintain runs retention at the start and every MaintainEvery, in bites, until ctx ends.
func (n *Node) maintain(ctx context.Context) {
	removed := newRemoved()
	last := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "leadwire", Subsystem: "retention", Name: "last_success_timestamp_seconds", Help: "When a round of retention last ended well; 0: not yet.",
	})
	n.registry.MustRegister(removed, last)
	for {
		pause := n.config.MaintainEvery
		switch total, err := n.round(ctx, removed); {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.deps.Log.Warn("retention was interrupted", "error", err)
			pause = min(pause, maintainRetry)
		default:
			last.Set(float64(n.deps.Clock.Now().Unix()))
			if rows := sum(total.Removed); rows > 0 || len(total.Dropped) > 0 {
				n.deps.Log.Info("retention done", "rows", rows, "partitions_dropped", len(total.Dropped))
			}
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

// round calls Maintain until it has nothing more to do.
func (n *Node) round(ctx context.Context, removed *prometheus.CounterVec) (domain.Maintained, error) {
	total := domain.Maintained{Removed: map[string]int64{}}
	for {
		m, err := n.store.Maintain(ctx, n.deps.Clock.Now(), n.config.Keep)
		if err != nil {
			return total, err
		}
		for table, rows := range m.Removed {
			total.Removed[table] += rows
			removed.WithLabelValues(table).Add(float64(rows))
		}
		total.Dropped = append(total.Dropped, m.Dropped...)
		if !m.More || !wait(ctx, maintainPause) {
			return total, nil
		}
	}
}

func sum(rows map[string]int64) (total int64) {
	for _, n := range rows {
		total += n
	}
	return total
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
