package visit

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// coalesce is the default of Announce.Coalesce.
const coalesce = 5 * time.Second

// work is an observation with what the lane remembers of why.
type work struct {
	observation domain.Observation
	owes        []int      // the hits that owe Owed
	said        []Resolved // of each hit, or of the late answer
	asks        []asks
	copied      bool   // observation.Hits is the work's own
	worth       bool   // of a late answer: it changes something
	suppressed  string // of a late answer that does not
}

// asks is what the slow tier is worth asking for because of a hit.
type asks struct {
	hit  int
	keys []domain.Key
}

// draft is what becomes of one hit.
type draft struct {
	visit domain.Visit
	said  Resolved
	learn []domain.Link
	ask   []domain.Key
	owed  *domain.Sighting
}

// draftHits says what should become of hits, as far as this activation knows their visitor: each finds the visit
// as the one before it leaves it. All sightings of one commit get the visit as it is in the end, so the step
// ends before a hit that would make it another one: somebody else's, or one that must not be known any more. The
// rest is the next step.
func (l *Lane) draftHits(now time.Time, hits []domain.Hit) work {
	w := work{
		observation: domain.Observation{Fence: l.fence, Hits: hits, Visit: *l.visit, Expect: l.visit.Revision, Basis: l.deps.Basis()},
		said:        make([]Resolved, 0, len(hits)),
	}
	o := &w.observation
	var last matched
	for i := range hits {
		d := l.draftHit(now, &o.Visit, &hits[i], o.Learn, &last)
		if len(o.Owed) > 0 && !goesOn(&o.Visit, &d.visit) {
			o.Hits = o.Hits[:i:i]
			break
		}
		o.Visit, w.said, o.Learn = d.visit, append(w.said, d.said), learn(o.Learn, d.learn)
		if d.said.Suppressed != "" {
			w.hide(i)
		}
		if len(d.ask) > 0 {
			w.asks = append(w.asks, asks{i, d.ask})
		}
		if d.owed != nil {
			if o.Owed == nil {
				o.Owed = make([]domain.Sighting, 0, len(hits)-i)
			}
			o.Owed, w.owes = append(o.Owed, *d.owed), append(w.owes, i)
		}
	}
	return w
}

// draftHit says what becomes of one hit, given the visit before it and the links that hits of the same step have
// made.
func (l *Lane) draftHit(now time.Time, before *domain.Visit, h *domain.Hit, links []domain.Link, last *matched) draft {
	v := next(*before, l.key, h, l.pixel(h.Pixel).SessionIdle)
	seen := see(v, h)
	if rule, is := l.deps.Check(subjectOf(&seen, h)); is {
		v.Shunned = v.Shunned || len(seen.HEMs) > 0 || seen.Phone != "" || seen.Person != ""
		return hidden(v, rule)
	}
	seen.Shunned = seen.Shunned && !identifies(h)
	e := l.evidence(now, &seen, h)
	e.Learned = links
	res, rule := l.match(e, h.Pixel, last)
	if rule != "" {
		return hidden(v, rule)
	}
	if v.Session == before.Session && isAnother(before.Person, res.Person) {
		seen = see(begin(v, h), h) // somebody else: another visit
	}
	d := draft{visit: resolve(seen, res.Person, res.Company, res.Match), learn: res.Learn, ask: res.Ask}
	d.visit, d.said.Upgraded = handOver(d.visit, h.Type == domain.PageView)
	d.said.Match = d.visit.Match
	d.owed = l.sighting(now, &d.visit, h, known(before, &d.visit), d.said.Upgraded)
	return d
}

// matched is the newest match of a step. The next hit mostly says the same of who it is.
type matched struct {
	evidence identity.Evidence
	pixel    domain.PixelID
	res      identity.Resolution
	rule     string // which suppresses what was found
	is       bool
}

// match says who it is, and by which rule that must not be known. The same evidence is looked up once a step, as
// long as no link has been made of it.
func (l *Lane) match(e identity.Evidence, pixel domain.PixelID, last *matched) (identity.Resolution, string) {
	if last.is && len(last.res.Learn) == 0 && last.pixel == pixel && sameEvidence(&last.evidence, &e) {
		return last.res, last.rule
	}
	res := l.deps.Match(e)
	rule, _ := l.recordSuppressed(pixel, res)
	*last = matched{e, pixel, res, rule, true}
	return res, rule
}

// sameEvidence compares what may differ between hits of one step that learns nothing in between.
func sameEvidence(a, b *identity.Evidence) bool {
	return a.Visitor == b.Visitor && a.Identified == b.Identified && a.Phone == b.Phone && a.Known == b.Known && a.KnownMatch == b.KnownMatch &&
		a.Address == b.Address && slices.Equal(a.HEMs, b.HEMs) && slices.Equal(a.Clicks, b.Clicks)
}

// goesOn says whether a visit is, after a hit, still what the sightings before it are to be judged by.
func goesOn(before, after *domain.Visit) bool {
	return before.Session == after.Session && before.Pixel == after.Pixel && before.Person == after.Person &&
		before.Company == after.Company && before.Suppressed == after.Suppressed
}

// learn adds links; the newest of a key counts.
func learn(links, more []domain.Link) []domain.Link {
	if len(links) == 0 {
		return more
	}
	for _, m := range more {
		links = slices.DeleteFunc(links, func(l domain.Link) bool { return l.Key == m.Key })
		links = append(links, m)
	}
	return links
}

// draftLate says what an answer of the slow tier changes, now that matching knows it. It renames nobody whom a
// hit has named meanwhile, and names nobody while the visitor is suppressed.
func (l *Lane) draftLate(now time.Time) work {
	before := *l.visit
	w := work{observation: domain.Observation{Fence: l.fence, Expect: before.Revision, Basis: l.deps.Basis()}}
	if before.Revision == 0 || before.Suppressed != "" || before.Shunned {
		return w
	}
	h := &l.late.hit
	if w.suppressed, _ = l.deps.Check(subjectOf(&before, h)); w.suppressed != "" {
		return w
	}
	e := l.evidence(now, &before, h)
	e.Asked, e.Identified = true, e.Identified || l.late.named
	res := l.deps.Match(e)
	if w.suppressed, _ = l.recordSuppressed(h.Pixel, res); w.suppressed != "" {
		return w
	}
	v := resolve(before, res.Person, res.Company, res.Match)
	if known(&before, &v) || isAnother(before.Person, v.Person) {
		return w
	}
	v, upgraded := handOver(v, false)
	w.worth, w.said = true, []Resolved{{Match: v.Match, Late: true, Upgraded: upgraded}}
	w.observation.Visit, w.observation.Learn = v, res.Learn
	if owed := l.sighting(now, &v, h, false, upgraded); owed != nil {
		w.observation.Owed = []domain.Sighting{*owed}
	}
	return w
}

// evidence is what a hit, with its visit, says of who it is.
func (l *Lane) evidence(now time.Time, v *domain.Visit, h *domain.Hit) identity.Evidence {
	if v.Shunned { // the place it is at may still be known
		return identity.Evidence{Account: h.Account, Address: h.Address, At: now}
	}
	return identity.Evidence{
		Account: h.Account, Visitor: h.Visitor, Identified: identifies(h), HEMs: v.HEMs, Phone: v.Phone, Clicks: v.Clicks,
		Address: h.Address, Known: v.Person, KnownMatch: v.Match, At: now,
	}
}

// hidden is what becomes of a suppressed hit: that it was there, and the rule.
func hidden(v domain.Visit, rule string) draft {
	v.Person, v.Company, v.Match, v.HEMs, v.Phone = "", "", domain.Match{}, nil, ""
	v.Suppressed = rule
	return draft{visit: v, said: Resolved{Suppressed: rule}}
}

// hide keeps a suppressed hit's hashes and body, if it named somebody, out of the evidence too, and nothing is
// asked any more that hits before it gave reason for.
func (w *work) hide(i int) {
	w.asks = nil
	hits := w.observation.Hits
	if !identifies(&hits[i]) {
		return
	}
	if !w.copied { // the sender's are as they came: they may be drafted again
		hits, w.copied = slices.Clone(hits), true
		w.observation.Hits = hits
	}
	hits[i].HEMs, hits[i].Phone, hits[i].Body = nil, "", nil
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
func subjectOf(v *domain.Visit, h *domain.Hit) identity.Subject {
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
func known(before, now *domain.Visit) bool {
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
func (l *Lane) sighting(now time.Time, v *domain.Visit, h *domain.Hit, knownBefore bool, upgraded int) *domain.Sighting {
	if v.Person == "" && v.Company == "" {
		return nil
	}
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
