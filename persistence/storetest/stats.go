package storetest

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// statsRow is what a writer has counted of the crm endpoint in the minute that begins so long after noon.
func statsRow(after time.Duration, writer, body string) domain.StatsRow {
	return domain.StatsRow{
		StatsKey: domain.StatsKey{
			StatsOf: domain.StatsOf{Account: account, Endpoint: crm}, Span: domain.StatsMinute, At: noon.Add(after), Writer: writer,
		},
		Body: []byte(body),
	}
}

// bodies are those of a range, read a few at a time.
func bodies(t *testing.T, s domain.Store, r domain.StatsRange) (all []string) {
	t.Helper()
	var after domain.StatsPlace
	for range 1000 {
		page, err := s.Stats(t.Context(), r, after, 2)
		require.NoError(t, err)
		for _, row := range page {
			require.Equal(t, r.StatsOf, row.StatsOf)
			require.Equal(t, r.Span, row.Span)
			require.Equal(t, time.UTC, row.At.Location())
			all = append(all, string(row.Body))
			after = domain.StatsPlace{At: row.At, Writer: row.Writer}
		}
		if len(page) < 2 {
			return all
		}
	}
	require.Fail(t, "the reading does not end")
	return nil
}

func statistics(t *testing.T, h Harness) {
	minutes := func(since, until time.Duration) domain.StatsRange {
		return domain.StatsRange{StatsOf: statsRow(0, "", "").StatsOf, Span: domain.StatsMinute, Since: noon.Add(since), Until: noon.Add(until)}
	}

	// Two nodes count the same endpoint in the same minute, each over and over: each has one row, and neither the other's.
	t.Run("WritersDoNotWriteOverEachOther", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		for i := range 3 {
			require.NoError(t, s.KeepStats(t.Context(), []domain.StatsRow{statsRow(0, "a.1", fmt.Sprint("a ", i))}))
			require.NoError(t, s.KeepStats(t.Context(), []domain.StatsRow{statsRow(0, "b.1", fmt.Sprint("b ", i)), statsRow(time.Minute, "b.2", "b next")}))
		}
		s = in.Crash(t).Store
		require.Equal(t, []string{"a 2", "b 2", "b next"}, bodies(t, s, minutes(0, time.Hour)))
	})

	// A reading has its slots and nobody else's: not of another endpoint, tier, account or span.
	t.Run("AreReadBySlot", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var rows []domain.StatsRow
		for i := range 6 {
			rows = append(rows, statsRow(time.Duration(i)*time.Minute, "a.1", strconv.Itoa(i)), statsRow(time.Duration(i)*time.Minute, "b.1", fmt.Sprint(i, " too")))
		}
		hour, other, tier, rival := statsRow(0, "a.1", "hour"), statsRow(0, "a.1", "other"), statsRow(0, "a.1", "tier"), statsRow(0, "a.1", "rival")
		hour.Span, other.Endpoint, rival.Account = domain.StatsHour, warehouse, "globex"
		tier.StatsOf = domain.StatsOf{Account: account, Tier: domain.TierHigh}
		require.NoError(t, s.KeepStats(t.Context(), append(rows, hour, other, tier, rival)))
		require.Equal(t, []string{"2", "2 too", "3", "3 too"}, bodies(t, s, minutes(2*time.Minute, 4*time.Minute)))
		require.Equal(t, []string{"2", "2 too"}, bodies(t, s, minutes(time.Minute+1, 2*time.Minute+1)), "slots that begin within")
		require.Empty(t, bodies(t, s, minutes(time.Hour, 2*time.Hour)))
		require.Equal(t, []string{"hour"}, bodies(t, s, domain.StatsRange{StatsOf: hour.StatsOf, Span: domain.StatsHour, Since: noon, Until: noon.Add(1)}))
		require.Equal(t, []string{"tier"}, bodies(t, s, domain.StatsRange{StatsOf: tier.StatsOf, Span: domain.StatsMinute, Since: noon, Until: noon.Add(1)}))
	})

	// A row that cannot be kept keeps the others out too.
	t.Run("AllOrNone", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		require.NoError(t, s.KeepStats(t.Context(), nil))
		for field, spoil := range map[string]func(*domain.StatsRow){
			"account": func(r *domain.StatsRow) { r.Account = "" },
			"tier":    func(r *domain.StatsRow) { r.Tier = domain.TierLow },
			"span":    func(r *domain.StatsRow) { r.Span = domain.StatsSpan(time.Second) },
			"at":      func(r *domain.StatsRow) { r.At = r.At.Add(time.Second) },
			"writer":  func(r *domain.StatsRow) { r.Writer = "a\x00" },
			"body":    func(r *domain.StatsRow) { r.Body = make([]byte, domain.MaxStatsBody+1) },
		} {
			bad := statsRow(0, "a.2", "bad")
			spoil(&bad)
			err := s.KeepStats(t.Context(), []domain.StatsRow{statsRow(0, "a.1", "good"), bad})
			require.Equal(t, domain.Invalid, domain.CodeOf(err), "%s: %v", field, err)
			require.ErrorContains(t, err, field)
		}
		require.Empty(t, bodies(t, s, minutes(0, time.Hour)))
	})

	// Minutes go after hours, and hours after a month; what is asked for is still there until then. A bite is bounded.
	t.Run("AreKeptAsLongAsTheyMayBeAskedFor", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		now := time.Now().UTC().Truncate(time.Hour)
		var rows []domain.StatsRow
		for i := range 30 {
			minute, hour := statsRow(0, fmt.Sprint("a.", i), "minute"), statsRow(0, fmt.Sprint("a.", i), "hour")
			minute.At, hour.At, hour.Span = now, now, domain.StatsHour
			rows = append(rows, minute, hour)
		}
		require.NoError(t, s.KeepStats(t.Context(), rows))
		of := func(span domain.StatsSpan) domain.StatsRange {
			return domain.StatsRange{StatsOf: rows[0].StatsOf, Span: span, Since: now, Until: now.Add(1)}
		}
		maintain(t, s, now.Add(domain.StatsFine+time.Minute), domain.Retention{})
		require.Len(t, bodies(t, s, of(domain.StatsMinute)), 30)
		m, err := s.Maintain(t.Context(), now.Add(domain.StatsMinutesKept+time.Second), domain.Retention{BatchLimit: 10})
		require.NoError(t, err)
		require.True(t, m.More)
		require.Equal(t, int64(10), m.Removed["stats"])
		maintain(t, s, now.Add(domain.StatsMost+time.Hour), domain.Retention{BatchLimit: 10})
		require.Empty(t, bodies(t, s, of(domain.StatsMinute)))
		require.Len(t, bodies(t, s, of(domain.StatsHour)), 30)
		maintain(t, s, now.Add(domain.StatsHoursKept+time.Second), domain.Retention{BatchLimit: 10})
		require.Empty(t, bodies(t, s, of(domain.StatsHour)))
	})
}
