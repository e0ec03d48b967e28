package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pixelStandIn is the outside of the product as a pixel run meets it.
type pixelStandIn struct {
	known int64

	mu      sync.Mutex
	events  int
	met     map[int64]bool
	said    []announced
	graphs  []string // put in use, in order
	looks   int      // at the metrics since the last of them
	refuses bool     // to swap
}

func (s *pixelStandIn) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /p", s.hit)
	mux.HandleFunc("PUT /api/v1/graph", s.use)
	mux.HandleFunc("GET /api/v1/announcements", s.announcements)
	mux.HandleFunc("GET /metrics", s.metrics)
	return mux
}

func (s *pixelStandIn) hit(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events++
	var visitor int64
	id := r.URL.Query().Get("v")
	_, _ = fmt.Sscanf(strings.TrimLeft(id[strings.LastIndex(id, "-")+1:], "0")+" ", "%d", &visitor)
	if visitor < s.known && !s.met[visitor] {
		s.met[visitor] = true
		s.said = append(s.said, announced{Seq: int64(len(s.said) + 1), Type: "visitor.identified", Lead: "person-" + personID(visitor)})
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *pixelStandIn) use(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var asked struct{ Path string }
	if s.refuses || r.Header.Get("Authorization") != "Bearer operator" || json.NewDecoder(r.Body).Decode(&asked) != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.graphs, s.looks = append(s.graphs, asked.Path), 0
	_, _ = w.Write([]byte("{}"))
}

func (s *pixelStandIn) announcements(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
	page := s.said[after:min(len(s.said), after+pageOf)]
	_ = json.NewEncoder(w).Encode(map[string]any{"announcements": page})
}

// metrics tell of a new graph in memory at the third look.
func (s *pixelStandIn) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	resident := 0
	if s.looks > 2 {
		resident = 4096
	}
	fmt.Fprintf(w, "leadwire_graph_swaps_total %d\nleadwire_graph_file_bytes 4096\nleadwire_graph_resident_bytes %d\nleadwire_graph_files_replaced_open 0\n", 1+len(s.graphs), resident)
	fmt.Fprintf(w, "leadwire_commit_total{result=\"ok\"} %d\n", s.events)
	for _, name := range []string{"leadwire_commit_batch_operations", "leadwire_commit_seconds", "go_gc_duration_seconds"} {
		fmt.Fprintf(w, "%s_sum %d\n%s_count %d\n", name, s.events, name, s.events)
	}
	fmt.Fprintf(w, "go_gc_duration_seconds{quantile=\"0.5\"} 0.5\ngo_gc_duration_seconds{quantile=\"1\"} 1\ngo_memstats_heap_objects 100\n")
}

// pixelRun is a run of two seconds against a stand-in.
func pixelRun(t *testing.T, server *pixelStandIn, swaps int) (*Report, error) {
	t.Helper()
	server.met = map[int64]bool{}
	outside := httptest.NewServer(server.routes())
	t.Cleanup(outside.Close)
	cfg := PixelConfig{
		Rate: 200, Visitors: 100, Known: float64(server.known) / 100, Duration: shortestSwap, Warmup: 100 * time.Millisecond, Swaps: swaps,
		Patience: time.Minute, Drain: time.Minute, // only what is never to come takes so long
	}.withDefaults()
	target := &pixelServer{
		ownServer: &ownServer{Target: Target{URL: outside.URL, PID: os.Getpid()}},
		key:       "key", operator: "operator", graphs: []string{"one", "other"},
	}
	to, host, err := target.address(t.Context())
	require.NoError(t, err)
	l, err := newPixelLoad(cfg, to, newHits("0badcafe", host, benchPixel, time.Now().UnixMilli(), cfg.Batch, int64(cfg.Visitors)))
	require.NoError(t, err)
	report, err := l.measure(t.Context(), target)
	if err == nil {
		err = l.prove(t.Context(), report, target)
	}
	return report, err
}

// A faultless server: everybody known is met once, the graph is swapped to the other file, and every figure is
// measured.
func TestPixel_MeasuresEverything(t *testing.T) {
	t.Parallel()
	server := &pixelStandIn{known: 30}
	report, err := pixelRun(t, server, 1)
	require.NoError(t, err)
	for _, f := range report.Figures {
		require.True(t, f.Known, "figure %s is measured", f.Name)
	}
	require.EqualValues(t, 420, value(t, report, "acked"), "warm-up and measured part")
	require.EqualValues(t, 30, value(t, report, "first_matches"))
	for _, none := range []string{"first_matches.lost", "first_matches.repeated", "first_matches.strangers", "refused", "failed"} {
		require.Zero(t, value(t, report, none), none)
	}
	require.EqualValues(t, 1, value(t, report, "swaps"))
	require.Equal(t, []string{"other"}, server.graphs)
	require.GreaterOrEqual(t, value(t, report, "swap.settled.p50"), value(t, report, "swap.answered.p50"), "in memory is later than answered")
	require.LessOrEqual(t, max(value(t, report, "swap.ack.max"), value(t, report, "control.ack.max"), value(t, report, "calm.ack.max")), value(t, report, "ack.max")+1e-6)
}

// Without swaps there are no figures of any, and nobody is asked to swap.
func TestPixel_WithoutSwaps(t *testing.T) {
	t.Parallel()
	server := &pixelStandIn{known: 30}
	report, err := pixelRun(t, server, 0)
	require.NoError(t, err)
	_, there := report.Get("swap.ack.p99")
	require.False(t, there)
	require.Empty(t, server.graphs)
}

// A swap that is refused breaks the run: figures of swaps that did not happen would look good.
func TestPixel_RefusedSwap(t *testing.T) {
	t.Parallel()
	_, err := pixelRun(t, &pixelStandIn{refuses: true}, 1)
	require.ErrorContains(t, err, "swap the graph: status 403")
}

// A swap is over when the new file is in memory and the old one is closed, and not before.
func TestHasSettled(t *testing.T) {
	t.Parallel()
	now := func(swaps, size, resident, open float64) samples {
		return samples{"leadwire_graph_swaps_total": swaps, "leadwire_graph_file_bytes": size, "leadwire_graph_resident_bytes": resident, "leadwire_graph_files_replaced_open": open}
	}
	before := now(1, 4096, 4096, 0)
	for story, row := range map[string]struct {
		now  samples
		want bool
	}{
		"the node has not followed yet": {now(1, 4096, 4096, 0), false},
		"it answers from the mapping":   {now(2, 8192, 0, 0), false},
		"somebody reads the old one":    {now(2, 8192, 8192, 1), false},
		"all is done":                   {now(2, 8192, 8192, 0), true},
	} {
		require.Equal(t, row.want, hasSettled(before, row.now), story)
	}
}

// The copy has the same bytes, is its owner's alone, and never replaces a file.
func TestCopyFile(t *testing.T) {
	t.Parallel()
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	require.NoError(t, os.WriteFile(from, []byte("graph"), 0o600))
	require.NoError(t, copyFile(from, to))
	text, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Equal(t, "graph", string(text))
	require.ErrorIs(t, copyFile(from, to), os.ErrExist)
}
