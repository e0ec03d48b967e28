package stats

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Plan is what is read to know the figures of the time before now: one range, or two that follow each other. They begin
// where a slot does, so an answer may be about up to a slot more than was asked for; the first range's Since says since
// when.
//
//	1h     ├ minutes ──────────────────────────┤
//	24h    ├ hours ──────────────────┤ minutes ┤   the hour that has not ended is put together from minutes, which are
//	                                              written more often
func Plan(of domain.StatsOf, now time.Time, window time.Duration) []domain.StatsRange {
	now = now.UTC()
	fine := domain.StatsRange{StatsOf: of, Span: domain.StatsMinute, Since: now.Add(-window).Truncate(time.Minute), Until: now}
	if window <= domain.StatsFine {
		return []domain.StatsRange{fine}
	}
	hour := now.Truncate(time.Hour)
	fine.Since = hour
	return []domain.StatsRange{
		{StatsOf: of, Span: domain.StatsHour, Since: now.Add(-window).Truncate(time.Hour), Until: hour},
		fine,
	}
}
