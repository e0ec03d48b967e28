package storetest

import (
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func apikeys(t *testing.T, h Harness) {
	key := func(id string) domain.APIKey {
		return domain.APIKey{
			ID: id, Account: account, Name: "CRM «sync»", Scopes: []string{"events", "people"}, Hash: []byte{0, 1, 0xff}, CreatedAt: noon,
			ExpiresAt: noon.Add(time.Hour),
		}
	}
	t.Run("AreListedByID", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		bare := domain.APIKey{ID: "k-0", Scopes: []string{"all"}, Hash: []byte("hash"), CreatedAt: noon} // of every account, for ever
		for _, k := range []domain.APIKey{key("k-2"), bare, key("k-1")} {
			require.NoError(t, s.CreateAPIKey(t.Context(), k, audit("key.create")))
		}
		got, err := in.Crash(t).Store.APIKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, []domain.APIKey{bare, key("k-1"), key("k-2")}, got)
	})

	// An id is given once: the second key with it is refused, and the first stays what it is.
	t.Run("AnIDIsTakenOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		require.NoError(t, s.CreateAPIKey(t.Context(), key("k-1"), audit("key.create")))
		other := key("k-1")
		other.Name, other.Hash = "another", []byte("another")
		err := s.CreateAPIKey(t.Context(), other, audit("key.create"))
		require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
		got, err := s.APIKeys(t.Context())
		require.NoError(t, err)
		require.Equal(t, []domain.APIKey{key("k-1")}, got)
		require.Len(t, entries(t, s, ""), 1, "what was refused is not in the audit")
	})

	t.Run("ARevokedKeyIsGone", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		require.NoError(t, s.CreateAPIKey(t.Context(), key("k-1"), audit("key.create")))
		require.NoError(t, s.RevokeAPIKey(t.Context(), "k-1", audit("key.revoke")))
		got, err := s.APIKeys(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
		err = s.RevokeAPIKey(t.Context(), "k-1", audit("key.revoke"))
		require.Equal(t, domain.NotFound, domain.CodeOf(err), "%v", err)
		all := entries(t, s, "")
		require.Len(t, all, 2)
		require.Equal(t, "key.revoke", all[0].Action)
	})
}
