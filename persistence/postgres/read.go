package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/leadwire/leadwire/actors/domain"
)

// reader is what a read needs of a connection.
type reader interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// read runs f on a reader connection. All idle connections may have died with the server, so a broken
// one is tried again, at most once for each and once fresh; the whole is bounded like a commit.
func read[T any](ctx context.Context, s *Store, doing string, f func(context.Context, reader) (T, error)) (T, error) {
	return readOn(ctx, s, s.readers, doing, f)
}

// readOn is read on the connections of a pool.
func readOn[T any](ctx context.Context, s *Store, pool *pgxpool.Pool, doing string, f func(context.Context, reader) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.StatementTimeout*3/2)
	defer cancel()
	for try := 0; ; try++ {
		value, err := f(ctx, pool)
		if err == nil {
			return value, nil
		}
		if try > s.opts.Readers || !retriable(err) || !s.line.isUp() {
			var none T
			return none, fail(doing, err)
		}
	}
}

const leadColumns = `account, id, state, revision, campaign, buyer, contact, source, held_seq, event_seq, assign_seq, last_seq, received_at, assigned_at, updated_at`

func scanLead(row pgx.Row, more ...any) (domain.Lead, error) {
	var l domain.Lead
	var received, assigned, updated pgtype.Timestamptz
	to := []any{&l.Account, &l.ID, &l.State, &l.Revision, &l.Campaign, &l.Buyer, &l.Contact, &l.Source,
		&l.HeldSeq, &l.EventSeq, &l.AssignSeq, &l.LastSeq, &received, &assigned, &updated}
	if err := row.Scan(append(to, more...)...); err != nil {
		return domain.Lead{}, err
	}
	l.ReceivedAt, l.AssignedAt, l.UpdatedAt = instant(received), instant(assigned), instant(updated)
	return l, nil
}

// The reads a request waits for.
const (
	sqlLead = `SELECT ` + leadColumns + `, commit_id FROM leads WHERE account = $1 AND id = $2`

	sqlBuyerLeads = `SELECT ` + leadColumns + ` FROM leads
WHERE account = $1 AND buyer = $2 AND buyer <> '' AND assign_seq < CASE WHEN $3 > 0 THEN $3::bigint ELSE 9223372036854775807 END
ORDER BY assign_seq DESC LIMIT $4`

	sqlFeed = `SELECT account, buyer, seq, type, lead, campaign, source, event_id, contact, received_at, decided_at
FROM feed_events WHERE account = $1 AND buyer = $2 AND seq > $3 ORDER BY seq LIMIT $4`

	sqlHeads = `SELECT coalesce(f.head, 0), coalesce(f.floor, 0)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (account, buyer, ord)
LEFT JOIN LATERAL (SELECT head, floor FROM feeds f WHERE f.account = u.account AND f.buyer = u.buyer LIMIT 1) f ON true
ORDER BY ord`
)

// readLead reads a lead and the id of the commit that changed it last; the zero Lead when there is none.
func readLead(ctx context.Context, c reader, key domain.LeadKey) (domain.Lead, int64, error) {
	var commit int64
	lead, err := scanLead(c.QueryRow(ctx, sqlLead, string(key.Account), string(key.Lead)), &commit)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Lead{}, 0, nil
	}
	return lead, commit, err
}

// Lead reads one lead; NotFound when there is none.
func (s *Store) Lead(ctx context.Context, key domain.LeadKey) (domain.Lead, error) {
	const doing = "read lead"
	lead, err := read(ctx, s, doing, func(ctx context.Context, c reader) (domain.Lead, error) {
		lead, _, err := readLead(ctx, c, key)
		return lead, err
	})
	if err == nil && lead.Revision == 0 {
		return domain.Lead{}, domain.Fail(doing, domain.NotFound, fmt.Errorf("lead %s", key))
	}
	return lead, err
}

// BuyerLeads lists a buyer's leads, newest assignment first.
func (s *Store) BuyerLeads(ctx context.Context, key domain.BuyerKey, before domain.Seq, limit int) ([]domain.Lead, error) {
	return read(ctx, s, "list a buyer's leads", func(ctx context.Context, c reader) ([]domain.Lead, error) {
		rows, err := c.Query(ctx, sqlBuyerLeads, string(key.Account), string(key.Buyer), int64(before), max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (domain.Lead, error) { return scanLead(row) })
	})
}

const sqlScanLeads = `SELECT ` + leadColumns + ` FROM leads WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`

// ScanLeads lists an account's leads with ID > after, by ID.
func (s *Store) ScanLeads(ctx context.Context, account domain.AccountID, after domain.LeadID, limit int) ([]domain.Lead, error) {
	return read(ctx, s, "scan leads", func(ctx context.Context, c reader) ([]domain.Lead, error) {
		rows, err := c.Query(ctx, sqlScanLeads, string(account), string(after), max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (domain.Lead, error) { return scanLead(row) })
	})
}

// Feed lists a buyer's feed events with Seq > after, in order.
func (s *Store) Feed(ctx context.Context, key domain.BuyerKey, after domain.Seq, limit int) ([]domain.FeedEvent, error) {
	return read(ctx, s, "read feed", func(ctx context.Context, c reader) ([]domain.FeedEvent, error) {
		rows, err := c.Query(ctx, sqlFeed, string(key.Account), string(key.Buyer), int64(after), max(limit, 0))
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, scanFeedEvent)
	})
}

func scanFeedEvent(row pgx.CollectableRow) (domain.FeedEvent, error) {
	var e domain.FeedEvent
	err := row.Scan(&e.Account, &e.Buyer, &e.Seq, &e.Type, &e.Lead, &e.Campaign, &e.Source, &e.EventID, &e.Contact, &e.ReceivedAt, &e.DecidedAt)
	e.ReceivedAt, e.DecidedAt = e.ReceivedAt.UTC(), e.DecidedAt.UTC()
	return e, err
}

// Heads reads how far feeds go, in the order asked for.
func (s *Store) Heads(ctx context.Context, keys []domain.BuyerKey) ([]domain.Head, error) {
	var accounts, buyers []string
	for _, k := range keys {
		accounts, buyers = append(accounts, string(k.Account)), append(buyers, string(k.Buyer))
	}
	return read(ctx, s, "read feed heads", func(ctx context.Context, c reader) ([]domain.Head, error) {
		rows, err := c.Query(ctx, sqlHeads, accounts, buyers)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h domain.Head, err error) {
			return h, row.Scan(&h.Seq, &h.Floor)
		})
	})
}

// Counts reads every buyer's assignment counter.
func (s *Store) Counts(ctx context.Context) ([]domain.Count, error) {
	return read(ctx, s, "read counters", func(ctx context.Context, c reader) ([]domain.Count, error) {
		rows, err := c.Query(ctx, `SELECT account, buyer, day, day_count, total FROM feeds WHERE total > 0 ORDER BY account, buyer`)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n domain.Count, err error) {
			return n, row.Scan(&n.Account, &n.Buyer, &n.Day, &n.N, &n.Total)
		})
	})
}
