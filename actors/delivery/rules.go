package delivery

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/segment"
)

// passes is the verdict of a sighting that every rule lets through; whether it is a first match or an update,
// and whether that may be announced, depends on the acquaintance.
const passes Verdict = "passes"

// rule finds out about a sighting everything that does not depend on what came before it.
func (j *Judge) rule(w *sighting) {
	w.turn, w.pixel = j.turn, j.pixel(w.Sighting)
	w.ruled = j.verdict(w.pixel, &w.Sighting)
}

func (j *Judge) verdict(pixel *domain.Pixel, s *domain.Sighting) Verdict {
	if pixel == nil {
		return NoPixel
	}
	a := &pixel.Announce
	switch {
	case j.suppressed(s):
		return Suppressed
	case s.Person == "" && !a.Companies:
		return NoCompany
	case !typeCounts(a.Types, s):
		return WrongType
	case !pageCounts(a.Pages, s):
		return WrongPage
	case s.Visit.Duration < a.MinDuration:
		return TooShort
	case len(a.Segments) > 0 && !j.inSegments(a.Segments, s):
		return NoSegment
	}
	return passes
}

// pixel finds a sighting's pixel, nil when it is gone or somebody else's now.
func (j *Judge) pixel(s domain.Sighting) *domain.Pixel {
	p := j.deps.Pixel(s.Pixel)
	if p == nil || p.Account != s.Account {
		return nil
	}
	return &p.Pixel
}

// suppressed asks again what the lane asked before it matched: a suppression may have come since. Where the
// visitor's address lies is not asked here; no sighting carries it.
func (j *Judge) suppressed(s *domain.Sighting) bool {
	own := j.contact != nil && s.Person == domain.PersonOfLead(j.key.Lead)
	if own && erased(*j.contact) {
		return true
	}
	subject := identity.SubjectOf(j.person(s))
	subject.Account, subject.Pixel, subject.Person, subject.Address = s.Account, s.Pixel, s.Person, s.Address
	subject.HEMs = append(slices.Clip(subject.HEMs), s.Visit.HEMs...)
	if s.Visit.Phone != "" {
		subject.Phones = append(slices.Clip(subject.Phones), s.Visit.Phone)
	}
	if s.Company != "" {
		subject.Companies = append(slices.Clip(subject.Companies), s.Company)
	}
	if own {
		subject.Companies = append(slices.Clip(subject.Companies), employers(j.contact)...)
	}
	if s.Visit.Country != "" {
		subject.Regions = append(slices.Clip(subject.Regions), identity.Region{Country: s.Visit.Country, State: s.Visit.State})
	}
	if s.Page.Path != "" {
		subject.Paths = []string{s.Page.Path}
	}
	_, yes := j.deps.Check(subject)
	return yes
}

// hidden says whether a page of a visit is one that must not be delivered, though the visitor may be.
func (j *Judge) hidden(s *domain.Sighting, path string) bool {
	_, yes := j.deps.Check(identity.Subject{Account: s.Account, Pixel: s.Pixel, Paths: []string{path}})
	return yes
}

// typeCounts: views that happened before anybody was known count as the page views they are.
func typeCounts(types []domain.HitType, s *domain.Sighting) bool {
	return len(types) == 0 || slices.Contains(types, s.Type) || (s.Upgraded > 0 && slices.Contains(types, domain.PageView))
}

// pageCounts: so do their pages.
func pageCounts(globs []string, s *domain.Sighting) bool {
	if len(globs) == 0 {
		return true
	}
	counts := func(path string) bool {
		return path != "" && glob.MatchAny(globs, path)
	}
	return counts(s.Page.Path) ||
		(s.Upgraded > 0 && slices.ContainsFunc(s.Visit.Pages, func(p domain.PageSeen) bool { return counts(p.Path) }))
}

// inSegments compares the record that would leave, so that a filter's field is what docs/payload.md calls it.
func (j *Judge) inSegments(filters []domain.Filter, s *domain.Sighting) bool {
	e := j.envelope(s)
	b, err := e.JSON()
	if err != nil {
		return false
	}
	record, err := segment.ParseRecord(b)
	return err == nil && segment.Match(filters, record)
}

// allowed says whether one more announcement at now keeps a frequency cap, given the times of the newest ones.
func allowed(f domain.Frequency, recent []time.Time, now time.Time) bool {
	if f.Max <= 0 {
		return true
	}
	var n int
	for _, at := range recent {
		if at.After(now.Add(-f.Per)) {
			n++
		}
	}
	return n < f.Max
}
