package identity_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// A person's record knows one e-mail; the account has linked another one and a phone to it. Whoever wants out by
// these is not found by any other, in that account; and when the link goes, so does its reach.
func TestOverlay_ASuppressedLinkReachesItsPerson(t *testing.T) {
	t.Parallel()
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	phoneKey := identity.KeysOf("", nil, hashOfPhone(t, tel), nil)[0]
	work := identity.HEMs("ada@work.example")[0]
	o.Put([]domain.Link{
		link(1, visitorKey, "ada"), link(2, phoneKey, "ada"), link(3, domain.Key{Kind: domain.KeyMD5, Value: work.MD5}, "ada"),
		link(4, domain.Key{Kind: domain.KeyClick, Value: "gclid:1"}, "ada"),
	})
	s := suppressing(t, global(t, domain.SuppressPhone, tel))
	email := suppressing(t, global(t, domain.SuppressEmail, "ada@work.example"))
	suppressed := func(by *identity.Suppressions, account domain.AccountID, person domain.PersonID) string {
		rule, _ := by.Check(o.Complete(identity.Subject{Account: account, Person: person}))
		return rule
	}
	require.Equal(t, "global:phone", suppressed(s, "acme", "ada"))
	require.Equal(t, "global:email", suppressed(email, "acme", "ada"), "by whichever digest it was linked")
	require.Empty(t, suppressed(s, "rival", "ada"), "what another account has learned is not theirs")
	require.Empty(t, suppressed(s, "acme", "bob"))
	require.Empty(t, suppressed(s, "acme", ""))

	kept := o.Complete(identity.Subject{Account: "acme", Person: "ada"})
	o.Learned([]domain.Link{link(9, phoneKey, "bob")})
	require.Empty(t, suppressed(s, "acme", "ada"), "the phone is somebody else's now")
	require.Equal(t, "global:phone", suppressed(s, "acme", "bob"))
	_, held := s.Check(kept)
	require.True(t, held, "a subject stays as it was made")
	gone := link(10, phoneKey, "")
	gone.Removed = true
	o.Put([]domain.Link{gone, link(2, phoneKey, "ada")})
	require.Empty(t, suppressed(s, "acme", "bob"))
	require.Empty(t, suppressed(s, "acme", "ada"), "a late word of an older link changes nothing")
	require.Equal(t, "global:email", suppressed(email, "acme", "ada"), "the others stay")
}

// Whatever is linked, moved, removed and dropped, what a person is reached by is what the overlay has of them.
func TestOverlay_ReachesByWhatItHolds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	o := identity.NewOverlay(identity.OverlayConfig{Max: 40}, nil)
	key := func(n int) domain.Key { return sha(fmt.Sprintf("k%d@example.com", n)) }
	person := func(n int) domain.PersonID { return domain.PersonID(fmt.Sprint("p", n)) }
	for step := range 3000 {
		l := link(int64(step+1), key(rng.IntN(60)), person(rng.IntN(8)))
		l.Removed = rng.IntN(5) == 0
		o.Put([]domain.Link{l})
		if step%10 != 0 {
			continue
		}
		for n := range 60 {
			s := suppressing(t, global(t, domain.SuppressEmail, fmt.Sprintf("k%d@example.com", n)))
			owner, _ := o.Person("acme", key(n))
			for p := range 8 {
				_, reached := s.Check(o.Complete(identity.Subject{Account: "acme", Person: person(p)}))
				require.Equal(t, owner == person(p), reached, "step %d: key %d, person %d", step, n, p)
			}
		}
	}
}

func hashOfPhone(t *testing.T, text string) string {
	t.Helper()
	h, ok := identity.PhoneHash(text)
	require.True(t, ok)
	return h
}
