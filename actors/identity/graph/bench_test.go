//go:build unix

package graph_test

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// twentyMillion people's keys: five each, one in five with a click id too, and 80,000 phones.
var twentyMillion = synthetic.Population{Seed: 20, Persons: 3_850_000}

// bigGraph builds the file once: into LEADWIRE_GRAPH_BENCH, where it stays, or into a folder of the run's own.
func bigGraph(b *testing.B) string {
	b.Helper()
	if testing.Short() {
		b.Skip("needs a graph of 20 million keys, 1 GiB")
	}
	dir := os.Getenv("LEADWIRE_GRAPH_BENCH")
	if dir == "" {
		b.Skip("LEADWIRE_GRAPH_BENCH names no folder for a graph of 20 million keys, 1 GiB")
	}
	path := filepath.Join(dir, fmt.Sprintf("synthetic-%d-%d.graph", twentyMillion.Seed, twentyMillion.Persons))
	if _, err := os.Stat(path); err != nil {
		_, err := twentyMillion.Build(b.Context(), graph.BuildConfig{Out: path, Temp: dir})
		require.NoError(b, err)
	}
	return path
}

// questions are keys of people all over the graph, in no order; for misses, of people who are not in it. Their values
// lie side by side, so that what is measured is the graph's memory and not the questions'.
func questions(n int, miss bool) (keys []domain.Key) {
	var text strings.Builder
	var ends []int
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		i := r.IntN(twentyMillion.Persons)
		p := twentyMillion
		if miss {
			p.Seed++
			i += p.Persons
		}
		row := p.Person(i)
		hem := identity.HEMs(row.BusinessEmail)[0]
		all := [...]domain.Key{
			{Kind: domain.KeyVisitor, Value: row.Visitors[0]}, {Kind: domain.KeyVisitor, Value: row.Visitors[1]},
			{Kind: domain.KeyMD5, Value: hem.MD5}, {Kind: domain.KeySHA1, Value: hem.SHA1}, {Kind: domain.KeySHA256, Value: hem.SHA256},
		}
		k := all[r.IntN(len(all))]
		text.WriteString(k.Value)
		keys, ends = append(keys, domain.Key{Kind: k.Kind}), append(ends, text.Len())
	}
	from := 0
	for i := range keys {
		keys[i].Value, from = text.String()[from:ends[i]], ends[i]
	}
	return keys
}

// From a key to the person's id, at 20 million keys: by the mapping, and by the copy in memory with large pages.
func BenchmarkPerson(b *testing.B) {
	f, err := graph.Open(bigGraph(b))
	require.NoError(b, err)
	defer f.Close()
	for _, lies := range []string{"mapped", "resident"} {
		if lies == "resident" {
			require.NoError(b, f.Reside(b.Context()))
		}
		for _, kind := range []string{"hit", "miss"} {
			b.Run(lies+"/"+kind, func(b *testing.B) { askFor(b, f, kind == "miss") })
		}
	}
}

func askFor(b *testing.B, f *graph.File, miss bool) {
	keys := questions(1<<18, miss)
	i, found := 0, 0
	for _, k := range keys { // the pages that are asked for are mapped and verified
		f.Person(k)
	}
	runtime.GC() // of the questions' making
	cpu, faulted := processorTime(), faults()
	for b.Loop() {
		if _, ok := f.Person(keys[i&(1<<18-1)]); ok {
			found++
		}
		i++
	}
	b.ReportMetric(float64(processorTime()-cpu)/float64(i), "cpu-ns/op") // what it costs where others work too
	b.ReportMetric(float64(faults()-faulted)/float64(i), "faults/op")
	require.Equal(b, !miss, found == i)
	require.Equal(b, miss, found == 0)
	info := f.Info()
	require.LessOrEqual(b, info.Size, 64*info.Keys, "bytes")
	b.ReportMetric(float64(info.Size)/float64(info.Keys), "bytes/key")
	b.ReportMetric(float64(info.Keys), "keys")
}

// From a person's id to all that is known of it, the hashes of its e-mail computed.
func BenchmarkRecord(b *testing.B) {
	f, err := graph.Open(bigGraph(b))
	require.NoError(b, err)
	defer f.Close()
	r := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, ok := f.Record(twentyMillion.Person(r.IntN(1024) * 3760).ID); !ok {
			b.Fatal("not found")
		}
	}
}

// Opening reads the header and the table of checksums, a thousandth of the file: a gigabyte is open in a millisecond.
func BenchmarkOpen(b *testing.B) {
	path := bigGraph(b)
	for b.Loop() {
		f, err := graph.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = f.Close()
		b.StartTimer()
	}
}

// A collection takes as long with 20 million keys as without.
func BenchmarkCollection(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("graph=%t", with), func(b *testing.B) {
			if with {
				f, err := graph.Open(bigGraph(b))
				require.NoError(b, err)
				defer f.Close()
				for _, k := range questions(1<<18, false) {
					f.Person(k)
				}
			}
			runtime.GC()
			var before, after debug.GCStats
			debug.ReadGCStats(&before)
			for b.Loop() {
				runtime.GC()
			}
			debug.ReadGCStats(&after)
			b.ReportMetric(float64(after.PauseTotal-before.PauseTotal)/float64(after.NumGC-before.NumGC), "pause-ns/gc")
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapObjects), "objects")
		})
	}
}

// The longest that a borrower waits for a lookup, while the file is swapped all the time; and without swaps, for
// what the machine itself does.
func BenchmarkSwapUnderLoad(b *testing.B) {
	path := bigGraph(b)
	keys := questions(1<<14, false)
	for _, swapping := range []bool{false, true} {
		b.Run(fmt.Sprintf("swapping=%t", swapping), func(b *testing.B) {
			library := graph.NewLibrary(graph.LibraryConfig{Resident: 1 << 30}, slog.New(slog.NewTextHandler(io.Discard, nil)), nil)
			_, err := library.Use(path)
			require.NoError(b, err)
			var stop atomic.Bool
			var swapper sync.WaitGroup
			swaps := 0
			if swapping {
				swapper.Go(func() {
					for !stop.Load() {
						if _, err := library.Use(path); err != nil {
							b.Error(err)
						}
						swaps++
						time.Sleep(100 * time.Millisecond) // so that lookups touch the new mapping between two swaps
					}
				})
			}
			var longest time.Duration
			late := 0
			i := 0
			for b.Loop() {
				begin := time.Now()
				g := library.Borrow()
				_, ok := g.Person(keys[i&(1<<14-1)])
				g.Release()
				took := time.Since(begin)
				longest = max(longest, took)
				if took > 10*time.Millisecond {
					late++
				}
				if !ok {
					b.Fatal("not found")
				}
				if i++; i%64 == 0 {
					time.Sleep(time.Millisecond) // some 50,000 a second, and not all of a processor
				}
			}
			stop.Store(true)
			swapper.Wait()
			require.NoError(b, library.Close())
			b.ReportMetric(float64(longest.Microseconds()), "max-µs")
			b.ReportMetric(float64(late), "over-10ms")
			b.ReportMetric(float64(swaps), "swaps")
		})
	}
}
