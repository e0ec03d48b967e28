package groupcommit

import (
	"slices"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// Every series is there before the first operation; afterwards they have counted right; and a closed
// writer leaves room for the next of its name.
func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	s := newStore(t, Config{QueueOps: 3}, Deps{Registerer: registry}, func(ops []string) error {
		if slices.Contains(ops, "bad") {
			return domain.Fail("commit", domain.Invalid, nil)
		}
		return nil
	})
	require.Equal(t, map[string]float64{
		"ok": 0, "refused": 0, "withdrawn": 0, "invalid": 0, "fenced": 0, "unavailable": 0, "internal": 0,
	}, operations(t, registry))
	_, err := New(Config{}, Deps{Registerer: registry}, Work[int, int]{})
	require.Error(t, err, "two writers of one name would count into one another")

	answers := s.behind(t, "first", "a", "bad", "b")
	_, err = s.Do(t.Context(), "too many")
	require.Error(t, err)
	require.EqualValues(t, 3, value(t, registry, "leadwire_commit_queue_operations"))
	require.EqualValues(t, 5, value(t, registry, "leadwire_commit_queue_bytes"))
	require.EqualValues(t, 3, value(t, registry, "leadwire_commit_queue_operations_limit"))
	s.open()
	collect(answers, 4)
	require.Equal(t, map[string]float64{
		"ok": 3, "refused": 1, "withdrawn": 0, "invalid": 1, "fenced": 0, "unavailable": 0, "internal": 0,
	}, operations(t, registry))
	require.Zero(t, value(t, registry, "leadwire_commit_queue_operations"))
	s.Close()
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Empty(t, families)
}

func operations(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != "leadwire_commit_operations_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" {
					all[l.GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
	}
	return all
}

func value(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
