package identity

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// Suppressions is everything that must not be identified or delivered.
type Suppressions struct{}

// NewSuppressions builds an empty list at revision 0.
func NewSuppressions(reg prometheus.Registerer) *Suppressions { return &Suppressions{} }

// Take applies changes as the store lists them (SuppressionsSince). revision is the one up to which everything
// is known after them: while pages are still to come it is the old one.
func (s *Suppressions) Take(revision int64, changes []domain.Suppression) {}

// SetCatalog replaces what the catalog suppresses.
func (s *Suppressions) SetCatalog(c domain.Catalog) {}

// Check says whether the subject must not be identified, and by which rule: "gpc", "global:email",
// "account:company", "pixel:path", ...
func (s *Suppressions) Check(sub Subject) (rule string, suppressed bool) { return "", false }

// Revision is the store's revision that is in force here.
func (s *Suppressions) Revision() int64 { return 0 }
