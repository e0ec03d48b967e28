package embedded

import (
	"io"
	"sync/atomic"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
)

// A claim counts from its place in the batch on: what is behind it under the older epoch is refused,
// what was before it stands.
func TestCommit_AClaimCountsWithinItsBatch(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	old := claimOne(t, s)
	var newer int64
	results, err := s.commit(t.Context(), []op{ // the writer is at rest, so the transaction is ours
		{receive: &receive{fence: old, event: bulky(1)}},
		{admin: func(t *tx) (err error) { newer, err = t.claim("other", old.Partition, &leases{}); return err }},
		{receive: &receive{fence: old, event: bulky(2)}},
		{receive: &receive{fence: domain.Fence{Partition: old.Partition, Epoch: old.Epoch + 1}, event: bulky(3)}},
	})
	require.NoError(t, err)
	require.Equal(t, old.Epoch+1, newer)
	require.NoError(t, results[0].Err)
	require.ErrorIs(t, results[2].Err, domain.ErrFenced)
	require.NoError(t, results[3].Err)
	require.Equal(t, 2, backlog(t, s))
}

// A commit that panics is its batch's trouble: the next one finds a clean connection.
func TestCommit_RecoversFromAPanic(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	f := claimOne(t, s)
	_, err = s.writer.Do(t.Context(), op{admin: func(t *tx) error {
		_ = query(t.conn, `UPDATE feeds SET head = 99`, nil)
		_, _ = t.readEpochs.Step() // a statement is left open in the middle
		panic("no such luck")
	}})
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	lead(t, s, f, 1)
	events, err := s.Feed(t.Context(), domain.BuyerKey{Account: "acme", Buyer: "bea"}, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
}

// The revision of suppressions is answered from memory, and from the file whenever memory may be wrong: a commit whose
// outcome nobody knows has put it in force, or has not.
func TestSuppressionRevision_IsThatOfTheFile(t *testing.T) {
	t.Parallel()
	for failing, stands := range map[string]int64{stepSuppression: 1, stepCommit: 1, stepCommitted: 2} {
		var at atomic.Value
		at.Store("")
		s, err := Open(t.Context(), t.TempDir(), Options{Fail: func(step string) error {
			if step == at.Load() {
				return io.ErrUnexpectedEOF
			}
			return nil
		}})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		in := func(want int64) {
			t.Helper()
			revision, err := s.SuppressionRevision(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, revision, failing)
		}
		suppress := func(id string) error {
			one := domain.Suppression{ID: id, Scope: domain.GlobalScope, Kind: domain.SuppressPerson, Value: id}
			_, err := s.Suppress(t.Context(), []domain.Suppression{one}, nil, domain.AuditEntry{})
			return err
		}
		in(0)
		require.NoError(t, suppress("p-1"))
		in(1)
		at.Store(failing)
		require.Error(t, suppress("p-2"), failing)
		in(stands)
		at.Store("")
		require.NoError(t, suppress("p-3"))
		in(stands + 1)
	}
}

// No test can cut the power, so this one asks SQLite what it would do then.
func TestPragmas_Durable(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir(), Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "wal_autocheckpoint": "0"} {
		got := ""
		require.NoError(t, query(s.tx.conn, "PRAGMA "+pragma, func(s *sqlite.Stmt) { got = s.ColumnText(0) }))
		require.Equal(t, want, got, pragma)
	}
}
