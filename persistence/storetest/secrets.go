package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func secrets(t *testing.T, h Harness) {
	secret := func(id string, of domain.EndpointKey, after time.Duration) domain.Secret {
		return domain.Secret{ID: id, Kind: domain.HMACSecret, Sealed: []byte("sealed \x00\xff " + id), CreatedAt: noon.Add(after), Endpoint: of}
	}
	read := func(t *testing.T, s domain.Store, of domain.EndpointKey) []domain.Secret {
		t.Helper()
		got, err := s.Secrets(t.Context(), of)
		require.NoError(t, err)
		for i := range got {
			got[i].CreatedAt, got[i].EndsAt, got[i].ExpiresAt = got[i].CreatedAt.UTC(), got[i].EndsAt.UTC(), got[i].ExpiresAt.UTC()
		}
		return got
	}

	// A secret is replaced by two, of which the old one ends; then by one. Whoever read before that is told.
	t.Run("AreReplacedByWhoKnowsThem", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		s := in.Store
		key := endpoint(crm)
		require.Empty(t, read(t, s, key))
		first, second := secret("s-1", key, 0), secret("s-2", key, time.Hour)
		require.NoError(t, s.PutSecrets(t.Context(), key, nil, []domain.Secret{first}, audit("secret.create")))
		first.EndsAt = noon.Add(25 * time.Hour)
		second.Kind, second.ExpiresAt = domain.MTLSSecret, noon.Add(365*24*time.Hour)
		require.NoError(t, s.PutSecrets(t.Context(), key, []string{"s-1"}, []domain.Secret{first, second}, audit("secret.rotate")))
		s = in.Crash(t).Store
		require.Equal(t, []domain.Secret{second, first}, read(t, s, key), "newest first")
		for _, expect := range [][]string{nil, {"s-1"}, {"s-2"}, {"s-1", "s-3"}, {"s-1", "s-2", "s-3"}} {
			err := s.PutSecrets(t.Context(), key, expect, nil, audit("secret.late"))
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
		}
		require.NoError(t, s.PutSecrets(t.Context(), key, []string{"s-2", "s-1"}, []domain.Secret{second}, audit("secret.end")))
		require.Equal(t, []domain.Secret{second}, read(t, s, key))
		require.NoError(t, s.PutSecrets(t.Context(), key, []string{"s-2"}, nil, audit("secret.clear")))
		require.Empty(t, read(t, s, key))
		require.NoError(t, s.PutSecrets(t.Context(), key, nil, []domain.Secret{first}, audit("secret.create")))
		all := entries(t, s, "")
		require.Len(t, all, 5, "what was refused is not in the audit")
		require.Equal(t, domain.EndpointState{Key: key}, endpointState(t, s, crm), "it was never owed anything")
	})

	// Two people rotate at once: one of them has to look again.
	t.Run("OneOfManyIsFirst", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		key := endpoint(crm)
		errs := make([]error, 10)
		var wg sync.WaitGroup
		for i, id := range names("s", len(errs)) {
			wg.Go(func() {
				errs[i] = s.PutSecrets(t.Context(), key, nil, []domain.Secret{secret(id, key, 0)}, audit("secret.create"))
			})
		}
		wg.Wait()
		done := 0
		for i, err := range errs {
			if err == nil {
				done++
				require.Equal(t, names("s", 10)[i], read(t, s, key)[0].ID)
				continue
			}
			require.Equal(t, domain.Conflict, domain.CodeOf(err), "%v", err)
		}
		require.Equal(t, 1, done)
	})

	// A new master key seals all of them anew, endpoint by endpoint.
	t.Run("AllAreListed", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var want []domain.Secret
		for _, key := range []domain.EndpointKey{endpoint("a"), endpoint("b"), {Account: "globex", Endpoint: "a"}} {
			two := []domain.Secret{secret("s-new", key, time.Second), secret("s-old", key, 0)}
			require.NoError(t, s.PutSecrets(t.Context(), key, nil, two, audit("secret.create")))
			want = append(want, two...)
		}
		got, err := s.AllSecrets(t.Context())
		require.NoError(t, err)
		for i := range got {
			got[i].CreatedAt, got[i].EndsAt, got[i].ExpiresAt = got[i].CreatedAt.UTC(), got[i].EndsAt.UTC(), got[i].ExpiresAt.UTC()
		}
		require.Equal(t, want, got)
	})

	t.Run("AnIDIsGivenOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		key := endpoint(crm)
		err := s.PutSecrets(t.Context(), key, nil, []domain.Secret{secret("s-1", key, 0), secret("s-1", key, 1)}, audit("secret.create"))
		require.Equal(t, domain.Invalid, domain.CodeOf(err), "%v", err)
	})
}
