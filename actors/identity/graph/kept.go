package graph

import (
	"bytes"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// maxList is the most HEMs, and the most phones, in a record. A row gives maxKeys e-mails at most, each in two
// variants. Reading stops here too: a damaged record cannot ask for more memory than an honest one.
const maxList = 2 * maxKeys

// kept is the person that is being written: its newest row, and of the older ones what it can be found by. The
// record has to say it, because suppressions and erasures see the record and not the keys.
type kept struct {
	id, body []byte
	place    uint32
	person   domain.Person // body, read when there is an older row
	hems     []domain.HEM  // of person, those included that follow from its e-mails
	phones   []string      // of person, hashed
	size     int           // of the record with what was added: an upper bound
}

// begin starts with a person's newest row.
func (k *kept) begin(id, body []byte, place uint32) {
	k.id, k.body, k.place = append(k.id[:0], id...), append(k.body[:0], body...), place
	k.person, k.size = domain.Person{}, 0
}

// is says whether it is about that person; before the first it is about nobody.
func (k *kept) is(id []byte) bool { return len(k.id) > 0 && bytes.Equal(k.id, id) }

// The most bytes that a HEM and a hashed phone add to a record, and that writing it anew does: two counts, and
// texts that were plain when the words were full are not, so only a count may grow.
const (
	hemSize   = 1 + 16 + 20 + 32
	phoneSize = 2 + 64
	spare     = 64
)

// add takes over the HEMs and phones of an older row, all or, where the record would become too large, none. A
// phone comes as its hash: it is not this person's newest, so it is not told.
func (k *kept) add(body []byte, w *words) bool {
	if k.size == 0 {
		k.person = personIn(k.body, w)
		k.hems, k.phones, k.size = withHEMs(k.person).HEMs, hashes(k.person.Phones), len(k.body)+spare
	}
	older := personIn(body, w)
	hems := missing(withHEMs(older).HEMs, k.hems)
	phones := slices.DeleteFunc(hashes(older.Phones), func(p string) bool { return slices.Contains(k.phones, p) })
	size := k.size + hemSize*len(hems) + phoneSize*len(phones)
	if size > maxRecord || len(k.person.HEMs)+len(hems) > maxList || len(k.person.Phones)+len(phones) > maxList {
		return false
	}
	k.size = size
	k.hems, k.person.HEMs = append(k.hems, hems...), append(k.person.HEMs, hems...)
	k.phones, k.person.Phones = append(k.phones, phones...), append(k.person.Phones, phones...)
	return true
}

// record is the person's record as it is to be written.
func (k *kept) record(w *words) []byte {
	if k.size > 0 {
		k.body = appendPerson(k.body[:0], &k.person, w)
	}
	return k.body
}

// carried says whether a record has to say a key of that kind.
func carried(kind byte) bool {
	return kind == kindMD5 || kind == kindSHA1 || kind == kindSHA256 || kind == kindPhone
}

// missing are those of some HEMs that others do not cover, each once.
func missing(some, others []domain.HEM) (rest []domain.HEM) {
	for _, hem := range some {
		covered := func(other domain.HEM) bool { return covers(other, hem) }
		if !slices.ContainsFunc(others, covered) && !slices.ContainsFunc(rest, covered) {
			rest = append(rest, hem)
		}
	}
	return rest
}

// hashes are phones hashed, each once.
func hashes(phones []string) (all []string) {
	for _, phone := range phones {
		if hash, ok := identity.PhoneHash(phone); ok && !slices.Contains(all, hash) {
			all = append(all, hash)
		}
	}
	return all
}

// personIn reads what appendPerson wrote.
func personIn(body []byte, w *words) domain.Person {
	f := fields{rest: body[1:], words: w}
	return f.person()
}
