package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/stats"
	"github.com/leadwire/leadwire/actors/domain"
)

// statsUnsaid is the window of whom does not say.
const statsUnsaid = time.Hour

// statsWindow is the time that figures are of. Since is when the first slot begins, so it may be somewhat longer than what
// was asked for: rates are of the time that it is.
type statsWindow struct {
	Window string `json:"window"`
	Since  stamp  `json:"since"`
	Until  stamp  `json:"until"`

	asked time.Duration
}

func (w statsWindow) until() time.Time { return time.Time(w.Until) }

func (w statsWindow) seconds() float64 { return w.until().Sub(time.Time(w.Since)).Seconds() }

// statsWindow reads how far back figures are asked for: "15m", "36h", "7d".
func (a *API) statsWindow(c *Call) (statsWindow, error) {
	text := c.Query("window")
	asked := statsUnsaid
	if text != "" {
		var err error
		if asked, err = duration(text); err != nil || asked < domain.StatsLeast || asked > domain.StatsMost {
			return statsWindow{}, domain.FailField("read query", "window", fmt.Sprintf("must be a duration from %s to %s, as 15m, 24h or 7d",
				spelled(domain.StatsLeast), spelled(domain.StatsMost)))
		}
	}
	now := a.deps.Clock.Now().UTC()
	return statsWindow{
		Window: spelled(asked), Since: stamp(stats.Plan(domain.StatsOf{}, now, asked)[0].Since), Until: stamp(now), asked: asked,
	}, nil
}

// duration reads one as time.ParseDuration does, and whole days.
func duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// spelled writes one as it would be asked for.
func spelled(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// statsRow is figures as the API writes them.
type statsRow struct {
	Attempts     int64                       `json:"attempts"`
	Failed       int64                       `json:"failed"`   // attempts
	Failures     map[domain.ErrorClass]int64 `json:"failures"` // the same by class
	FailureRate  *float64                    `json:"failure_rate"`
	Retries      int64                       `json:"retries"`
	Delivered    int64                       `json:"delivered"`
	DeliveryRate float64                     `json:"delivery_rate"` // a second
	Exhausted    int64                       `json:"exhausted"`
	Suppressed   int64                       `json:"suppressed"`
	Latencies    struct {
		EventToAnswer percentiles `json:"event_to_answer"`
		Attempt       percentiles `json:"attempt"`
	} `json:"latencies_ms"`
}

// percentiles are in milliseconds; null while there is nothing to tell them from.
type percentiles struct {
	Count int64    `json:"count"`
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
}

func percentilesOf(s *stats.Sketch) percentiles {
	at := func(q float64) *float64 {
		d, ok := s.Quantile(q)
		if !ok {
			return nil
		}
		ms := float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
		return &ms
	}
	return percentiles{s.Count(), at(.50), at(.95), at(.99)}
}

func (w statsWindow) row(f *stats.Figures) statsRow {
	r := statsRow{
		Attempts: f.Attempts, Failed: f.Failed, Failures: f.Failures, Retries: f.Retries,
		Delivered: f.Delivered, DeliveryRate: float64(f.Delivered) / w.seconds(), Exhausted: f.Exhausted, Suppressed: f.Suppressed,
	}
	if r.Failures == nil {
		r.Failures = map[domain.ErrorClass]int64{}
	}
	if f.Attempts > 0 {
		share := float64(f.Failed) / float64(f.Attempts)
		r.FailureRate = &share
	}
	r.Latencies.EventToAnswer, r.Latencies.Attempt = percentilesOf(&f.EventToAnswer), percentilesOf(&f.Attempt)
	return r
}
