package graph_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// buildTimes builds a graph from rows that each come so many times.
func buildTimes(t *testing.T, p synthetic.Population, times int) graph.Info {
	t.Helper()
	path := filepath.Join(t.TempDir(), "g")
	b, err := graph.NewBuilder(graph.BuildConfig{Out: path})
	require.NoError(t, err)
	for range times {
		for i := range p.Persons {
			require.NoError(t, b.AddPerson(p.Person(i)))
		}
	}
	_, err = b.Finish(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Close())
	f, err := graph.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Verify(t.Context(), nil), "each key is where a lookup looks")
	return f.Info()
}

// How many slots are needed is known from the keys that there are and not from the rows that give them: a history
// of many rows about the same people makes no larger file. Above 65,536 keys it is an estimate.
func TestBuild_ManyRowsOfTheSameKeys(t *testing.T) {
	t.Parallel()
	for _, persons := range []int{1, 1000, 13_000} {
		p := synthetic.Population{Seed: 3, Persons: persons}
		once, often := buildTimes(t, p, 1), buildTimes(t, p, 3)
		require.Equal(t, once.Keys, often.Keys)
		require.InEpsilon(t, once.Size, often.Size, 0.01, "%d persons", persons)
	}
}

// A file of another format is refused, and what to do about it is said.
func TestOpen_RefusesAnotherFormat(t *testing.T) {
	t.Parallel()
	old := wholeFile(t)
	binary.BigEndian.PutUint32(old[8:], 1)
	binary.BigEndian.PutUint32(old[4092:], crc32.Checksum(old[:4092], crc32.MakeTable(crc32.Castagnoli)))
	path := filepath.Join(t.TempDir(), "g")
	require.NoError(t, os.WriteFile(path, old, 0o600))
	_, err := graph.Open(path)
	require.ErrorContains(t, err, "the file has format 1, and this program reads format 2: build it again")
}
