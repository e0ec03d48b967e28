package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

var errNotYet = domain.Fail("use store", domain.Unavailable, errors.New("not written yet"))

func (s *Store) Observe(context.Context, domain.Observation) (domain.Observed, error) {
	return domain.Observed{}, errNotYet
}
func (s *Store) Judge(context.Context, domain.Judgement) (domain.Judged, error) {
	return domain.Judged{}, errNotYet
}
func (s *Store) Visit(context.Context, domain.VisitorKey) (domain.Visit, error) {
	return domain.Visit{}, errNotYet
}
func (s *Store) Acquaintance(context.Context, domain.LeadKey) (domain.Acquaintance, error) {
	return domain.Acquaintance{}, errNotYet
}
func (s *Store) Owed(context.Context, []domain.Partition, time.Time, int64, int) ([]domain.Sighting, error) {
	return nil, nil
}
func (s *Store) Announcements(context.Context, domain.AccountID, int64, int) ([]domain.Announcement, error) {
	return nil, errNotYet
}
func (s *Store) Links(context.Context, int64, int) ([]domain.Link, error)    { return nil, nil }
func (s *Store) Learn(context.Context, []domain.Link) ([]domain.Link, error) { return nil, errNotYet }
func (s *Store) VisitorsOf(context.Context, domain.AccountID, []domain.PersonID) ([]domain.VisitorID, error) {
	return nil, errNotYet
}
func (s *Store) ScanLeads(context.Context, domain.AccountID, domain.LeadID, int) ([]domain.Lead, error) {
	return nil, errNotYet
}
func (s *Store) Suppress(context.Context, []domain.Suppression, []string, domain.AuditEntry) (int64, error) {
	return 0, errNotYet
}
func (s *Store) SuppressionRevision(context.Context) (int64, error) { return 0, nil }
func (s *Store) SuppressionsSince(context.Context, int64, string, int) ([]domain.Suppression, error) {
	return nil, nil
}
func (s *Store) Erase(context.Context, domain.Erasure) (domain.Erased, error) {
	return domain.Erased{}, errNotYet
}
func (s *Store) Audit(context.Context, domain.AccountID, int64, int) ([]domain.AuditEntry, error) {
	return nil, errNotYet
}
func (s *Store) Note(context.Context, domain.AuditEntry) error    { return errNotYet }
func (s *Store) APIKeys(context.Context) ([]domain.APIKey, error) { return nil, nil }
func (s *Store) CreateAPIKey(context.Context, domain.APIKey, domain.AuditEntry) error {
	return errNotYet
}
func (s *Store) RevokeAPIKey(context.Context, string, domain.AuditEntry) error { return errNotYet }
