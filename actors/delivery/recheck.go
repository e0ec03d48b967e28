package delivery

import (
	"encoding/json"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// rechecked is as much of an envelope as Recheck needs: it is read before every attempt, and pages and clicks are most of
// what there may be.
type rechecked struct {
	Account domain.AccountID `json:"account"`
	Event   struct {
		Source domain.SourceID `json:"source"`
	} `json:"event"`
	Lead struct {
		ID domain.LeadID `json:"id"`
	} `json:"lead"`
	Contact json.RawMessage `json:"contact"`
	Person  *domain.Person  `json:"person"`
	Company *struct {
		Domain string `json:"domain"`
	} `json:"company"`
	Visit *struct {
		Pixel domain.PixelID `json:"pixel"`
		Page  struct {
			Path string `json:"path"`
		} `json:"page"`
		Country string `json:"country"`
		State   string `json:"state"`
	} `json:"visit"`
	HEMs []domain.HEM `json:"hems"`
}

// Recheck says whom an announcement is about, as suppressions see them, so that they are asked once more before it is sent:
// by its payload, and by the graph's record as it is now, which knows more than may leave. ok is false for an event of the
// account's own CRM, whose leads are not ours to withhold. Where the visitor was is asked by country and page; the address
// does not leave, and was asked when it was judged.
func Recheck(payload json.RawMessage, record func(domain.PersonID) (domain.Person, bool)) (s identity.Subject, ok bool, err error) {
	var e rechecked
	if err := json.Unmarshal(payload, &e); err != nil {
		return s, false, domain.Fail("read payload", domain.Internal, err)
	}
	if e.Event.Source != domain.PixelSource {
		return s, false, nil
	}
	person := domain.Person{ID: e.Lead.ID.Person()}
	if e.Person != nil {
		person = *e.Person
	}
	s = identity.SubjectOf(person)
	if known, there := record(person.ID); there {
		r := identity.SubjectOf(known)
		s.HEMs, s.Phones = append(slices.Clip(s.HEMs), r.HEMs...), append(slices.Clip(s.Phones), r.Phones...)
		s.Companies, s.Regions = append(slices.Clip(s.Companies), r.Companies...), append(slices.Clip(s.Regions), r.Regions...)
	}
	s.HEMs = append(slices.Clip(s.HEMs), e.HEMs...)
	s.Account = e.Account
	if e.Company != nil {
		s.Companies = append(slices.Clip(s.Companies), e.Company.Domain)
	}
	if len(e.Contact) > 0 {
		s = withContact(s, e.Contact)
	}
	if v := e.Visit; v != nil {
		s.Pixel = v.Pixel
		if v.Country != "" {
			s.Regions = append(slices.Clip(s.Regions), identity.Region{Country: v.Country, State: v.State})
		}
		if v.Page.Path != "" {
			s.Paths = []string{v.Page.Path}
		}
	}
	return s, true, nil
}
