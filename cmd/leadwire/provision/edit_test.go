package provision

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

var who = domain.AuditEntry{Actor: "key 1", Action: "pixel.put"}

func named(name string) func(*domain.Catalog) error {
	return func(c *domain.Catalog) error {
		c.Accounts = append(c.Accounts, domain.Account{ID: domain.AccountID(name)})
		return nil
	}
}

// An edit is of the newest catalog: what somebody else wrote meanwhile stays.
func TestEdit_SomeoneWasFirst(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	store.rival = func(s *shelf) {
		s.catalog.Accounts = append(s.catalog.Accounts, domain.Account{ID: "rival"})
		s.catalog.Revision++
		s.rival = nil
	}
	revision, err := Edit(t.Context(), store, -1, who, named("mine"))
	require.NoError(t, err)
	require.EqualValues(t, 2, revision)
	require.Equal(t, []domain.Account{{ID: "rival"}, {ID: "mine"}}, store.catalog.Accounts)
	require.Equal(t, []domain.AuditEntry{who}, store.audit, "once, however often it was tried")
}

// Whoever names the revision that was read is told that it is another one now, and nothing is written.
func TestEdit_OfARevision(t *testing.T) {
	t.Parallel()
	store := &shelf{catalog: domain.Catalog{Revision: 7}}
	_, err := Edit(t.Context(), store, 6, who, named("mine"))
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.Zero(t, store.applied)
	revision, err := Edit(t.Context(), store, 7, who, named("mine"))
	require.NoError(t, err)
	require.EqualValues(t, 8, revision)
}

// Two programs that undo each other's work for ever are stopped.
func TestEdit_GivesUp(t *testing.T) {
	t.Parallel()
	tries := 0
	store := &shelf{rival: func(s *shelf) { s.catalog.Revision++; tries++ }}
	_, err := Edit(t.Context(), store, -1, who, named("mine"))
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.Equal(t, editTries, tries)
}

// What a rule refuses, or the edit itself, is not written; nor is an edit that changes nothing.
func TestEdit_WritesNothing(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	_, err := Edit(t.Context(), store, -1, who, named("not an id"))
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	sorry := errors.New("sorry")
	_, err = Edit(t.Context(), store, -1, who, func(*domain.Catalog) error { return sorry })
	require.ErrorIs(t, err, sorry)
	_, err = Edit(t.Context(), store, -1, who, func(*domain.Catalog) error { return nil })
	require.NoError(t, err)
	require.Zero(t, store.applied)
	require.Empty(t, store.audit)
}
