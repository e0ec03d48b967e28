package spill_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/spill"
)

type pair struct{ key, value string }

// Whatever is added comes out, sorted by key and then by value, in memory, from a few files, and from so many
// that they are merged in between; and no file is left behind.
func TestSorter(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		entries, value int
		spills         bool
	}{
		"nothing":                  {0, 0, false},
		"one":                      {1, 0, false},
		"fits in memory":           {2000, 8, false},
		"two megabytes at a time":  {20_000, 400, true},
		"more files than at once":  {45_000, 2_000, true},
		"entries of many sizes":    {3000, -100_000, true},
		"keys shorter than a word": {100_000, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := spill.New(dir, 0)
			r := rand.New(rand.NewPCG(1, uint64(row.entries)))
			var want []pair
			for i := range row.entries {
				size := row.value
				if size < 0 {
					size = r.IntN(-size)
				}
				p := pair{fmt.Sprintf("%x", r.IntN(row.entries)), string(bytes.Repeat([]byte{byte(i)}, size))}
				if i%3 == 0 {
					p.key = "person-" + p.key // a long common beginning
				}
				require.NoError(t, s.Add([]byte(p.key), []byte(p.value)))
				want = append(want, p)
			}
			require.EqualValues(t, row.entries, s.Added())
			slices.SortFunc(want, func(a, b pair) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value)) })
			entries, err := s.Sort()
			require.NoError(t, err)
			require.Equal(t, row.spills, s.Spilled() > 0)
			for i, w := range want {
				require.True(t, entries.Next(), i)
				if got := (pair{string(entries.Key()), string(entries.Value())}); got != w {
					require.Equal(t, w.key, got.key, i)
					require.Fail(t, "wrong value", "entry %d", i)
				}
			}
			require.False(t, entries.Next())
			require.NoError(t, entries.Err())
			s.Close()
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// What is too long for a chunk is refused, and a folder that is not there is told.
func TestSorter_Refuses(t *testing.T) {
	t.Parallel()
	s := spill.New(t.TempDir()+"/absent", 0)
	defer s.Close()
	require.Equal(t, domain.Invalid, domain.CodeOf(s.Add(make([]byte, spill.MaxEntry), []byte{1})))
	require.NoError(t, s.Add(make([]byte, spill.MaxEntry), nil))
	require.ErrorContains(t, s.Add(make([]byte, spill.MaxEntry), nil), "make a file for sorting")
}
