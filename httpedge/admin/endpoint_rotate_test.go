package admin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// However often secrets are replaced: the new one signs and does not end, at most two sign, none is given more time than
// it had, and a credential stays where it is.
func TestRotated(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		secrets := []domain.Secret{{ID: "cr", Kind: domain.BearerSecret}}
		for n := range 8 {
			keep := time.Duration(rng.Int64N(int64(maxKeepOld)))
			if rng.IntN(3) == 0 {
				keep = 0
			}
			kind := domain.HMACSecret
			if rng.IntN(2) == 0 {
				kind = domain.Ed25519Secret
			}
			made := domain.Secret{ID: fmt.Sprint("wk-", n), Kind: kind, CreatedAt: now}
			next := rotated(secrets, made, now, keep)

			require.Equal(t, made, next[0], "seed %d", seed)
			require.Equal(t, 1, counted(next, func(s domain.Secret) bool { return s.Kind == domain.BearerSecret }), "seed %d", seed)
			require.LessOrEqual(t, counted(next, func(s domain.Secret) bool { return signing(s.Kind) }), liveSecrets, "seed %d", seed)
			for _, s := range next[1:] {
				i := slices.IndexFunc(secrets, func(old domain.Secret) bool { return old.ID == s.ID })
				require.GreaterOrEqual(t, i, 0, "seed %d", seed)
				require.False(t, ended(s, now), "seed %d: what has ended is gone", seed)
				if signing(s.Kind) {
					require.False(t, s.EndsAt.IsZero() || s.EndsAt.After(now.Add(keep)), "seed %d", seed)
					require.False(t, !secrets[i].EndsAt.IsZero() && s.EndsAt.After(secrets[i].EndsAt), "seed %d: no more time than it had", seed)
				}
			}
			secrets, now = next, now.Add(time.Duration(rng.Int64N(int64(72*time.Hour))))
		}
	}
}

func counted(secrets []domain.Secret, is func(domain.Secret) bool) (n int) {
	for _, s := range secrets {
		if is(s) {
			n++
		}
	}
	return n
}
