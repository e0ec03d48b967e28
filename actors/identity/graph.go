package identity

import (
	"context"
	"net/netip"

	"github.com/leadwire/leadwire/actors/domain"
)

// Graph is the identity graph's file, read-only and shared by all accounts. It may be asked from many
// goroutines until Release.
type Graph interface {
	// Person finds whom a key belongs to.
	Person(k domain.Key) (domain.PersonID, bool)
	// Record reads what is known of a person.
	Record(p domain.PersonID) (domain.Person, bool)
	// Company reads a company by its domain.
	Company(domain string) (domain.Company, bool)
	// Network finds the company whose network an address belongs to.
	Network(a netip.Addr) (companyDomain string, ok bool)
	// Release gives the graph back: it may have been replaced, and is closed when its last borrower is done.
	Release()
}

// Graphs lends the graph that is in use.
type Graphs interface {
	// Borrow is nil when there is no graph. Whoever borrows releases.
	Borrow() Graph
}

// Tier is a slower source of identities, such as a database: see Slow for how it is asked.
type Tier interface {
	// Lookup finds whom the strongest of the keys belongs to; they come strongest first. Known.Found is false
	// without an error when it knows none of them.
	Lookup(ctx context.Context, keys []domain.Key) (Known, error)
}

// Known is what a tier tells.
type Known = domain.Known
