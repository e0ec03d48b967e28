package stats_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// table is what a store does with rows: each in the place of the one with its key.
type table map[domain.StatsKey][]byte

// keep writes what is due, and answers how many rows that was.
func (tab table) keep(t *testing.T, l *stats.Ledger, now time.Time, everything bool) int {
	t.Helper()
	due, err := l.Due(now, everything, 1000)
	require.NoError(t, err)
	for _, w := range due {
		tab[w.Row.StatsKey] = w.Row.Body
	}
	l.Written(now, due)
	return len(due)
}

// delivered is how many were, by all the rows of a span.
func (tab table) delivered(t *testing.T, of domain.StatsOf, span domain.StatsSpan) (n int64) {
	t.Helper()
	for key, text := range tab {
		var f stats.Figures
		require.NoError(t, f.UnmarshalBinary(text))
		if key.StatsOf == of && key.Span == span {
			n += f.Delivered
		}
	}
	return n
}

func deliver(l *stats.Ledger, now time.Time, to domain.EndpointID) {
	a := attempted(1, domain.DeliveryDelivered, "", time.Millisecond)
	a.Key.Endpoint = to
	l.Settled(now, domain.TierHigh, a, now)
}

var (
	ofCRM  = domain.StatsOf{Account: "acme", Endpoint: "crm"}       //nolint:gochecknoglobals // a constant
	ofHigh = domain.StatsOf{Account: "acme", Tier: domain.TierHigh} //nolint:gochecknoglobals // a constant
)

// An hour of a delivery a second to two endpoints, written every ten seconds: nothing is missing and nothing doubled,
// whatever slots have come and gone, and what is written while nothing happens is nothing.
func TestLedger_CountsEachOnceInEachSpan(t *testing.T) {
	t.Parallel()
	l, tab := stats.NewLedger("a"), table{}
	now := noon.Add(30 * time.Minute)
	for i := range 3600 {
		deliver(l, now, "crm")
		if i%2 == 0 {
			deliver(l, now, "shop")
		}
		now = now.Add(time.Second)
		if i%10 == 9 {
			require.LessOrEqual(t, tab.keep(t, l, now, false), 12)
		}
	}
	tab.keep(t, l, now, true)
	for _, span := range []domain.StatsSpan{domain.StatsMinute, domain.StatsHour} {
		require.EqualValues(t, 3600, tab.delivered(t, ofCRM, span))
		require.EqualValues(t, 5400, tab.delivered(t, ofHigh, span))
	}
	require.Zero(t, tab.keep(t, l, now, true))
	tab.keep(t, l, now.Add(2*time.Hour), false)
	require.Zero(t, l.Slots(), "what is over and written is forgotten")
}

// What a store did not take, or took without saying so, is written with the next rows.
func TestLedger_WritesUntilItIsWritten(t *testing.T) {
	t.Parallel()
	l, tab := stats.NewLedger("a"), table{}
	deliver(l, noon, "crm")
	lost, err := l.Due(noon, false, 1000)
	require.NoError(t, err)
	require.Len(t, lost, 4)
	deliver(l, noon.Add(2*time.Minute), "crm")
	require.Equal(t, 6, tab.keep(t, l, noon.Add(2*time.Minute), false), "two minutes and an hour, of the endpoint and of its tier")
	require.EqualValues(t, 2, tab.delivered(t, ofCRM, domain.StatsMinute))

	due, err := l.Due(noon, true, 1000)
	require.NoError(t, err)
	require.Empty(t, due)
	deliver(l, noon.Add(2*time.Minute), "crm")
	due, err = l.Due(noon.Add(2*time.Minute), true, 1000)
	require.NoError(t, err)
	deliver(l, noon.Add(2*time.Minute), "crm") // while the others are on their way
	for _, w := range due {
		tab[w.Row.StatsKey] = w.Row.Body
	}
	l.Written(noon.Add(2*time.Minute), due)
	tab.keep(t, l, noon.Add(3*time.Minute), true)
	require.EqualValues(t, 4, tab.delivered(t, ofCRM, domain.StatsMinute))
	require.EqualValues(t, 4, tab.delivered(t, ofHigh, domain.StatsHour))
}

// Hours that go on are written once a minute: their rows are the larger ones, and nobody reads them before they end.
func TestLedger_WritesHoursOnceAMinute(t *testing.T) {
	t.Parallel()
	l := stats.NewLedger("a")
	hours := 0
	for at := time.Duration(0); at < 10*time.Minute; at += 10 * time.Second {
		deliver(l, noon.Add(at), "crm")
		due, err := l.Due(noon.Add(at), false, 1000)
		require.NoError(t, err)
		for _, w := range due {
			if w.Row.Span == domain.StatsHour && w.Row.Endpoint != "" {
				hours++
			}
		}
		l.Written(noon.Add(at), due)
	}
	require.Equal(t, 10, hours)
}

// A clock that was set back makes no second slot of the same time, and two ledgers no common row.
func TestLedger_RowsAreItsOwn(t *testing.T) {
	t.Parallel()
	tab := table{}
	a, b := stats.NewLedger("a"), stats.NewLedger("b")
	for range 3 {
		deliver(a, noon.Add(time.Minute), "crm")
		deliver(a, noon, "crm")
		deliver(b, noon, "crm")
		tab.keep(t, a, noon, true)
		tab.keep(t, b, noon, true)
	}
	require.EqualValues(t, 9, tab.delivered(t, ofCRM, domain.StatsMinute))
	require.Len(t, tab, 8)
}

// At the limit there is no more memory for figures, and it is said how many are missing. What is written of minutes makes room.
func TestLedger_IsBounded(t *testing.T) {
	t.Parallel()
	l, tab := stats.NewLedger("a"), table{}
	l.Limit(10)
	for i := range 6 { // two slots each, and two of the tier
		deliver(l, noon, domain.EndpointID(fmt.Sprint("e", i)))
	}
	require.Equal(t, 10, l.Slots())
	require.EqualValues(t, 2, l.Lost())
	tab.keep(t, l, noon, true)
	require.Equal(t, 10, l.Slots(), "they go on")
	tab.keep(t, l, noon.Add(time.Second), true)
	require.Equal(t, 5, l.Slots(), "it is crowded, and minutes that are written go; an hour has one row, which is kept for a month")
	deliver(l, noon.Add(2*time.Second), "e0")
	tab.keep(t, l, noon.Add(2*time.Second), true)
	require.EqualValues(t, 2, tab.delivered(t, domain.StatsOf{Account: "acme", Endpoint: "e0"}, domain.StatsMinute), "two rows of the same minute add up")
	require.EqualValues(t, 7, tab.delivered(t, ofHigh, domain.StatsHour))
}

// Attempts are settled on many goroutines while rows are written.
func TestLedger_IsSafe(t *testing.T) {
	t.Parallel()
	l, tab := stats.NewLedger("a"), table{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				deliver(l, noon.Add(time.Duration(i)*time.Second), "crm")
			}
		})
	}
	for range 50 {
		tab.keep(t, l, noon, true)
	}
	wg.Wait()
	tab.keep(t, l, noon, true)
	require.EqualValues(t, 4000, tab.delivered(t, ofCRM, domain.StatsMinute))
}

// What an attempt pays: two sketches, four times.
func BenchmarkLedger_Settled(b *testing.B) {
	l := stats.NewLedger("a")
	now := noon
	for i := 0; b.Loop(); i++ {
		a := attempted(1, domain.DeliveryDelivered, "", time.Duration(i%1000)*time.Millisecond)
		l.Settled(now, domain.TierHigh, a, noon)
	}
}

// What a writing pays for each row.
func BenchmarkFigures_MarshalBinary(b *testing.B) {
	var f stats.Figures
	for i := range 10_000 {
		f.Settled(attempted(1, domain.DeliveryDelivered, "", time.Duration(i)*time.Millisecond), noon)
	}
	var text []byte
	for b.Loop() {
		text, _ = f.MarshalBinary()
	}
	b.ReportMetric(float64(len(text)), "bytes")
}
