package apikey

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// shelf is where a ring reads keys, with a clock that only the test moves.
type shelf struct {
	now   time.Time
	keys  []domain.APIKey
	err   error
	reads int
}

func (s *shelf) Now() time.Time { return s.now }

func (s *shelf) AfterFunc(time.Duration, func()) domain.Timer { panic("a ring sets no timer") }

func (s *shelf) list(context.Context) ([]domain.APIKey, error) {
	s.reads++
	return s.keys, s.err
}

func newShelf() (s *shelf, r *Ring, text string) {
	s = &shelf{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	text, id, hash := New()
	s.keys = []domain.APIKey{{ID: id, Account: "acme", Scopes: []string{string(EventsWrite)}, Hash: hash}}
	return s, NewRing(s.list, s), text
}

func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	var reason Reason
	require.ErrorAs(t, err, &reason)
	require.Equal(t, domain.Unverified, domain.CodeOf(err))
	return reason
}

// A key is good as it was made, and in no other form.
func TestRing_Verify(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	got, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	require.Equal(t, s.keys[0], got)

	other, _, _ := New()
	id := text[len(prefix) : len(prefix)+2*idBytes]
	for name, row := range map[string]struct {
		text string
		want Reason
	}{
		"no key":                          {"", Missing},
		"a buyer's token":                 {"lwb1.abc.def", Malformed},
		"a key that is cut":               {text[:len(text)-1], Malformed},
		"a key with something behind it":  {text + "A", Malformed},
		"an id in capitals":               {strings.ToUpper(text), Malformed},
		"an id that is no number":         {prefix + "zz" + text[len(prefix)+2:], Malformed},
		"a secret that is no base64":      {text[:len(text)-1] + "!", Malformed},
		"a key that nobody made":          {other, Unknown},
		"another's secret behind this id": {prefix + id + other[len(prefix)+2*idBytes:], Forged},
	} {
		_, err := r.Verify(t.Context(), row.text)
		require.Equal(t, row.want, reasonOf(t, err), name)
	}
}

// The text of a key cannot be found in what is kept of it.
func TestNew_KeepsNoSecret(t *testing.T) {
	t.Parallel()
	text, id, hash := New()
	require.Len(t, text, MaxLength)
	require.Len(t, hash, 32)
	require.NotContains(t, text, string(hash))
	again, _, _ := New()
	require.NotEqual(t, text, again)
	require.True(t, domain.CheckID(id))
}

// A key that is revoked is refused within a second, and the list is read no more often than that.
func TestRing_Revoked(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	for range 5 {
		_, err := r.Verify(t.Context(), text)
		require.NoError(t, err)
	}
	require.Equal(t, 1, s.reads)
	s.keys = nil
	s.now = s.now.Add(time.Second - 1)
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err, "the list is not a second old")
	s.now = s.now.Add(1)
	_, err = r.Verify(t.Context(), text)
	require.Equal(t, Unknown, reasonOf(t, err))
}

// A key that was made elsewhere is good at once; unknown ones have the list read ten times a second and no more.
func TestRing_MadeElsewhere(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	made, id, hash := New()
	s.keys = append(s.keys, domain.APIKey{ID: id, Hash: hash})
	got, err := r.Verify(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, id, got.ID)
	require.Equal(t, 2, s.reads)

	guess := func() {
		guessed, _, _ := New()
		_, err := r.Verify(t.Context(), guessed)
		require.Equal(t, Unknown, reasonOf(t, err))
	}
	for s.reads < 11 {
		guess()
	}
	for range 50 { // the list was not read for it: it may have been made just now
		guessed, _, _ := New()
		_, err := r.Verify(t.Context(), guessed)
		require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	}
	require.Equal(t, 11, s.reads)
	s.now = s.now.Add(time.Second)
	guess() // the list is new for this one
	require.Equal(t, 12, s.reads)
	s.err = errors.New("no connection")
	for range 3 { // nobody can say that they are unknown: they may have been made just now
		guessed, _, _ := New()
		_, err := r.Verify(t.Context(), guessed)
		require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	}
	require.Equal(t, 13, s.reads, "a store in trouble is not asked more often")
	_, err = r.Verify(t.Context(), made)
	require.NoError(t, err, "what is known stays")
}

// Whoever tries unknown keys all the time uses up the readings of a second, and no more: then a key that was made elsewhere is good.
func TestRing_MadeElsewhereWhileOthersTry(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	revoked, _, _ := New()
	for range 10 { // each has the list read
		s.now = s.now.Add(99 * time.Millisecond)
		_, err := r.Verify(t.Context(), revoked)
		require.Equal(t, Unknown, reasonOf(t, err))
	}
	require.Equal(t, 11, s.reads)
	made, id, hash := New()
	s.keys = append(s.keys, domain.APIKey{ID: id, Hash: hash})
	_, err = r.Verify(t.Context(), made)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err), "this second's readings are used up, and nobody says that it is unknown")
	s.now = s.now.Add(109 * time.Millisecond)
	got, err := r.Verify(t.Context(), made)
	require.NoError(t, err)
	require.Equal(t, id, got.ID)
}

// The node that made or revoked a key knows at once.
func TestRing_Changed(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	s.keys = nil
	r.Changed()
	_, err = r.Verify(t.Context(), text)
	require.Equal(t, Unknown, reasonOf(t, err))
}

// A key's own end counts, whatever the list says.
func TestRing_Expired(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	s.keys[0].ExpiresAt = s.now.Add(time.Minute)
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	s.now = s.now.Add(time.Minute)
	_, err = r.Verify(t.Context(), text)
	require.Equal(t, Expired, reasonOf(t, err))
}

// While the store cannot be read, known keys go on for ten seconds, and then nobody gets in.
func TestRing_StoreInTrouble(t *testing.T) {
	t.Parallel()
	s, r, text := newShelf()
	_, err := r.Verify(t.Context(), text)
	require.NoError(t, err)
	s.err = errors.New("no connection")
	s.now = s.now.Add(9 * time.Second)
	_, err = r.Verify(t.Context(), text)
	require.NoError(t, err)
	s.now = s.now.Add(time.Second)
	_, err = r.Verify(t.Context(), text)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	reads := s.reads
	_, err = r.Verify(t.Context(), text)
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.Equal(t, reads, s.reads, "a store in trouble is not asked more often")
}

// Scopes are known words; what all accounts share is not one account's.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		account domain.AccountID
		scopes  []string
		field   string // empty: fine
	}{
		"one scope":                    {"acme", []string{"events:write"}, ""},
		"the graph for the platform":   {"", []string{"graph:write"}, ""},
		"the graph for one account":    {"acme", []string{"events:write", "graph:write"}, "scopes[1]"},
		"a word that is none":          {"acme", []string{"everything"}, "scopes[0]"},
		"a scope twice":                {"acme", []string{"people:read", "people:read"}, "scopes[1]"},
		"a key that may do nothing":    {"acme", nil, "scopes"},
		"all of them for the platform": {"", strings.Split(names(), ", "), ""},
	} {
		err := Check(row.account, row.scopes)
		if row.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var e *domain.Error
		require.ErrorAs(t, err, &e, name)
		require.Equal(t, row.field, e.Field, name)
	}
}

// No text makes the reader fall over, and what it takes is written the same way again.
func FuzzSplit(f *testing.F) {
	text, _, _ := New()
	f.Add(text)
	f.Add("lwk_000000000000_" + strings.Repeat("A", 43))
	f.Add("lwk__")
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, reason := split(text)
		if reason == "" {
			require.Equal(t, text, prefix+id+"_"+secret)
		}
	})
}
