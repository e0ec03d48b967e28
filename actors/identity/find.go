package identity

import (
	"cmp"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// found is whom one source of links names, and by what.
type found struct {
	person domain.PersonID
	by     domain.KeyKind
	seq    int64 // of the link; 0 in a source that has no order
	from   string
	// other: a key of the same source named somebody else.
	other domain.PersonID
}

// choose lets a further link of the same source compete: the better standing wins, then the stronger kind of
// key, within a kind the newer link, then the smaller id. Whoever loses is remembered: that is a conflict.
func (f *found) choose(person domain.PersonID, by domain.KeyKind, seq int64) {
	if f.person == "" {
		f.person, f.by, f.seq = person, by, seq
		return
	}
	if f.person == person {
		if c := cmp.Compare(class(by), class(f.by)); c < 0 || c == 0 && seq > f.seq {
			f.by, f.seq = by, seq
		}
		return
	}
	wins := cmp.Or(cmp.Compare(class(by), class(f.by)), cmp.Compare(f.seq, seq), cmp.Compare(person, f.person)) < 0
	switch {
	case givesWay(f.person, person, by):
		wins = true
	case givesWay(person, f.person, f.by):
		wins = false
	}
	if wins {
		f.other = f.person
		f.person, f.by, f.seq = person, by, seq
	} else {
		f.other = person
	}
}

// findIn asks a graph.
func findIn(g Graph, keys []domain.Key) (f found) {
	for _, k := range keys {
		if p, ok := g.Person(k); ok {
			f.choose(p, k.Kind, 0)
		}
	}
	return f
}

// hemPerson begins the id of somebody who is known by a hash alone; the first 16 bytes of it follow, which is what
// suppressions are indexed by. No graph may use it.
const hemPerson = "hem-"

// personOfHEM is who somebody is that has identified itself and is known nowhere: itself, by the hash of its
// e-mail. The first in order of variant and digest names it, so the same e-mail is the same person.
func personOfHEM(hems []domain.HEM) (domain.PersonID, domain.KeyKind) {
	for _, variant := range [...]string{Lower, ""} {
		for _, h := range hems {
			if variant != "" && h.Variant != variant {
				continue
			}
			if keys := KeysOf("", []domain.HEM{h}, "", nil); len(keys) > 0 {
				return domain.PersonID(hemPerson + keys[0].Value[:32]), keys[0].Kind
			}
		}
	}
	return "", ""
}

// givesWay says whether a person of our own making gives way to one of better standing, found by a key of that
// kind: by an e-mail, a phone or the visitor itself. A click is not enough, because links are shared.
func givesWay(ours, other domain.PersonID, by domain.KeyKind) bool {
	return standing(other) < standing(ours) && class(by) <= class(domain.KeyPhone)
}

// GaveWay says whether somebody known before is, by better evidence, the other one: the same human, under the
// id of a graph or a CRM.
func GaveWay(before, now domain.PersonID) bool { return standing(now) < standing(before) }

// standing is how much is known of a person by its id: a graph knows it, a CRM does, or it is a hash.
func standing(p domain.PersonID) int {
	switch {
	case byHash(p):
		return 2
	case ofCRM(p):
		return 1
	}
	return 0
}

// CheckPerson says whether a graph or a tier may call somebody by this id: it becomes part of a lead's id and of
// an address, and the ids of our own making are ours.
func CheckPerson(p domain.PersonID) error {
	switch {
	case !domain.CheckForeignID(string(p)):
		return domain.FailField("check person", "id", "must be 1 to 200 of a-z A-Z 0-9 . _ -")
	case standing(p) > 0:
		return domain.FailField("check person", "id", `must not begin with "hem-" or "lead-"`)
	}
	return nil
}

func byHash(p domain.PersonID) bool { return strings.HasPrefix(string(p), hemPerson) }

func ofCRM(p domain.PersonID) bool {
	return p != "" && domain.PersonOfLead(domain.LeadOfPerson(p)) == p
}
