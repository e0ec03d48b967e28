package graph

import (
	"net/netip"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Answer is what a graph knows of something that somebody typed.
type Answer struct {
	Asked   string          `json:"asked"`
	Found   bool            `json:"found"`
	By      domain.KeyKind  `json:"by,omitempty"` // "person" and "company" for their own names
	Person  *domain.Person  `json:"person,omitempty"`
	Company *domain.Company `json:"company,omitempty"`
}

// Ask finds out what a text can be, and looks for each: an address, an e-mail, a digest of an e-mail or of a phone,
// a phone, a click id as "gclid:EAIaIQ...", a visitor's id, a person's id, a company's domain.
func (f *File) Ask(text string) Answer {
	answer := Answer{Asked: text}
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		if name, ok := f.Network(a); ok {
			answer.Found, answer.By = true, domain.KeyNetwork
			answer.Company = f.companyOf(name)
		}
		return answer
	}
	for _, k := range keysIn(text) {
		if person, ok := f.Person(k); ok {
			answer.found(f, k.Kind, person)
			return answer
		}
	}
	if _, ok := f.Record(domain.PersonID(text)); ok {
		answer.found(f, "person", domain.PersonID(text))
		return answer
	}
	if company, ok := f.Company(text); ok {
		answer.Found, answer.By, answer.Company = true, "company", &company
	}
	return answer
}

func (a *Answer) found(f *File, by domain.KeyKind, id domain.PersonID) {
	a.Found, a.By = true, by
	if person, ok := f.Record(id); ok {
		a.Person = &person
		if person.Company != "" {
			a.Company = f.companyOf(person.Company)
		}
	}
}

// companyOf is a company, with its domain alone if nothing else is known of it.
func (f *File) companyOf(name string) *domain.Company {
	company, ok := f.Company(name)
	if !ok {
		company.Domain = name
	}
	return &company
}

// keysIn lists the keys that a text can be.
func keysIn(text string) []domain.Key {
	phone, _ := identity.PhoneHash(text)
	var clicks []domain.Click
	if click, err := readClick(text); err == nil {
		clicks = append(clicks, click)
	}
	return identity.KeysOf(domain.VisitorID(text), identity.ReadEmail(text), phone, clicks)
}
