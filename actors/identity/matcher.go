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
	// Identified: HEMs and Phone are of an identify call on this hit. Otherwise they are the visit's.
	Identified bool
	HEMs       []domain.HEM
	Phone      string
	Clicks     []domain.Click
	Address    netip.Addr
	// Known is whom the visit was resolved to before, and how.
	Known      domain.PersonID
	KnownMatch domain.Match
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
	// Learn are links that an identify call makes. They are never learned for a suppressed hit: the lane
	// decides that, and throws them away.
	Learn []domain.Link
	// Ask are the keys worth asking the slow tier for. When it has answered, or could not, match again with
	// Evidence.Asked: what it found is remembered by then.
	Ask []domain.Key
}

// MatcherDeps is where a matcher looks. All but Overlay may be nil.
type MatcherDeps struct {
	Graphs  Graphs
	Overlay *Overlay
	Slow    *Slow
	Metrics *Metrics
}

// Matcher resolves visitors.
type Matcher struct{ deps MatcherDeps }

// NewMatcher builds one.
func NewMatcher(deps MatcherDeps) *Matcher { return &Matcher{deps} }

// Match says who it is.
func (m *Matcher) Match(e Evidence) Resolution { return Resolution{} }

// Record is what is known of a person.
func (m *Matcher) Record(account domain.AccountID, person domain.PersonID) (domain.Person, bool) {
	return domain.Person{}, false
}

// Company is what is known of a company.
func (m *Matcher) Company(name string) (domain.Company, bool) { return domain.Company{}, false }

// Where the link that decided was found; see domain.Match.From.
const (
	FromIdentify = "identify"
	FromOverlay  = "overlay"
	FromGraph    = "graph"
	FromTier     = "tier"
)

var origins = [...]string{FromIdentify, FromOverlay, FromGraph, FromTier}
