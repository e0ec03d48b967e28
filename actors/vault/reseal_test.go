package vault_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/vault"
)

// What an older key has sealed is sealed with the current one, for the same place; what is current already is left, and what
// cannot be opened says which key is missing.
func TestVault_Reseals(t *testing.T) {
	t.Parallel()
	before, current := vault.NewKey(), vault.NewKey()
	old, both, alone := open(t, before), open(t, current, before), open(t, current)
	sealed := seal(t, old, secret, here)
	require.Equal(t, before.ID(), vault.SealedBy(sealed))
	fresh, err := both.Reseal(sealed, here)
	require.NoError(t, err)
	require.Equal(t, current.ID(), vault.SealedBy(fresh))
	got, err := alone.Open(fresh, here)
	require.NoError(t, err)
	require.Equal(t, secret, got)
	again, err := both.Reseal(fresh, here)
	require.NoError(t, err)
	require.Nil(t, again)

	_, err = alone.Reseal(sealed, here)
	require.ErrorContains(t, err, before.ID())
	_, err = both.Reseal(sealed, append([]byte("x"), here...))
	require.ErrorContains(t, err, "another place")
	for _, broken := range [][]byte{nil, sealed[:4], append([]byte{9}, sealed[1:]...)} {
		require.Empty(t, vault.SealedBy(broken))
		_, err := both.Reseal(broken, here)
		require.Error(t, err)
	}
}
