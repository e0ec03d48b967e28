package visit

import (
	"cmp"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// coalesce is the default of Announce.Coalesce.
const coalesce = 5 * time.Second

// work is an observation with what the lane remembers of why.
type work struct {
	observation domain.Observation
	worth       bool // of a late answer: it changes something
	match       domain.Match
	suppressed  string
	upgraded    int
	ask         []domain.Key
}

// draftHit says what should become of a hit, as far as this activation knows its visitor.
func (l *Lane) draftHit(now time.Time, h domain.Hit) work {
	before, pixel := *l.visit, l.pixel(h.Pixel)
	w := work{observation: domain.Observation{Fence: l.fence, Hit: &h, Expect: before.Revision, Basis: l.deps.Basis()}}
	v := next(before, l.key, h, pixel.SessionIdle)
	seen := see(v, h)
	if rule, is := l.deps.Check(subjectOf(seen, h)); is {
		return w.hide(v, h, rule)
	}
	res := l.deps.Match(l.evidence(now, seen, h))
	if rule, is := l.recordSuppressed(h.Pixel, res); is {
		return w.hide(v, h, rule)
	}
	if v.Session == before.Session && isAnother(before.Person, res.Person) {
		seen = see(begin(v, h), h) // somebody else: another visit
	}
	seen = resolve(seen, res.Person, res.Company, res.Match)
	seen, w.upgraded = handOver(seen, h.Type == domain.PageView)
	w.match, w.ask = seen.Match, res.Ask
	w.observation.Learn = res.Learn
	w.observation.Visit = seen
	w.observation.Owed = l.sighting(now, seen, h, known(before, seen), w.upgraded)
	return w
}

// draftLate says what an answer of the slow tier changes, now that matching knows it. It renames nobody whom a
// hit has named meanwhile, and names nobody while the visitor is suppressed.
func (l *Lane) draftLate(now time.Time) work {
	before := *l.visit
	w := work{observation: domain.Observation{Fence: l.fence, Expect: before.Revision, Basis: l.deps.Basis()}}
	if before.Revision == 0 || before.Suppressed != "" {
		return w
	}
	h := l.late.hit
	if w.suppressed, _ = l.deps.Check(subjectOf(before, h)); w.suppressed != "" {
		return w
	}
	e := l.evidence(now, before, h)
	e.Asked, e.Identified = true, e.Identified || l.late.named
	res := l.deps.Match(e)
	if w.suppressed, _ = l.recordSuppressed(h.Pixel, res); w.suppressed != "" {
		return w
	}
	v := resolve(before, res.Person, res.Company, res.Match)
	if known(before, v) || isAnother(before.Person, v.Person) {
		return w
	}
	v, w.upgraded = handOver(v, false)
	w.worth, w.match = true, v.Match
	w.observation.Visit, w.observation.Learn = v, res.Learn
	w.observation.Owed = l.sighting(now, v, h, false, w.upgraded)
	return w
}

// evidence is what a hit, with its visit, says of who it is.
func (l *Lane) evidence(now time.Time, v domain.Visit, h domain.Hit) identity.Evidence {
	return identity.Evidence{
		Account: h.Account, Visitor: h.Visitor, Identified: identifies(h), HEMs: v.HEMs, Phone: v.Phone, Clicks: v.Clicks,
		Address: h.Address, Known: v.Person, KnownMatch: v.Match, At: now,
	}
}

// hide is what is observed of a suppressed hit: that it was there, and the rule. If it named somebody, its
// hashes and its body stay out of the evidence too.
func (w work) hide(v domain.Visit, h domain.Hit, rule string) work {
	v.Person, v.Company, v.Match, v.HEMs, v.Phone = "", "", domain.Match{}, nil, ""
	v.Suppressed = rule
	if identifies(h) {
		h.HEMs, h.Phone, h.Body = nil, "", nil
		w.observation.Hit = &h
	}
	w.suppressed, w.observation.Visit = rule, v
	return w
}

// recordSuppressed asks about what a match has found, before any of it is written down.
func (l *Lane) recordSuppressed(pixel domain.PixelID, res identity.Resolution) (string, bool) {
	if res.Person == "" && res.Company == "" {
		return "", false
	}
	record := domain.Person{ID: res.Person}
	if res.Record != nil {
		record = *res.Record
	}
	s := identity.SubjectOf(record)
	s.Account, s.Pixel, s.Person = l.key.Account, pixel, res.Person
	if res.Company != "" && res.Company != record.Company {
		s.Companies = append(s.Companies, res.Company)
	}
	return l.deps.Check(s)
}

// subjectOf is what is known before anybody is looked up, as suppressions see it.
func subjectOf(v domain.Visit, h domain.Hit) identity.Subject {
	s := identity.Subject{Account: v.Account, Pixel: h.Pixel, HEMs: v.HEMs, Person: v.Person, Address: h.Address, GPC: h.GPC}
	if v.Phone != "" {
		s.Phones = []string{v.Phone}
	}
	if v.Company != "" {
		s.Companies = []string{v.Company}
	}
	if h.Country != "" {
		s.Regions = []identity.Region{{Country: h.Country, State: h.State}}
	}
	if h.Page.Path != "" {
		s.Paths = []string{h.Page.Path}
	}
	return s
}

// resolve writes down who a visitor is. While nobody is known, the session's company stays.
func resolve(v domain.Visit, person domain.PersonID, company string, match domain.Match) domain.Visit {
	v.Suppressed = ""
	if person == "" && company == "" && v.Person == "" {
		return v
	}
	v.Person, v.Company, v.Match = person, company, match
	return v
}

// known says whether who is known now was known before.
func known(before, now domain.Visit) bool {
	if now.Person != "" {
		return before.Person == now.Person
	}
	return before.Company == now.Company
}

// isAnother says whether a person is not the one who was known before. Somebody known by a hash or by its CRM
// alone, whom better evidence gives another id, is the same one.
func isAnother(before, now domain.PersonID) bool {
	return before != "" && now != "" && before != now && !identity.GaveWay(before, now)
}

// handOver counts a view while nobody is known, and hands all counted ones over when somebody is. view is the
// hit's own, which is not an earlier one.
func handOver(v domain.Visit, view bool) (domain.Visit, int) {
	if v.Person == "" {
		if view {
			v.Unhanded++
		}
		return v, 0
	}
	upgraded := min(v.Unhanded, domain.MaxPages)
	v.Unhanded = 0
	return v, upgraded
}

// sighting is what the lead of whoever is known is told, nil when nobody is.
func (l *Lane) sighting(now time.Time, v domain.Visit, h domain.Hit, knownBefore bool, upgraded int) *domain.Sighting {
	pixel := l.pixel(h.Pixel)
	s := &domain.Sighting{
		Account: h.Account, Pixel: h.Pixel, Person: v.Person, Company: v.Company, Match: v.Match,
		EventID: h.ID, Type: h.Type, Name: h.Name, Page: h.Page, Address: h.Address, Upgraded: upgraded,
		OccurredAt: h.OccurredAt, ReceivedAt: h.ReceivedAt, MatchedAt: now, DueAt: now,
	}
	switch {
	case v.Person != "":
		s.Lead = domain.LeadOfPerson(v.Person)
	case v.Company != "" && pixel.Announce.Companies:
		s.Lead = domain.LeadOfCompany(v.Company)
	default:
		return nil
	}
	if knownBefore { // an update, most likely: its lead may gather for so long
		s.DueAt = now.Add(cmp.Or(pixel.Announce.Coalesce, coalesce))
	}
	s.Partition = l.deps.Actor(s.Key())
	return s
}

// pixel is a pixel's configuration; one that was just removed has the defaults.
func (l *Lane) pixel(id domain.PixelID) domain.Pixel {
	if p := l.deps.Pixel(id); p != nil {
		return p.Pixel
	}
	return domain.Pixel{}
}
