package graph_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/identity/graph"
)

// A copy in memory answers like the mapping, while it is made and afterwards.
func TestFile_ResidesBesideItsLookups(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "g")
	require.NoError(t, os.WriteFile(path, wholeFile(t), 0o600))
	f, err := graph.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 20 {
				_, missing := askAll(t, f, true)
				if missing > 0 {
					t.Errorf("%d keys were not found", missing)
				}
			}
		})
	}
	require.NoError(t, f.Reside(t.Context()))
	asking.Wait()
	found, missing := askAll(t, f, true)
	require.Positive(t, found)
	require.Zero(t, missing)
}

// What is damaged on the disk is damaged in memory, and costs the same keys and no more.
func TestFile_ResidesWithItsDamage(t *testing.T) {
	t.Parallel()
	whole := wholeFile(t)
	path := filepath.Join(t.TempDir(), "g")
	whole[len(whole)/2] ^= 1
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	mapped, err := graph.Open(path)
	require.NoError(t, err)
	defer mapped.Close()
	copied, err := graph.Open(path)
	require.NoError(t, err)
	defer copied.Close()
	require.NoError(t, copied.Reside(t.Context()))
	found, missing := askAll(t, mapped, true)
	require.Positive(t, missing, "the byte matters to somebody")
	foundThere, missingThere := askAll(t, copied, true)
	require.Equal(t, []int{found, missing}, []int{foundThere, missingThere})
}

// A copy that is given up leaves the mapping.
func TestFile_ResidesNotWhenStopped(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "g")
	require.NoError(t, os.WriteFile(path, wholeFile(t), 0o600))
	f, err := graph.Open(path)
	require.NoError(t, err)
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = f.Reside(ctx) // may have been done before it looked
	_, missing := askAll(t, f, true)
	require.Zero(t, missing)
}
