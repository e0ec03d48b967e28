package embedded

import (
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// An endpoint has missed a million events, which somebody wants to be sent again. Counting them, to the limit, is what
// they wait for; a bite is what everybody else's commits do.
func BenchmarkReplay(b *testing.B) {
	s, _ := withQueue(b, 1_000_000)
	defer func() { require.NoError(b, s.Close()) }()
	require.NoError(b, query(s.tx.conn, `UPDATE deliveries SET state = 2, behind = 0, due_at = 0, ended_at = owed_at`, nil)) // the writer is at rest
	f := domain.ReplayFilter{States: []domain.DeliveryState{domain.DeliveryExhausted}}
	b.Run("Count", func(b *testing.B) {
		for b.Loop() {
			n, err := s.CountReplay(b.Context(), deadEndpoint, f)
			require.NoError(b, err)
			require.Equal(b, domain.QueueLimit, n)
		}
	})
	b.Run("Bite", func(b *testing.B) {
		r, err := s.StartReplay(b.Context(), domain.Replay{Account: "acme", Endpoint: "dead", Filter: f, MadeAt: benchNow}, domain.AuditEntry{})
		require.NoError(b, err)
		for b.Loop() {
			was := r.Done
			r, err = s.AdvanceReplay(b.Context(), r, domain.ReplayBite, benchNow)
			require.NoError(b, err)
			require.Equal(b, domain.ReplayBite, r.Done-was)
		}
		_, err = s.CancelReplay(b.Context(), "acme", r.N, benchNow, domain.AuditEntry{})
		require.NoError(b, err)
	})
}
