package identity

import (
	"github.com/leadwire/leadwire/actors/domain"
)

// question is one match under way.
type question struct {
	Evidence
	matcher *Matcher
	graph   Graph
	own     []domain.Key // of the identify call: its hashes
	all     []domain.Key // with the visitor and the clicks
	named   sources      // by all
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
	q.named = q.lookup(q.all)
	if q.Identified {
		if f := best(q.lookup(q.own)); f.person != "" {
			return q.settle(f.person, f.by, FromIdentify)
		}
		if p := q.byHashAlone(); p != "" {
			return q.settle(p, q.own[0].Kind, FromIdentify)
		}
	}
	f := best(q.named)
	switch {
	case f.person == "" && (q.Known == "" || byHash(q.Known)):
		if p := q.byHashAlone(); p != "" && p != q.Known { // an identify call that had to wait for the slow tier
			return q.settle(p, q.own[0].Kind, FromIdentify)
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

func (q *question) lookup(keys []domain.Key) sources {
	if len(keys) == 0 {
		return sources{}
	}
	d := q.matcher.deps
	return sources{findLearned(d.Overlay, q.Account, keys), findIn(q.graph, keys), findTold(d.Slow, keys)}
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
func (q *question) byHashAlone() domain.PersonID {
	if len(q.own) == 0 || !q.Asked && q.matcher.deps.Slow != nil && len(q.matcher.deps.Slow.unasked(q.own)) > 0 {
		return ""
	}
	return personOfHEM(q.HEMs)
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
	for _, k := range q.all {
		if k.Kind == domain.KeyClick {
			continue // a link is shared; who clicks it is not who was told of it
		}
		if p, ok := q.matcher.deps.Overlay.Person(q.Account, k); ok && p == person {
			continue
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
