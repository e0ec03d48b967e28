package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// BenchmarkStats measures a node's figures of 125 endpoints, written over every ten seconds: a bite of them stands between
// two commits of the traffic. And what somebody waits for who asks for a month of an endpoint that two nodes have sent to.
func BenchmarkStats(b *testing.B, s domain.StatsStore) {
	rows := make([]domain.StatsRow, 250)
	for i := range rows {
		rows[i] = domain.StatsRow{StatsKey: domain.StatsKey{
			StatsOf: domain.StatsOf{Account: "acme", Endpoint: domain.EndpointID(fmt.Sprint("e", i))}, Span: domain.StatsMinute,
			At: noon.Truncate(time.Hour), Writer: "node.1",
		}, Body: make([]byte, 1500)}
	}
	b.Run("KeepStats/250", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, s.KeepStats(b.Context(), rows))
		}
	})
	month := domain.StatsRange{
		StatsOf: domain.StatsOf{Account: "acme", Endpoint: "crm"}, Span: domain.StatsHour, Since: noon.Truncate(time.Hour),
		Until: noon.Add(domain.StatsMost),
	}
	for h := range 720 {
		at := month.Since.Add(time.Duration(h) * time.Hour)
		var two []domain.StatsRow
		for _, writer := range []string{"a", "b"} {
			two = append(two, domain.StatsRow{StatsKey: domain.StatsKey{StatsOf: month.StatsOf, Span: domain.StatsHour, At: at, Writer: writer}, Body: make([]byte, 1500)})
		}
		require.NoError(b, s.KeepStats(b.Context(), two))
	}
	b.Run("Stats/1440", func(b *testing.B) {
		for b.Loop() {
			got, err := s.Stats(b.Context(), month, domain.StatsPlace{}, 2000)
			require.NoError(b, err)
			require.Len(b, got, 1440)
		}
	})
}
