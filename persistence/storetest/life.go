package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func life(t *testing.T, h Harness) {
	// kill -9: everything that was acknowledged is there afterwards, and goes on from there.
	t.Run("ACrashLosesNothingAcked", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		f := claim(t, in.Store)
		done := assigned(t, in.Store, f, "ada", "bea")
		p := receive(t, in.Store, f, event("e-2", "ghl-bob"))
		decide(t, in.Store, settle(f, receive(t, in.Store, f, event("e-3", "ghl-cyd")), domain.Hold))
		s := in.Crash(t).Store
		lead, err := s.Lead(t.Context(), done.Lead.Key())
		require.NoError(t, err)
		requireLead(t, done.Lead, lead)
		require.Len(t, feed(t, s, "bea"), 1)
		require.Len(t, undecided(t, s, false), 1)
		require.Len(t, undecided(t, s, true), 1)
		again, err := s.Receive(t.Context(), f, event("e-2", "ghl-bob"))
		require.NoError(t, err)
		require.True(t, again.Duplicate)
		require.EqualValues(t, 2, decide(t, s, assign(f, p, "bea")).Event.Seq)
	})

	// A store knows itself again: resumed streams and tokens stay good over a restart and a crash.
	t.Run("EpochAndTokenKeyStay", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		epoch := in.Store.Epoch()
		require.Regexp(t, "^[0-9a-f]{8}$", epoch)
		key, err := in.Store.TokenKey(t.Context())
		require.NoError(t, err)
		require.Len(t, key, 32)
		for _, next := range []func(*testing.T) Instance{in.Crash, nil} {
			if next == nil {
				next = in.Reopen
			}
			in = next(t)
			require.Equal(t, epoch, in.Store.Epoch())
			again, err := in.Store.TokenKey(t.Context())
			require.NoError(t, err)
			require.Equal(t, key, again)
		}
		other := h.Open(t, Options{}).Store
		require.NotEqual(t, epoch, other.Epoch(), "another store, another history")
		otherKey, err := other.TokenKey(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, key, otherKey)
	})

	// Close finishes what is queued: it was accepted.
	t.Run("CloseFinishesWhatIsQueued", func(t *testing.T) {
		t.Parallel()
		var p trap
		in := h.Open(t, Options{Fail: p.fail})
		f := claim(t, in.Store)
		held, release := p.holdAt(h.Steps[0])
		defer release()
		answers := make(chan error, 20)
		go func() { answers <- in.Store.Ping(t.Context()) }()
		<-held
		var started sync.WaitGroup
		for _, id := range names("e", cap(answers)-1) {
			started.Add(1)
			go func() {
				started.Done()
				_, err := in.Store.Receive(t.Context(), f, event(id, domain.LeadID(id)))
				answers <- err
			}()
		}
		started.Wait()
		release()
		kept := 0
		reopened := in.Reopen(t)
		for range cap(answers) {
			switch err := <-answers; domain.CodeOf(err) {
			case "":
				kept++
			default: // it came after Close
				require.Equal(t, domain.Unavailable, domain.CodeOf(err), "%v", err)
			}
		}
		require.Len(t, undecided(t, reopened.Store, false), kept-1, "all but the ping")
	})

	// Whoever still calls after Close is told to try again elsewhere, by every method.
	t.Run("AClosedStoreIsUnavailable", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		p := receive(t, s, f, event("e-1", "ghl-ada"))
		require.NoError(t, s.Close())
		require.NoError(t, s.Close(), "closing twice is fine")
		ctx := t.Context()
		bea := domain.BuyerKey{Account: account, Buyer: "bea"}
		for name, call := range map[string]func(context.Context) error{
			"Claim":    func(ctx context.Context) error { _, err := s.Claim(ctx, node, []domain.Partition{1}); return err },
			"Renew":    func(ctx context.Context) error { _, err := s.Renew(ctx, lease(node, time.Minute)); return err },
			"GiveBack": func(ctx context.Context) error { return s.GiveBack(ctx, node, []domain.Fence{f}) },
			"Resign":   func(ctx context.Context) error { return s.Resign(ctx, node) },
			"Holdings": func(ctx context.Context) error { _, err := s.Holdings(ctx); return err },
			"Receive":  func(ctx context.Context) error { _, err := s.Receive(ctx, f, event("e-2", "ghl-b")); return err },
			"Decide":   func(ctx context.Context) error { _, err := s.Decide(ctx, assign(f, p, "bea")); return err },
			"RecordSeen": func(ctx context.Context) error {
				_, err := s.RecordSeen(ctx, []domain.Seen{{Account: account, Buyer: "bea", Seq: 1}})
				return err
			},
			"Undecided": func(ctx context.Context) error {
				_, err := s.Undecided(ctx, []domain.Partition{7}, false, 0, 9)
				return err
			},
			"Backlog": func(ctx context.Context) error { _, err := s.Backlog(ctx); return err },
			"Lead": func(ctx context.Context) error {
				_, err := s.Lead(ctx, domain.LeadKey{Account: account, Lead: "ghl-ada"})
				return err
			},
			"BuyerLeads":      func(ctx context.Context) error { _, err := s.BuyerLeads(ctx, bea, 0, 9); return err },
			"Feed":            func(ctx context.Context) error { _, err := s.Feed(ctx, bea, 0, 9); return err },
			"Heads":           func(ctx context.Context) error { _, err := s.Heads(ctx, []domain.BuyerKey{bea}); return err },
			"Counts":          func(ctx context.Context) error { _, err := s.Counts(ctx); return err },
			"TokenKey":        func(ctx context.Context) error { _, err := s.TokenKey(ctx); return err },
			"Catalog":         func(ctx context.Context) error { _, err := s.Catalog(ctx); return err },
			"CatalogRevision": func(ctx context.Context) error { _, err := s.CatalogRevision(ctx); return err },
			"ApplyCatalog":    func(ctx context.Context) error { _, err := s.ApplyCatalog(ctx, domain.Catalog{}); return err },
			"Maintain":        func(ctx context.Context) error { _, err := s.Maintain(ctx, noon, domain.Retention{}); return err },
			"Ping":            s.Ping,
		} {
			require.Equal(t, domain.Unavailable, domain.CodeOf(call(ctx)), name)
		}
	})

	// Two nodes on one store: caps and feeds hold between them as they do within one.
	t.Run("TwoNodesShareTheTruth", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		if in.Second == nil {
			t.Skip("this store serves one process")
		}
		a, b := in.Store, in.Second(t).Store
		mine, err := a.Claim(t.Context(), "node-a", []domain.Partition{7})
		require.NoError(t, err)
		theirs, err := b.Claim(t.Context(), "node-b", []domain.Partition{8})
		require.NoError(t, err)
		const most = 10
		decisions := append(offer(t, a, mine[0], "a", 20, most, today), offer(t, b, theirs[0], "b", 20, most, today)...)
		var wg sync.WaitGroup
		outcomes := make([]domain.Outcome, len(decisions))
		for i, d := range decisions {
			s := a
			if i >= 20 {
				s = b
			}
			wg.Go(func() {
				got, err := s.Decide(t.Context(), d)
				if err != nil {
					t.Errorf("decide: %v", err)
				}
				outcomes[i] = got.Outcome
			})
		}
		wg.Wait()
		done := 0
		for _, o := range outcomes {
			if o == domain.Done {
				done++
			}
		}
		require.Equal(t, most, done)
		require.Len(t, feed(t, b, "bea"), most)
		_, err = b.Claim(t.Context(), "node-b", []domain.Partition{7})
		require.NoError(t, err)
		_, err = a.Receive(t.Context(), mine[0], event("e-late", "ghl-late"))
		require.ErrorIs(t, err, domain.ErrFenced)
	})
}
