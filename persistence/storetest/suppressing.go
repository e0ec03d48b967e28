package storetest

import (
	"net/netip"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

func suppressing(t *testing.T, h Harness) {
	// Every kind comes back as it was put, with the revision it is in force from.
	t.Run("ComesBackAsPut", func(t *testing.T) {
		t.Parallel()
		in := h.Open(t, Options{})
		want := []domain.Suppression{
			suppression("s-1", ada),
			{ID: "s-2", Scope: domain.PixelScope, Account: account, Pixel: pixel, Kind: domain.SuppressPath, Value: "/account/**", CreatedAt: noon},
			{ID: "s-3", Scope: domain.AccountScope, Account: account, Kind: domain.SuppressNetwork, Network: netip.MustParsePrefix("10.0.0.0/8"), CreatedAt: noon},
		}
		require.Zero(t, basis(t, in.Store))
		revision := suppress(t, in.Store, want...)
		require.Positive(t, revision)
		require.Equal(t, revision, basis(t, in.Store))
		for i := range want {
			want[i].Revision = revision
		}
		require.Equal(t, want, since(t, in.Crash(t).Store, 0, "", 100))
	})

	// A list that is uploaded again changes nothing: no revision, so no node has to look, and no second line in
	// the audit.
	t.Run("AddingTwiceIsAddingOnce", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		first := suppress(t, s, suppression("s-1", ada))
		again := suppression("s-1", ada)
		again.Reason, again.CreatedAt = "asked twice", noon.Add(day)
		require.Equal(t, first, suppress(t, s, again))
		require.Equal(t, "asked to", since(t, s, 0, "", 100)[0].Reason)
		require.Len(t, entries(t, s, ""), 1)
		require.Greater(t, suppress(t, s, again, suppression("s-2", bob)), first)
		all := since(t, s, 0, "", 100)
		require.Len(t, all, 2)
		require.Equal(t, first, all[0].Revision, "what was there keeps its revision")
	})

	// Taking one away is a change like any other; whoever reads on learns of it.
	t.Run("RemovingIsNews", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		first := suppress(t, s, suppression("s-1", ada), suppression("s-2", bob))
		second, err := s.Suppress(t.Context(), nil, []string{"s-1", "s-nobody"}, audit("unsuppress"))
		require.NoError(t, err)
		require.Greater(t, second, first)
		news := since(t, s, first, "", 100)
		require.Len(t, news, 1)
		require.Equal(t, "s-1", news[0].ID)
		require.True(t, news[0].Removed)
		require.Equal(t, second, news[0].Revision)
		require.Equal(t, domain.SuppressPerson, news[0].Kind, "it says what is no longer in force")
		require.Equal(t, string(ada), news[0].Value)

		again, err := s.Suppress(t.Context(), nil, []string{"s-1"}, audit("unsuppress"))
		require.NoError(t, err)
		require.Equal(t, second, again)
		third := suppress(t, s, suppression("s-1", ada))
		require.Greater(t, third, second, "and it can come back")
		news = since(t, s, second, "", 100)
		require.Len(t, news, 1)
		require.False(t, news[0].Removed)
		require.Len(t, since(t, s, 0, "", 100), 2)
	})

	// One that is added and removed in one call is in force: to suppress is the safer mistake.
	t.Run("AddingWinsOverRemoving", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		_, err := s.Suppress(t.Context(), []domain.Suppression{suppression("s-1", ada)}, []string{"s-1"}, audit("suppress"))
		require.NoError(t, err)
		require.False(t, since(t, s, 0, "", 100)[0].Removed)
	})

	// A list of thousands is one revision; it is read in pages that begin inside it.
	t.Run("IsPagedByRevisionAndID", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		var want []string
		before := suppress(t, s, suppression("z-before", bob))
		for _, prefix := range []string{"b", "a", "c"} { // by revision first, whatever the ids
			var list []domain.Suppression
			for _, id := range names(prefix, 9) {
				list, want = append(list, suppression(id, ada)), append(want, id)
			}
			suppress(t, s, list...)
		}
		var got []string
		for revision, id := before, ""; ; {
			page := since(t, s, revision, id, 4)
			for _, one := range page {
				got, revision, id = append(got, one.ID), one.Revision, one.ID
			}
			if len(page) < 4 {
				break
			}
		}
		require.Equal(t, want, got)
	})

	// The catalog has suppressions of its own, so that a new catalog outdates what was matched before it.
	t.Run("ANewCatalogRaisesTheRevision", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		f := claim(t, s)
		o := meeting(t, s, f, hit("h-1", visit1), ada)
		_, err := s.ApplyCatalog(t.Context(), configured())
		require.NoError(t, err)
		require.Greater(t, basis(t, s), o.Basis)
		got, err := s.Observe(t.Context(), o)
		require.NoError(t, err)
		require.Equal(t, domain.Outdated, got.Outcome)
		now := basis(t, s)
		_, err = s.ApplyCatalog(t.Context(), configured())
		require.Equal(t, domain.Conflict, domain.CodeOf(err))
		require.Equal(t, now, basis(t, s), "a catalog that was refused changes nothing")
	})

	// Who asked for what is read newest first, an account's own or all.
	t.Run("TheAuditIsReadBackwards", func(t *testing.T) {
		t.Parallel()
		s := h.Open(t, Options{}).Store
		for i, action := range names("act", 9) {
			e := audit(action)
			if i%3 == 0 {
				e.Account = ""
			}
			require.NoError(t, s.Note(t.Context(), e))
		}
		all := entries(t, s, "")
		require.Len(t, all, 9)
		require.Equal(t, "act-8", all[0].Action)
		want := audit("act-8")
		want.Seq, want.At = all[0].Seq, all[0].At
		require.Equal(t, want, all[0])
		require.True(t, noon.Equal(all[0].At))
		require.Len(t, entries(t, s, account), 6)
		var got []string
		for before := int64(0); ; {
			page, err := s.Audit(t.Context(), account, before, 4)
			require.NoError(t, err)
			for _, e := range page {
				got, before = append(got, e.Action), e.Seq
			}
			if len(page) < 4 {
				break
			}
		}
		require.Equal(t, []string{"act-8", "act-7", "act-5", "act-4", "act-2", "act-1"}, got)
	})

	// The disk or the connection fails at any step: a suppression, its revision and its line in the audit are one.
	for _, step := range h.Steps {
		t.Run("AllOrNothing/"+step, func(t *testing.T) {
			t.Parallel()
			var p trap
			in := h.Open(t, Options{Fail: p.fail})
			p.set(step, 1)
			_, _ = in.Store.Suppress(t.Context(), []domain.Suppression{suppression("s-1", ada)}, nil, audit("suppress"))
			p.set("", 0)
			inForce := basis(t, in.Store)
			require.Len(t, since(t, in.Store, 0, "", 10), int(inForce))
			s := in.Crash(t).Store
			require.Equal(t, inForce, basis(t, s), "the revision is what was committed")
			require.Len(t, entries(t, s, ""), int(inForce))
			revision := suppress(t, s, suppression("s-1", ada))
			require.EqualValues(t, 1, revision)
			require.Len(t, entries(t, s, ""), 1)
			got, err := s.Observe(t.Context(), domain.Observation{Fence: claim(t, s), Visit: visitAfter(hit("h-1", visit1)), Basis: 0})
			require.NoError(t, err)
			require.Equal(t, domain.Outdated, got.Outcome)
		})
	}
}

func since(t *testing.T, s domain.Store, revision int64, id string, limit int) []domain.Suppression {
	t.Helper()
	got, err := s.SuppressionsSince(t.Context(), revision, id, limit)
	require.NoError(t, err)
	require.LessOrEqual(t, len(got), limit)
	return got
}

func entries(t *testing.T, s domain.Store, of domain.AccountID) []domain.AuditEntry {
	t.Helper()
	got, err := s.Audit(t.Context(), of, 0, 1000)
	require.NoError(t, err)
	return got
}
