package httpedge_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/leadwire/leadwire/httpedge"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// registered remembers what a server registers.
type registered struct {
	prometheus.Registerer
	all []prometheus.Collector
}

func (r *registered) Register(c prometheus.Collector) error {
	r.all = append(r.all, c)
	return r.Registerer.Register(c)
}

// Every series whose labels can be known is there, at zero, before anything happened: a rate over a series
// that is born with its first event misses that event.
func TestMetrics_AreBornAtZero(t *testing.T) {
	t.Parallel()
	reg := &registered{Registerer: prometheus.NewRegistry()}
	e := start(t, func(_ *httpedge.Config, d *httpedge.Deps) { d.Registerer = reg })
	have := map[string]bool{} // name{label=value}
	vectors := 0
	for _, c := range reg.all {
		switch c.(type) {
		case *prometheus.CounterVec, *prometheus.HistogramVec, *prometheus.GaugeVec:
			vectors++
		}
		alone := prometheus.NewRegistry()
		require.NoError(t, alone.Register(c))
		families, err := alone.Gather()
		require.NoError(t, err)
		described := make(chan *prometheus.Desc, 1)
		c.Describe(described)
		require.Len(t, families, 1, "no series yet of %s", <-described)
		for _, series := range families[0].GetMetric() {
			require.Zero(t, series.GetCounter().GetValue(), families[0].GetName())
			require.Zero(t, series.GetHistogram().GetSampleCount(), families[0].GetName())
			for _, label := range series.GetLabel() {
				have[fmt.Sprintf("%s{%s=%s}", families[0].GetName(), label.GetName(), label.GetValue())] = true
			}
		}
	}
	require.GreaterOrEqual(t, vectors, 9, "the test sees the vectors")
	require.Contains(t, have, "leadwire_ingest_requests_total{source=ghl}")
	for series, values := range map[string][]string{
		"leadwire_http_responses_total{route=":        append(httpedge.RouteNames(e.Server), "none"),
		"leadwire_http_responses_total{class=":        {"2xx", "3xx", "4xx", "5xx", "other"},
		"leadwire_http_broken_requests_total{reason=": {"malformed", "headers_too_large", "slow"},
		"leadwire_http_crowded_total{result=":         {"not_kept", "waited"},
		"leadwire_buyer_seen_total{result=":           {"new", "repeat"},
		"leadwire_pixel_requests_total{outcome=":      {"kept", "duplicate", "partial", "dropped", "refused", "deferred"},
		"leadwire_pixel_requests_total{by=":           {"post", "image"},
		"leadwire_pixel_requests_total{reason=": {
			"bot", "no_agent", "prefetch", "paused", "path", "forgotten", "head", "unknown_pixel", "origin", "json", "too_large", "aborted",
			"draining", "overloaded", "rate_pixel", "rate_address", "no_room", "slow", "unavailable", "fenced", "timeout", "internal",
		},
		"leadwire_pixel_items_total{outcome=":     {"kept", "duplicate", "dropped", "refused", "deferred"},
		"leadwire_pixel_items_total{reason=":      {"path", "origin", "clear", "length", "form", "rejected", "unavailable"},
		"leadwire_pixel_scripts_total{result=":    {"served", "unchanged", "unknown_pixel"},
		"leadwire_ingest_requests_total{outcome=": {"kept", "duplicate", "unverified", "refused", "deferred"},
		"leadwire_ingest_requests_total{scheme=":  {"none", "ed25519", "rsa4096"},
		"leadwire_ingest_requests_total{reason=": {
			"draining", "misconfigured", "overloaded", "no_room", "slow", "unavailable", "fenced", "timeout", "internal",
			"too_large", "aborted", "unknown_tenant", "rejected", "missing", "malformed", "mismatch", "scheme_disabled",
		},
	} {
		for _, value := range values {
			require.True(t, have[series+value+"}"], "%s%s}", series, value)
		}
	}
	require.True(t, slices.Contains(httpedge.RouteNames(e.Server), "ingest"))
}
