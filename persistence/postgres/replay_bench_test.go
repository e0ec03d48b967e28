package postgres

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// An endpoint has missed a million events, which somebody wants to be sent again. Counting them, to the limit, is what
// they wait for; a bite is how long the endpoint's queue is locked, at most.
func BenchmarkReplay(b *testing.B) {
	s, _ := withQueue(b, 1_000_000)
	conn, err := s.readers.Acquire(b.Context())
	require.NoError(b, err)
	for _, sql := range []string{
		`SET statement_timeout = 0`,
		`INSERT INTO deliveries SELECT n, endpoint, account, announcement, announced_at, lead, class, false, 2, 2, 1, owed_at, owed_at, null, null, owed_at, '', 0 FROM pending_deliveries`,
		`TRUNCATE pending_deliveries`, `VACUUM ANALYZE deliveries, pending_deliveries`, `CHECKPOINT`, `RESET statement_timeout`,
	} {
		_, err := conn.Exec(b.Context(), sql)
		require.NoError(b, err)
	}
	conn.Release()
	dead := domain.EndpointKey{Account: "acme", Endpoint: "dead"}
	f := domain.ReplayFilter{States: []domain.DeliveryState{domain.DeliveryExhausted}}
	b.Run("Count", func(b *testing.B) {
		for b.Loop() {
			n, err := s.CountReplay(b.Context(), dead, f)
			require.NoError(b, err)
			require.Equal(b, domain.QueueLimit, n)
		}
	})
	b.Run("Bite", func(b *testing.B) {
		r, err := s.StartReplay(b.Context(), domain.Replay{Account: "acme", Endpoint: "dead", Filter: f, MadeAt: noon}, domain.AuditEntry{At: noon})
		require.NoError(b, err)
		for b.Loop() {
			was := r.Done
			r, err = s.AdvanceReplay(b.Context(), r, domain.ReplayBite, noon)
			require.NoError(b, err)
			require.Equal(b, domain.ReplayBite, r.Done-was)
		}
		_, err = s.CancelReplay(b.Context(), "acme", r.N, noon, domain.AuditEntry{At: noon})
		require.NoError(b, err)
	})
}
