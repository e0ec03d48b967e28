package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leadwire/leadwire/actors/telemetry"
)

// WriteTable prints how long each segment of a lead's way took. The browser's segments are there only
// if a page was open; the table says so when they are not.
func WriteTable(w io.Writer, segments []telemetry.Segment) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "segment\tevents\tp50\tp95\tp99\t")
	silent := false
	for _, s := range segments {
		name := strings.Replace(strings.ReplaceAll(s.Name, "client_received", "client received"), "_", " → ", 1)
		if s.Count == 0 {
			silent = true
			fmt.Fprintf(t, "%s\t0\t-\t-\t-\t\n", name)
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t\n", name, s.Count, brief(s.P50), brief(s.P95), brief(s.P99))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	if silent {
		fmt.Fprintln(w, "Segments without events are measured in a browser, and no page was open.")
	}
	return nil
}

// brief is a duration with three figures at most: "840µs", "1.52ms", "12.4ms".
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}
