package embedded

import (
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
		{admin: func(t *tx) (err error) { newer, err = t.claim("other", old.Partition); return err }},
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
