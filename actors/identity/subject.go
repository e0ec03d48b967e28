package identity

import (
	"net/netip"
	"strings"

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
	learned   []linkedHash // see Overlay.Complete
}

// SubjectOf is what a person's record says of itself: all its e-mails in all variants, so that a suppression
// holds which knows another form than the hit had. Account and Pixel are the caller's to set. Its business
// e-mail counts as a company: an employee of a suppressed one whose record names no company, or another.
func SubjectOf(p domain.Person) Subject {
	s := Subject{Person: p.ID, HEMs: p.HEMs[:len(p.HEMs):len(p.HEMs)]}
	s.HEMs = append(append(s.HEMs, HEMs(p.BusinessEmail)...), HEMs(p.PersonalEmail)...)
	for _, phone := range p.Phones {
		if sum, ok := PhoneHash(phone); ok {
			s.Phones = append(s.Phones, sum)
		}
	}
	if p.Company != "" {
		s.Companies = append(s.Companies, p.Company)
	}
	if _, host, ok := strings.Cut(p.BusinessEmail, "@"); ok {
		s.Companies = append(s.Companies, host)
	}
	if p.Country != "" || p.State != "" {
		s.Regions = append(s.Regions, Region{p.Country, p.State})
	}
	return s
}
