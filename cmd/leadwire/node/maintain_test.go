package node

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// A node whose retention has removed nothing yet says so of every table.
func TestMaintain_CountsFromZero(t *testing.T) {
	reg := prometheus.NewRegistry()
	require.NoError(t, reg.Register(newRemoved()))
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	var tables []string
	for _, series := range families[0].GetMetric() {
		require.Zero(t, series.GetCounter().GetValue())
		tables = append(tables, series.GetLabel()[0].GetValue())
	}
	require.ElementsMatch(t, []string{"events", "event_keys", "feed_events", "seen", "leads", "visits", "acquaintances", "links", "announcements", "deliveries", "receipts", "stats"}, tables)
}
