package identity

import (
	"net/netip"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Evidence is what a hit, with its visit so far, says of who it is.
type Evidence struct {
	Account domain.AccountID
	Visitor domain.VisitorID
	// Identified: HEMs and Phone are of an identify call on this hit. Otherwise they are the visit's, from an
	// earlier one.
	Identified bool
	HEMs       []domain.HEM
	Phone      string
	Clicks     []domain.Click
	Address    netip.Addr
	// Known is whom the visit was resolved to before, and how.
	Known      domain.PersonID
	KnownMatch domain.Match
	// Learned are links that hits before this one have made in the same step, each of another key, oldest first:
	// newer than any that memory has.
	Learned []domain.Link
	// Asked: the slow tier was asked for this evidence and has answered, or could not. It is not asked again.
	Asked bool
	// At stands in the links that are learned.
	At time.Time
}

// Resolution is who it is.
type Resolution struct {
	Person  domain.PersonID
	Match   domain.Match
	Company string         // its domain: the person's, or the network's when nobody is known
	Record  *domain.Person // what is known of the person; nil: nothing here
	// Learn are links that an identify call makes, those that are new. They are never learned for a suppressed
	// hit: the lane decides that, and throws them away.
	Learn []domain.Link
	// Ask are the keys worth asking the slow tier for. When it has answered, or could not, match again with
	// Evidence.Asked: what it found is remembered by then, and what it does not know is settled.
	Ask []domain.Key
}

// Where the link that decided was found; see domain.Match.From.
const (
	FromIdentify = "identify"
	FromOverlay  = "overlay"
	FromGraph    = "graph"
	FromTier     = "tier"
)

var origins = [...]string{FromIdentify, FromOverlay, FromGraph, FromTier}

// MatcherDeps is where a matcher looks. All but Overlay may be nil.
type MatcherDeps struct {
	Graphs  Graphs
	Overlay *Overlay
	Slow    *Slow
	Metrics *Metrics
}

// Matcher resolves visitors; see the package for by which rule. It is safe for concurrent use.
type Matcher struct{ deps MatcherDeps }

// NewMatcher builds one.
func NewMatcher(deps MatcherDeps) *Matcher { return &Matcher{deps} }

func (m *Matcher) borrow() Graph {
	if m.deps.Graphs == nil {
		return nil
	}
	return m.deps.Graphs.Borrow()
}

// Match says who it is. It waits for nothing.
func (m *Matcher) Match(e Evidence) Resolution {
	g := m.borrow()
	if g != nil {
		defer g.Release()
	}
	q := question{Evidence: e, matcher: m, graph: g, all: KeysOf(e.Visitor, e.HEMs, e.Phone, e.Clicks)}
	r := q.answer()
	m.deps.Metrics.count(r.Match)
	return r
}

// Record is what is known of a person: by the graph, or as the slow tier told. Of somebody known by a hash
// alone that is the id; somebody whom only the CRM knows has no record here but a contact in the store.
func (m *Matcher) Record(account domain.AccountID, person domain.PersonID) (domain.Person, bool) {
	g := m.borrow()
	if g != nil {
		defer g.Release()
	}
	return m.record(g, person)
}

func (m *Matcher) record(g Graph, person domain.PersonID) (domain.Person, bool) {
	if g != nil {
		if p, ok := g.Record(person); ok {
			return p, true
		}
	}
	if m.deps.Slow != nil {
		if p, ok := m.deps.Slow.Remembered(person); ok {
			return p, true
		}
	}
	return domain.Person{ID: person}, byHash(person)
}

// Company is what is known of a company, by its domain.
func (m *Matcher) Company(name string) (domain.Company, bool) {
	name = normalDomain(name)
	if g := m.borrow(); g != nil {
		defer g.Release()
		if c, ok := g.Company(name); ok {
			return c, true
		}
	}
	if m.deps.Slow != nil {
		return m.deps.Slow.company(name)
	}
	return domain.Company{}, false
}
