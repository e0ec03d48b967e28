package delivery

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// maxHEMs is how many hashed e-mails an envelope carries: two variants of ten addresses.
const maxHEMs = 20

// person is what is known of whom a sighting is of. Somebody whom the graph has lost since is an id.
func (j *Judge) person(s *domain.Sighting) domain.Person {
	switch {
	case s.Person == "":
		return domain.Person{}
	case s.Person == domain.PersonOfLead(j.key.Lead):
		return personOf(s.Person, j.contact)
	}
	if p, ok := j.deps.Record(s.Account, s.Person); ok {
		p.ID = s.Person
		return p
	}
	return domain.Person{ID: s.Person}
}

// personOf reads a person from a CRM's contact. A CRM does not say whether an e-mail is private.
func personOf(id domain.PersonID, c *domain.Contact) domain.Person {
	p := domain.Person{ID: id}
	if c == nil {
		return p
	}
	p.FirstName, p.LastName, p.PersonalEmail = c.FirstName, c.LastName, c.Email
	if p.FirstName == "" && p.LastName == "" { // where only the whole is known: its last word is the family's, most often
		at := strings.LastIndexByte(c.Name, ' ')
		p.FirstName, p.LastName = c.Name[:max(0, at)], c.Name[at+1:]
	}
	p.City, p.State, p.PostalCode, p.Country = c.City, c.State, c.PostalCode, c.Country
	p.HEMs = identity.HEMs(c.Email)
	if c.Phone != "" {
		p.Phones = []string{c.Phone}
	}
	return p
}

// employers are the hosts that say where a CRM's contact works: of its e-mail, which personOf calls private, and of
// its website.
func employers(c *domain.Contact) (hosts []string) {
	if at := strings.LastIndexByte(c.Email, '@'); at >= 0 {
		hosts = append(hosts, c.Email[at+1:])
	}
	site := strings.TrimSpace(c.Website)
	if !strings.Contains(site, "://") {
		site = "https://" + site
	}
	if u, err := url.Parse(site); err == nil && u.Host != "" {
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// erased: the contact was forgotten on request, and its lead is a shell.
func erased(c domain.Contact) bool { return c.Status == "erased" }

// company is where the person works, else whose network it is; nil when neither is known.
func (j *Judge) company(s *domain.Sighting, p *domain.Person) *domain.Company {
	name := p.Company
	if name == "" {
		name = s.Company
	}
	if name == "" {
		return nil
	}
	if c, ok := j.deps.Company(name); ok {
		return &c
	}
	return &domain.Company{Domain: name}
}

// envelope is what leaves about a sighting, but for what the announcement itself adds.
func (j *Judge) envelope(s *domain.Sighting) Envelope {
	p := j.person(s)
	repeat := s.Visit.Number > 1 || (j.met() && j.known.FirstAt.Before(s.Visit.StartedAt))
	e := Envelope{
		Version: Version, Account: s.Account, OccurredAt: stamp(s.OccurredAt),
		Lead:    Lead{ID: s.Lead},
		Event:   Event{ID: s.EventID, Source: domain.PixelSource, Type: string(s.Type), Name: s.Name, Repeat: &repeat},
		Match:   &Match{s.Match.Level, s.Match.By, s.Match.From, s.Match.Conflict},
		Company: j.company(s, &p),
		Visit:   j.visit(s),
	}
	if s.OccurredAt.IsZero() {
		e.OccurredAt = stamp(s.ReceivedAt)
	}
	if s.Person != "" {
		e.HEMs = hems(s.Visit.HEMs, p.HEMs)
		p.HEMs, p.Phones = nil, phones(p.Phones)
		e.Person = &p
	}
	return e
}

// hems joins what the page said with what the graph knows, without repeats.
func hems(lists ...[]domain.HEM) []domain.HEM {
	var all []domain.HEM
	for _, list := range lists {
		for _, h := range list {
			if len(all) < maxHEMs && !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}

// phones are those that may be told: in E.164. A record also has hashes, which tell nothing, and a CRM numbers
// without their country, which no suppression can be compared with.
func phones(all []string) (told []string) {
	for _, phone := range all {
		if plain, ok := identity.Phone(phone); ok {
			told = append(told, plain)
		}
	}
	return told
}

func (j *Judge) visit(s *domain.Sighting) *Visit {
	v := &s.Visit
	out := &Visit{
		Pixel: s.Pixel, SessionID: v.Session, Number: v.Number, StartedAt: stamp(v.StartedAt),
		Duration: seconds(v.Duration), PageViews: v.Views, Page: s.Page, Referrer: v.Referrer,
		UTM: v.UTM, Clicks: v.Clicks, Country: v.Country, State: v.State,
	}
	for _, p := range v.Pages {
		if !j.hidden(s, p.Path) {
			out.Pages = append(out.Pages, Page{p.URL, p.Path, p.Title, stamp(p.At), seconds(p.Duration)})
		}
	}
	return out
}

// contactOf is the row that a buyer sees of a visitor who entered a campaign.
func (j *Judge) contactOf(s *domain.Sighting) domain.Contact {
	p := j.person(s)
	c := domain.Contact{
		FirstName: p.FirstName, LastName: p.LastName, Email: p.BusinessEmail,
		City: p.City, State: p.State, PostalCode: p.PostalCode, Country: p.Country, Channel: string(s.Pixel),
	}
	if c.Email == "" {
		c.Email = p.PersonalEmail
	}
	if told := phones(p.Phones); len(told) > 0 {
		c.Phone = told[0]
	}
	if company := j.company(s, &p); company != nil {
		c.Company, c.Website = company.Name, company.Website
		if c.Company == "" {
			c.Company = company.Domain
		}
	}
	for name, value := range map[string]string{"linkedin": p.LinkedIn, "title": p.Title, "page": s.Page.URL} {
		if value == "" {
			continue
		}
		if c.Fields == nil {
			c.Fields = map[string]string{}
		}
		c.Fields[name] = value
	}
	return c
}

// SubjectOfEntry is whom an event of a visitor who entered a campaign is of, as suppressions see it: by the graph's
// record as it is now, by the row that a buyer would see, by the pixel and by the page. Where the visitor was when
// it was identified, and from which address, is not asked again: the event does not carry it.
func SubjectOfEntry(e domain.Event, person domain.PersonID, record domain.Person) identity.Subject {
	s := identity.SubjectOf(record)
	s.Account, s.Person = e.Account, person
	return withContact(s, e.Contact)
}

// withContact adds what the row of a visitor who entered a campaign says.
func withContact(s identity.Subject, contact json.RawMessage) identity.Subject {
	c, err := domain.ParseContact(contact)
	if err != nil {
		return s
	}
	s.Pixel = domain.PixelID(c.Channel)
	s.HEMs = append(slices.Clip(s.HEMs), identity.HEMs(c.Email)...)
	if phone, ok := identity.PhoneHash(c.Phone); ok {
		s.Phones = append(slices.Clip(s.Phones), phone)
	}
	s.Companies = append(slices.Clip(s.Companies), employers(&c)...)
	if c.Country != "" || c.State != "" {
		s.Regions = append(slices.Clip(s.Regions), identity.Region{Country: c.Country, State: c.State})
	}
	if u, err := url.Parse(c.Fields["page"]); err == nil && u.Path != "" {
		s.Paths = []string{u.EscapedPath()} // as the page sent it, like domain.Page.Path
	}
	return s
}
