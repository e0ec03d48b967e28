package bench

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

func goldenReport() *Report {
	r := newReport("crm", []Spec{
		{Name: "sent", Unit: Number}, {Name: "ack.p50", Unit: Seconds}, {Name: "ack.p95", Unit: Seconds},
		{Name: "ack.p99", Unit: Seconds}, {Name: "ack.max", Unit: Seconds}, {Name: "rate.achieved", Unit: PerSecond},
		{Name: "server.rss", Unit: Bytes}, {Name: "server.cpu", Unit: Fraction},
	})
	rec := NewRecorder()
	for i := range 1000 {
		rec.Record(time.Duration(i) * 10 * time.Microsecond)
	}
	r.tell("rate", "%d/s", 1000)
	r.note("latencies count from when a webhook was due")
	r.set("sent", 62000)
	r.setLatency("ack", rec)
	r.set("rate.achieved", 999.9)
	r.set("server.cpu", 0.123)
	return r
}

func TestReport_Golden(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*Report, *bytes.Buffer) error{
		"report.txt":  func(r *Report, b *bytes.Buffer) error { return r.WriteText(b) },
		"report.json": func(r *Report, b *bytes.Buffer) error { return r.WriteJSON(b) },
	} {
		var got bytes.Buffer
		require.NoError(t, write(goldenReport(), &got))
		file := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got.String(), name)
	}
}

// Every figure has a definition in docs/bench.md, by its name and in the words of its Spec.
func TestFigures_AreDefined(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/bench.md")
	require.NoError(t, err)
	for _, s := range slices.Concat(CrmFigures(), PixelFigures(true, true), IdleFigures(), IsolationFigures(), BacklogFigures(), RampFigures(1)) {
		first := strings.NewReplacer(".p95", ".p50", ".p99", ".p50", ".max", ".p50").Replace(s.Name)
		named := strings.Contains(string(page), "`"+s.Name+"`") || strings.Contains(string(page), "`"+first+"`")
		require.True(t, named, "docs/bench.md names %s", s.Name)
	}
}

func TestFigures_HaveOneNameEach(t *testing.T) {
	t.Parallel()
	for _, specs := range [][]Spec{CrmFigures(), PixelFigures(true, true), IdleFigures(), IsolationFigures(), BacklogFigures(), RampFigures(20)} {
		seen := map[string]bool{}
		for _, s := range specs {
			require.False(t, seen[s.Name], s.Name)
			require.NotEmpty(t, s.Help, s.Name)
			seen[s.Name] = true
		}
	}
}
