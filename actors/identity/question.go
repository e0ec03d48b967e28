package identity

import (
	"math"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// question is one match under way.
type question struct {
	Evidence
	matcher *Matcher
	graph   Graph
	all     []domain.Key
	learned []learned // what the overlay has of each
	named   sources   // by all keys
	own     sources   // by those of the identify call: its hashes
}

func (q *question) answer() Resolution {
	var r Resolution
	r.Person, r.Match = q.who()
	if r.Person == "" {
		r.Company, r.Match = q.network()
		r.Ask = q.ask()
		return r
	}
	record, recorded := q.matcher.record(q.graph, r.Person)
	if byHash(r.Person) {
		record.HEMs = q.HEMs
	}
	if recorded {
		r.Record, r.Company = &record, record.Company
	}
	if !recorded && !ofCRM(r.Person) || byHash(r.Person) {
		r.Ask = q.ask() // somebody may know more
	}
	if r.Match.From == FromIdentify {
		r.Learn = q.learn(r.Person)
	}
	return r
}

// who applies the rule of the package.
func (q *question) who() (domain.PersonID, domain.Match) {
	q.lookup()
	if q.Identified {
		if f := best(q.own); f.person != "" {
			return q.settle(f.person, f.by, FromIdentify)
		}
		if p, by := q.byHashAlone(); p != "" {
			return q.settle(p, by, FromIdentify)
		}
	}
	f := best(q.named)
	switch {
	case f.person == "" && (q.Known == "" || byHash(q.Known)):
		if p, by := q.byHashAlone(); p != "" && p != q.Known { // an identify call that had to wait for the slow tier
			return q.settle(p, by, FromIdentify)
		}
		return q.Known, q.KnownMatch
	case f.person == "":
		return q.Known, q.KnownMatch
	case q.Known == "", class(f.by) < strength(q.KnownMatch), givesWay(q.Known, f.person, f.by):
		return q.settle(f.person, f.by, f.from)
	}
	return q.settle(q.Known, q.KnownMatch.By, q.KnownMatch.From)
}

// strength is how strong the key was that a match was made by; an identify call is stronger than any.
func strength(m domain.Match) int {
	if m.From == FromIdentify {
		return -1
	}
	return class(m.By)
}

// sources are whom the overlay, the graph and the slow tier's answers name, in this order.
type sources [3]found

// lookup asks each source once for each key.
func (q *question) lookup() {
	d := q.matcher.deps
	q.named = sources{{from: FromOverlay}, {from: FromGraph}, {from: FromTier}}
	q.own = q.named
	take := func(source int, k domain.Key, person domain.PersonID, seq int64) {
		q.named[source].choose(person, k.Kind, seq)
		if ownKey(k) {
			q.own[source].choose(person, k.Kind, seq)
		}
	}
	q.learned = d.Overlay.findAll(q.Account, q.all)
	for n, l := range q.Learned {
		if i := slices.Index(q.all, l.Key); i >= 0 {
			q.learned[i] = learned{seq: math.MaxInt64 - int64(len(q.Learned)-n), person: l.Person}
		}
	}
	for i, k := range q.all {
		if l := q.learned[i]; l.person != "" {
			take(0, k, l.person, l.seq)
		}
		if q.graph != nil {
			if p, ok := q.graph.Person(k); ok {
				take(1, k, p, 0)
			}
		}
		if d.Slow != nil {
			if p, ok := d.Slow.told(k); ok {
				take(2, k, p, 0)
			}
		}
	}
}

// ownKey: an identify call brings e-mails' and phones' hashes.
func ownKey(k domain.Key) bool {
	return class(k.Kind) == class(domain.KeySHA256) || class(k.Kind) == class(domain.KeyPhone)
}

// best is the first that names somebody, unless that one gives way to a later one's.
func best(all sources) found {
	b := all[0]
	for _, f := range all[1:] {
		if f.person != "" && (b.person == "" || givesWay(b.person, f.person, f.by)) {
			b = f
		}
	}
	return b
}

// settle makes the match, with its conflict: some key names another person, and not one that has given way.
func (q *question) settle(person domain.PersonID, by domain.KeyKind, from string) (domain.PersonID, domain.Match) {
	m := domain.Match{Level: domain.PersonMatch, By: by, From: from}
	for _, f := range q.named {
		for _, named := range [...]domain.PersonID{f.person, f.other} {
			if named != "" && named != person && standing(named) <= standing(person) {
				m.Conflict = true
			}
		}
	}
	return person, m
}

// byHashAlone is the person of an e-mail that is known nowhere. While the slow tier may still know it, that is
// not said.
func (q *question) byHashAlone() (domain.PersonID, domain.KeyKind) {
	p, by := personOfHEM(q.HEMs)
	if p == "" {
		return "", ""
	}
	if slow := q.matcher.deps.Slow; slow != nil && !q.Asked && slices.ContainsFunc(slow.unasked(q.all), ownKey) {
		return "", ""
	}
	return p, by
}

// ask lists what the slow tier has not been asked for lately.
func (q *question) ask() []domain.Key {
	if q.Asked || q.matcher.deps.Slow == nil {
		return nil
	}
	return q.matcher.deps.Slow.unasked(q.all)
}

// learn lists the links that the identify call makes, those aside that the overlay has.
func (q *question) learn(person domain.PersonID) []domain.Link {
	var links []domain.Link
	for i, k := range q.all {
		if k.Kind == domain.KeyClick || q.learned[i].person == person {
			continue // a click's link is shared: who clicks it is not who was told of it
		}
		if links == nil {
			links = make([]domain.Link, 0, len(q.all)-i)
		}
		links = append(links, domain.Link{Account: q.Account, Key: k, Person: person, From: FromIdentify, At: q.At})
	}
	return links
}

// network finds the company whose network it is; that names nobody.
func (q *question) network() (string, domain.Match) {
	if q.graph != nil && q.Address.IsValid() {
		if name, ok := q.graph.Network(q.Address.Unmap()); ok {
			return name, domain.Match{Level: domain.CompanyMatch, By: domain.KeyNetwork, From: FromGraph}
		}
	}
	return "", domain.Match{}
}
