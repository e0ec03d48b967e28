package graph_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// populations builds graphs of so many people each, all from one seed.
func populations(t *testing.T, sizes ...int) (paths []string) {
	t.Helper()
	for _, n := range sizes {
		path := filepath.Join(t.TempDir(), "g")
		_, err := synthetic.Population{Seed: 1, Persons: n}.Build(t.Context(), graph.BuildConfig{Out: path})
		require.NoError(t, err)
		paths = append(paths, path)
	}
	return paths
}

// A borrower ends with the file it began with; who comes later has the new one; a released loan finds nothing.
func TestLibrary_LendsWhatIsInUse(t *testing.T) {
	t.Parallel()
	paths := populations(t, 10, 20)
	l := graph.NewLibrary(graph.LibraryConfig{Resident: 1 << 30}, quiet, prometheus.NewRegistry())
	require.Nil(t, l.Borrow(), "no graph")
	require.True(t, l.Borrow() == nil, "an interface that holds nothing, not even a nil pointer")
	require.Zero(t, l.Info())

	info, err := l.Use(paths[0])
	require.NoError(t, err)
	require.EqualValues(t, 10, info.Persons)
	first := l.Borrow()
	_, err = l.Use(paths[1])
	require.NoError(t, err)
	require.EqualValues(t, 20, l.Info().Persons)
	second := l.Borrow()
	last := domain.PersonID("synthetic-00000019")
	_, ok := first.Record(last)
	require.False(t, ok, "the old file is still read by who has it")
	_, ok = first.Record("synthetic-00000009")
	require.True(t, ok)
	_, ok = second.Record(last)
	require.True(t, ok)

	first.Release()
	first.Release()
	_, ok = first.Record("synthetic-00000009")
	require.False(t, ok, "what was given back answers nothing")
	_, ok = second.Record(last)
	require.True(t, ok, "giving back twice takes nothing from others")
	second.Release()
	require.NoError(t, l.Close())
	require.Nil(t, l.Borrow())
}

// A file that cannot be used changes nothing, and is counted.
func TestLibrary_KeepsTheOldWhenTheNewIsRefused(t *testing.T) {
	t.Parallel()
	path := populations(t, 200)[0]
	reg := prometheus.NewRegistry()
	l := graph.NewLibrary(graph.LibraryConfig{Resident: 1 << 30}, quiet, reg)
	requireMetric := func(name string, want float64) {
		t.Helper()
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == name {
				m := f.GetMetric()[0]
				require.Equal(t, want, m.GetCounter().GetValue()+m.GetGauge().GetValue(), name)
				return
			}
		}
		t.Fatalf("no metric %s", name)
	}
	requireMetric("leadwire_graph_refused_total", 0)
	_, err := l.Use(path)
	require.NoError(t, err)
	_, err = l.Use(filepath.Join(t.TempDir(), "absent"))
	require.Equal(t, domain.NotFound, domain.CodeOf(err))
	torn := filepath.Join(t.TempDir(), "torn")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(torn, whole[:len(whole)-100], 0o600))
	_, err = l.Use(torn)
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	require.ErrorContains(t, err, "it was cut")
	require.EqualValues(t, 200, l.Info().Persons)
	requireMetric("leadwire_graph_refused_total", 2)
	require.NoError(t, l.Close())
	requireMetric("leadwire_graph_files_replaced_open", 0)
}

// Files are replaced all the time while many look up: everybody always finds who is in both files, nobody reads
// an unmapped page (the process would end), and at the end every file was closed.
func TestLibrary_SwapsUnderLoad(t *testing.T) {
	t.Parallel()
	paths := populations(t, 50, 60)
	l := graph.NewLibrary(graph.LibraryConfig{Resident: 1 << 30}, quiet, nil)
	_, err := l.Use(paths[0])
	require.NoError(t, err)
	var stop atomic.Bool
	var readers sync.WaitGroup
	p := synthetic.Population{Seed: 1, Persons: 50}
	for reader := range 4 {
		readers.Go(func() {
			for i := reader; !stop.Load(); i++ {
				row := p.Person(i % p.Persons)
				g := l.Borrow()
				var again identity.Graph
				if i%7 == 0 { // some hold two at once
					again = l.Borrow()
				}
				id, ok := g.Person(domain.Key{Kind: domain.KeyVisitor, Value: row.Visitors[0]})
				if !ok || id != row.ID {
					t.Errorf("person %d was not found: %q", i%p.Persons, id)
					stop.Store(true)
				}
				g.Release()
				if again != nil {
					again.Release()
				}
				runtime.Gosched()
			}
		})
	}
	for i := range 300 {
		_, err := l.Use(paths[i%2])
		require.NoError(t, err)
	}
	stop.Store(true)
	readers.Wait()
	require.NoError(t, l.Close())
	for _, path := range paths {
		require.NotContains(t, mappings(t), path, "is still mapped")
	}
}

// mappings is what the kernel says is mapped, where it says so.
func mappings(t *testing.T) string {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return ""
	}
	return string(maps)
}
