package embedded

import (
	"testing"

	"github.com/leadwire/leadwire/persistence/storetest"
	"github.com/stretchr/testify/require"
)

func BenchmarkStats(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	storetest.BenchmarkStats(b, s)
}
