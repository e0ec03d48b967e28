package actors

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// belongings is what was found, for whoever asks what is known. The graph is shared by all accounts, so it
// tells of the graph only what it says of persons of whom the account keeps something, and no record of
// whoever objected: a key of an account must not open the graph.
func (s *search) belongings(ctx context.Context) (domain.Belongings, error) {
	if err := s.findOurs(ctx); err != nil {
		return domain.Belongings{}, err
	}
	b := domain.Belongings{
		Persons: []domain.PersonID{}, Records: []domain.Person{},
		Visitors: slices.Sorted(maps.Keys(s.visitors)), Leads: sure(s.leads), Links: s.links,
	}
	keys := map[domain.Key]bool{}
	for _, k := range identity.KeysOf("", s.sought.HEMs, s.sought.Phone, nil) {
		keys[k] = true
	}
	for k := range s.keys {
		if s.held[k] {
			keys[k] = true
		}
	}
	b.Suppressed = s.rule(identity.Subject{HEMs: s.said, Person: s.sought.Person, Phones: s.phones()})
	for _, p := range sure(s.persons) {
		if !s.ours[p] {
			continue
		}
		b.Persons = append(b.Persons, p)
		record, known := s.records[p]
		subject := identity.SubjectOf(record)
		subject.Person, subject.HEMs, subject.Phones = p, append(subject.HEMs, s.sought.HEMs...), append(subject.Phones, s.phones()...)
		if rule := s.rule(subject); rule != "" {
			b.Suppressed = cmp.Or(b.Suppressed, rule)
			continue
		}
		if known {
			b.Records = append(b.Records, record)
			for _, k := range identity.KeysOf("", subject.HEMs, "", nil) {
				keys[k] = true
			}
		}
	}
	b.Keys = sorted(keys)
	return b, nil
}

// findOurs adds the graph's persons of whom the account keeps something: a lead or a link with one of their
// e-mails, or a visit. Those that links and leads name themselves are there already.
func (s *search) findOurs(ctx context.Context) error {
	for _, p := range sure(s.persons) {
		if s.ours[p] {
			continue
		}
		if record, ok := s.records[p]; ok && slices.ContainsFunc(identity.KeysOf("", identity.SubjectOf(record).HEMs, "", nil), s.holds) {
			s.ours[p] = true
			continue
		}
		visitors, err := s.Store.VisitorsOf(ctx, s.account, []domain.PersonID{p})
		if err != nil {
			return fmt.Errorf("find visitors: %w", err)
		}
		s.ours[p] = len(visitors) > 0
	}
	return nil
}

func (s *search) holds(k domain.Key) bool { return s.held[k] }

// rule is what keeps a subject from being identified, "" when nothing does.
func (s *search) rule(subject identity.Subject) string {
	if s.Check == nil {
		return ""
	}
	subject.Account = s.account
	rule, _ := s.Check(subject)
	return rule
}

func (s *search) phones() []string {
	if s.sought.Phone == "" {
		return nil
	}
	return []string{s.sought.Phone}
}
