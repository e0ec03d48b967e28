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

// Recheck reads from an announcement's payload whom it is about, as suppressions see them, so that they are asked once
// more before it is sent. ok is false for an event of the account's own CRM, whose leads are not ours to withhold. Where
// the visitor was is asked by country and page; the address does not leave, and was asked when it was judged.
func Recheck(payload json.RawMessage) (s identity.Subject, ok bool, err error) {
	var e rechecked
	if err := json.Unmarshal(payload, &e); err != nil {
		return s, false, domain.Fail("read payload", domain.Internal, err)
	}
	if e.Event.Source != domain.PixelSource {
		return s, false, nil
	}
	if e.Person != nil {
		s = identity.SubjectOf(*e.Person)
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

// withContact adds what the row of a visitor who entered a campaign says.
func withContact(s identity.Subject, contact json.RawMessage) identity.Subject {
	c, err := domain.ParseContact(contact)
	if err != nil {
		return s
	}
	s.HEMs = append(slices.Clip(s.HEMs), identity.HEMs(c.Email)...)
	if phone, ok := identity.PhoneHash(c.Phone); ok {
		s.Phones = append(slices.Clip(s.Phones), phone)
	}
	s.Companies = append(slices.Clip(s.Companies), employers(&c)...)
	if s.Pixel == "" {
		s.Pixel = domain.PixelID(c.Channel)
	}
	return s
}

// EndpointShape is how an endpoint wants the envelope: one of the account's shapes, less what the endpoint leaves out.
func EndpointShape(account *domain.Account, e *domain.Endpoint) (*Shape, error) {
	shape := domain.Shape{ID: string(e.ID)}
	if e.Shape != "" {
		i := slices.IndexFunc(account.Shapes, func(s domain.Shape) bool { return s.ID == e.Shape })
		if i < 0 {
			return nil, domain.FailField("find shape", "shape", "is not a shape of the account")
		}
		shape = account.Shapes[i]
	}
	shape.Omit = append(slices.Clip(shape.Omit), e.Omit...)
	return NewShape(shape)
}
