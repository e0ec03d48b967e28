package identity

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// GPC is the rule that keeps whoever sends Sec-GPC: 1 from being identified. Nothing switches it off.
const GPC = "gpc"

// Rules lists every rule that Check can answer with, for those who count by it: "gpc", and a scope with a
// kind, "global:email" to "pixel:path".
func Rules() []string {
	rules := []string{GPC}
	for _, scope := range scopes() {
		for _, kind := range kinds {
			rules = append(rules, ruleOf(scope, kind))
		}
	}
	return rules
}

func scopes() []domain.SuppressionScope {
	return []domain.SuppressionScope{domain.GlobalScope, domain.AccountScope, domain.PixelScope}
}

func ruleOf(scope domain.SuppressionScope, kind domain.SuppressionKind) string {
	return string(scope) + ":" + string(kind)
}

// Suppressions is everything that must not be identified or delivered, in memory: what the store keeps and
// what the catalog says. It is exact, so it has no limit but the memory that its gauge tells of: some 210
// bytes an e-mail. It is safe for concurrent use.
type Suppressions struct {
	mu       sync.RWMutex
	revision int64
	stored   *blocklist
	catalog  *blocklist
	metrics  *suppressionMetrics
}

// NewSuppressions builds an empty list at revision 0. A nil registerer exports nothing.
func NewSuppressions(reg prometheus.Registerer) *Suppressions {
	return &Suppressions{stored: newBlocklist(), catalog: newBlocklist(), metrics: newSuppressionMetrics(reg)}
}

// batch is how many changes are taken under one lock: checks wait a fraction of a millisecond for them.
const batch = 128

// Take applies changes as the store lists them (SuppressionsSince). revision is the one up to which everything
// is known after them: while pages are still to come it is the old one.
func (s *Suppressions) Take(revision int64, changes []domain.Suppression) {
	for some := range slices.Chunk(changes, batch) {
		s.mu.Lock()
		for _, c := range some {
			if c.Removed {
				s.stored.remove(c.ID)
			} else {
				s.stored.add(c)
			}
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision = max(s.revision, revision)
	s.metrics.entries(s.stored, s.catalog)
}

// SetCatalog replaces what the catalog suppresses. What cannot be read is left out and counted: a catalog is
// checked before it is stored (CheckCatalog).
func (s *Suppressions) SetCatalog(c domain.Catalog) {
	fresh, unread := newBlocklist(), 0
	eachSuppression(c, func(one domain.Suppression, err error) {
		if err != nil {
			unread++
			return
		}
		fresh.add(one)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog = fresh
	s.metrics.unread.Set(float64(unread))
	s.metrics.entries(s.stored, s.catalog)
}

// Check says whether the subject must not be identified, and by which of Rules: the widest scope first, and
// within it in the order of domain.SuppressionKinds.
//
// Whoever commits what it allows reads Revision before it calls Check: the other way round, a suppression that
// came in between would be claimed and not applied.
func (s *Suppressions) Check(sub Subject) (rule string, suppressed bool) {
	if sub.GPC {
		return GPC, true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, at := range [...]place{{}, {sub.Account, ""}, {sub.Account, sub.Pixel}} {
		for _, l := range [...]*blocklist{s.stored, s.catalog} {
			if t := l.at(at); t != nil {
				if kind, found := t.check(&sub); found {
					return ruleOf(t.scope, kinds[kind]), true
				}
			}
		}
	}
	return "", false
}

// Revision is the store's revision that is in force here.
func (s *Suppressions) Revision() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revision
}
