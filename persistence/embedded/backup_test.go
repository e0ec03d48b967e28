package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// A copy taken under load opens as a store of its own: it has what was acknowledged before it began,
// its feeds have no gap, and its epoch is another.
func TestBackup_UnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{CheckpointPages: 50})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	f := claimOne(t, s)
	for i := range 200 {
		lead(t, s, f, i)
	}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	load.Go(func() {
		for i := 200; ctx.Err() == nil; i++ {
			lead(t, s, f, i)
		}
	})
	dest := t.TempDir()
	file := filepath.Join(dest, fileName)
	require.NoError(t, s.Backup(t.Context(), file))
	stop()
	load.Wait()

	kept, err := Open(t.Context(), dest, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close()) }()
	require.NotEqual(t, s.Epoch(), kept.Epoch())
	key := domain.BuyerKey{Account: "acme", Buyer: "bea"}
	events, err := kept.Feed(t.Context(), key, 0, 1_000_000)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(events), 200)
	for i, e := range events {
		require.EqualValues(t, i+1, e.Seq)
	}
	theirs, err := kept.TokenKey(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.tokenKey, theirs, "buyers' tokens stay good")
}

// A killed process left a log behind; the backup has what is in it.
func TestBackup_OfAStoreThatWasKilled(t *testing.T) {
	t.Parallel()
	in := open(t, t.TempDir(), Options{})
	s := in.Store.(*Store)
	lead(t, s, claimOne(t, s), 1)
	crashed := in.Crash(t).Store.(*Store)
	require.NoError(t, crashed.Close())
	dest := t.TempDir()
	require.NoError(t, Backup(t.Context(), crashed.dir, filepath.Join(dest, fileName)))
	kept := open(t, dest, Options{}).Store
	events, err := kept.Feed(t.Context(), domain.BuyerKey{Account: "acme", Buyer: "bea"}, 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
}

func TestBackup_Refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	taken := filepath.Join(t.TempDir(), "taken.db")
	require.NoError(t, os.WriteFile(taken, []byte("mine"), 0o600))
	free := filepath.Join(t.TempDir(), "free.db")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, row := range []struct {
		why  string
		ctx  context.Context
		from string
		to   string
		code domain.Code
	}{
		{"a file that exists", t.Context(), dir, taken, domain.Conflict},
		{"a folder without a store", t.Context(), t.TempDir(), free, domain.NotFound},
		{"a folder to write to that does not exist", t.Context(), dir, filepath.Join(free, "x", "y.db"), domain.Invalid},
		{"a caller that is gone", gone, dir, free, domain.Unavailable},
	} {
		err := Backup(row.ctx, row.from, row.to)
		require.Equal(t, row.code, domain.CodeOf(err), "%s: %v", row.why, err)
	}
	b, err := os.ReadFile(taken)
	require.NoError(t, err)
	require.Equal(t, "mine", string(b))
	left, err := os.ReadDir(filepath.Dir(free))
	require.NoError(t, err)
	require.Empty(t, left, "nothing half is left behind")
	require.NoError(t, s.Close())
	require.Equal(t, domain.Unavailable, domain.CodeOf(s.Backup(t.Context(), free)))
}

func claimOne(t *testing.T, s *Store) domain.Fence {
	t.Helper()
	fences, err := s.Claim(t.Context(), "node", []domain.Partition{1})
	require.NoError(t, err)
	return fences[0]
}

// lead receives an event and gives its lead to bea.
func lead(t *testing.T, s *Store, f domain.Fence, i int) {
	id, now := fmt.Sprintf("e-%d", i), time.Now()
	e := domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(id), Effect: domain.Open, Lead: domain.LeadID("ghl-" + id),
		Contact: []byte(`{}`), Body: make([]byte, 500), ReceivedAt: now,
	}
	got, err := s.Receive(t.Context(), f, e)
	if err != nil {
		t.Errorf("receive: %v", err)
		return
	}
	d, err := s.Decide(t.Context(), domain.Decision{
		Fence: f, EventSeq: got.Seq, Verb: domain.Assign, Lead: domain.LeadKey{Account: "acme", Lead: e.Lead},
		Source: "ghl", EventID: e.ID, Contact: e.Contact, Buyer: "bea", Day: "2026-11-22", ReceivedAt: now, At: now,
	})
	if err != nil || d.Outcome != domain.Done {
		t.Errorf("decide: %+v %v", d, err)
	}
}

func bulky(i int) domain.Event {
	return domain.Event{
		Account: "acme", Source: "ghl", ID: domain.EventID(fmt.Sprintf("e-%d", i)), Effect: domain.Open,
		Lead: domain.LeadID(fmt.Sprintf("l-%d", i)), Contact: []byte(`{}`), Body: make([]byte, 10_000), ReceivedAt: time.Now(),
	}
}

func backlog(t *testing.T, s *Store) int {
	t.Helper()
	b, err := s.Backlog(t.Context())
	require.NoError(t, err)
	return b.Undecided
}
