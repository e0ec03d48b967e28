package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// Reads of what Observe and Judge have written. Revision and number stand in columns of their own, and have
// the last word over the JSON.
const (
	sqlVisit        = `SELECT body, revision, event_seq, commit_id FROM visits WHERE account = $1 AND visitor = $2`
	sqlAcquaintance = `SELECT body, revision, commit_id FROM acquaintances WHERE account = $1 AND lead = $2`
	sqlVisitorsOf   = `SELECT visitor FROM visits WHERE account = $1 AND person = ANY ($2::text[]) AND person <> ''`

	// What is due is little of what is there, and there is no order in which it is both due and numbered: the
	// page is picked from all that is due. (OFFSET 0 keeps the planner from walking all there is by number.)
	sqlOwed = `SELECT s.n, s.event_seq, s.visit_revision, s.visit, s.body
FROM (
    SELECT n FROM (SELECT n FROM sightings WHERE due_at <= $2 AND n > $3 AND partition = ANY ($1::smallint[]) OFFSET 0) d
    ORDER BY n LIMIT $4) q
CROSS JOIN LATERAL (SELECT * FROM sightings s WHERE s.n = q.n LIMIT 1) s
ORDER BY q.n`
)

// Visit reads a visitor's row; NotFound when there is none.
func (s *Store) Visit(ctx context.Context, key domain.VisitorKey) (domain.Visit, error) {
	const doing = "read visit"
	v, err := read(ctx, s, doing, func(ctx context.Context, c reader) (domain.Visit, error) {
		v, _, err := readVisit(ctx, c, key)
		return v, err
	})
	if err == nil && v.Revision == 0 {
		return v, domain.Fail(doing, domain.NotFound, fmt.Errorf("visitor %s", key))
	}
	return v, err
}

// readVisit reads a visit and the id of the commit that changed it last; the zero Visit when there is none.
func readVisit(ctx context.Context, c reader, key domain.VisitorKey) (v domain.Visit, commit int64, err error) {
	var body []byte
	var revision, event int64
	err = c.QueryRow(ctx, sqlVisit, string(key.Account), string(key.Visitor)).Scan(&body, &revision, &event, &commit)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Visit{}, 0, nil
	}
	if err == nil {
		err = unpack("read visit", body, &v)
	}
	v.Revision, v.EventSeq = revision, event
	return v, commit, err
}

// Acquaintance reads one; NotFound when there is none.
func (s *Store) Acquaintance(ctx context.Context, key domain.LeadKey) (domain.Acquaintance, error) {
	const doing = "read acquaintance"
	a, err := read(ctx, s, doing, func(ctx context.Context, c reader) (domain.Acquaintance, error) {
		a, _, err := readAcquaintance(ctx, c, key)
		return a, err
	})
	if err == nil && a.Revision == 0 {
		return a, domain.Fail(doing, domain.NotFound, fmt.Errorf("acquaintance %s", key))
	}
	return a, err
}

// readAcquaintance is readVisit's like.
func readAcquaintance(ctx context.Context, c reader, key domain.LeadKey) (a domain.Acquaintance, commit int64, err error) {
	var body []byte
	var revision int64
	err = c.QueryRow(ctx, sqlAcquaintance, string(key.Account), string(key.Lead)).Scan(&body, &revision, &commit)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Acquaintance{}, 0, nil
	}
	if err == nil {
		err = unpack("read acquaintance", body, &a)
	}
	a.Revision = revision
	return a, commit, err
}

// Owed lists sightings that are past their time: see domain.VisitStore.
func (s *Store) Owed(ctx context.Context, partitions []domain.Partition, due time.Time, after int64, limit int) ([]domain.Sighting, error) {
	parts := numbers(partitions)
	return read(ctx, s, "list owed sightings", func(ctx context.Context, c reader) ([]domain.Sighting, error) {
		rows, err := c.Query(ctx, sqlOwed, parts, due, after, max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanSighting)
	})
}

func scanSighting(row pgx.CollectableRow) (s domain.Sighting, err error) {
	var n, event, revision int64
	var visit, body []byte
	if err := row.Scan(&n, &event, &revision, &visit, &body); err != nil {
		return s, err
	}
	const doing = "read sighting"
	if err := unpack(doing, body, &s); err != nil {
		return s, err
	}
	s.Visit = domain.Visit{}
	if err := unpack(doing, visit, &s.Visit); err != nil {
		return s, err
	}
	s.N, s.EventSeq = n, event
	s.Visit.Revision, s.Visit.EventSeq = revision, event
	return s, nil
}

// VisitorsOf lists the visitors of an account that were resolved to any of the persons.
func (s *Store) VisitorsOf(ctx context.Context, account domain.AccountID, persons []domain.PersonID) ([]domain.VisitorID, error) {
	return read(ctx, s, "list a person's visitors", func(ctx context.Context, c reader) ([]domain.VisitorID, error) {
		rows, err := c.Query(ctx, sqlVisitorsOf, string(account), texts(persons))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[domain.VisitorID])
	})
}

// texts are ids as an array.
func texts[T ~string](ids []T) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}
