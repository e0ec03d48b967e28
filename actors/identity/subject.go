package identity

import (
	"net/netip"

	"github.com/leadwire/leadwire/actors/domain"
)

// Subject is everything of a hit or a person that a suppression can be about.
type Subject struct {
	Account   domain.AccountID
	Pixel     domain.PixelID
	HEMs      []domain.HEM
	Phones    []string // hashes
	Person    domain.PersonID
	Companies []string // domains
	Regions   []Region
	Address   netip.Addr
	Paths     []string
	GPC       bool
}

// Region is a country (ISO 3166-1 alpha-2) and a subdivision of it.
type Region struct{ Country, State string }

// SubjectOf is what a person's record says of itself. Account and Pixel are the caller's to set.
func SubjectOf(p domain.Person) Subject { return Subject{} }
