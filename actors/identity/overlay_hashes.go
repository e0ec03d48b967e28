package identity

import (
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// linkedHash is the hash of an e-mail or a phone that an account has linked to a person.
type linkedHash struct {
	link digest // the link's place in the overlay
	half digest // as suppressions are found by
	kind uint8  // email or phone, of kinds
}

// hashOf is a link's hash; a visitor and a click have none.
func hashOf(link digest, k domain.Key) (linkedHash, bool) {
	h := linkedHash{link: link, kind: email}
	switch k.Kind {
	case domain.KeySHA256, domain.KeySHA1, domain.KeyMD5:
	case domain.KeyPhone:
		h.kind = phone
	default:
		return linkedHash{}, false
	}
	var ok bool
	h.half, ok = halfOf(k.Value)
	return h, ok
}

// Complete adds to a subject what its account has learned of its person: every e-mail and phone that was linked to
// them, though no record has it. Whoever wants out by one of these is not to be found by another.
//
// It knows the links that the overlay holds. One that has fallen out, being older than OverlayConfig.Max newer ones,
// is not compared any more.
func (o *Overlay) Complete(s Subject) Subject {
	if s.Person != "" {
		whose := personKey(s.Account, s.Person)
		o.mu.RLock()
		defer o.mu.RUnlock()
		s.learned = o.hashes[whose]
	}
	return s
}

// own notes a person's hash. The lists are replaced and not changed: subjects hold them.
func (o *Overlay) own(whose digest, h linkedHash) {
	if whose != (digest{}) {
		o.hashes[whose] = append(slices.Clip(o.hashes[whose]), h)
	}
}

// disown forgets the hash of a link.
func (o *Overlay) disown(whose, link digest) {
	if whose == (digest{}) {
		return
	}
	var rest []linkedHash
	for _, h := range o.hashes[whose] {
		if h.link != link {
			rest = append(rest, h)
		}
	}
	if rest == nil {
		delete(o.hashes, whose)
		return
	}
	o.hashes[whose] = rest
}

func personKey(account domain.AccountID, p domain.PersonID) digest {
	return digestOf(string(account), string(p))
}
