package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// A delivery's state stands in the tables as its place in domain.DeliveryStates; pending is 0.
const statePending = 0

func stateNumber(s domain.DeliveryState) int16 {
	return int16(slices.Index(domain.DeliveryStates(), s))
}

// claimColumns are what announcements owe, as the arrays that owe.sql takes.
type claimColumns struct {
	from                    []int64 // of each announcement: how many are before its own
	said                    []int64 // the announcement of each, from 1
	account, lead, endpoint []string
	at                      []time.Time
	class                   []int16
}

// add takes what an announcement owes; announcements come in order.
func (c *claimColumns) add(nth int, a *domain.Announcement) {
	c.from = append(c.from, int64(len(c.said)))
	for _, o := range a.Owed {
		c.said = append(c.said, int64(nth))
		c.account = append(c.account, string(a.Account))
		c.at = append(c.at, a.At)
		c.lead = append(c.lead, string(a.Lead))
		c.endpoint = append(c.endpoint, string(o.Endpoint))
		c.class = append(c.class, int16(o.Class))
	}
}

func (c *claimColumns) len() int { return len(c.said) }

func (c *claimColumns) args() []any {
	return []any{c.said, c.account, c.at, c.lead, c.endpoint, c.class}
}

// owedRow is a delivery that a statement has made.
type owedRow struct {
	place, n int64
	behind   bool
	due      pgtype.Timestamptz
}

// owes notes a delivery among those of its announcement.
func (c *announcementColumns) owes(got *[]domain.Announcement, all []domain.Announcement, nth int64, r owedRow) {
	a := c.one(got, all, nth)
	d := &a.Deliveries[r.place-1-c.owed.from[nth-1]]
	d.N, d.Behind, d.DueAt = r.n, r.behind, instant(r.due)
}

// deliveriesOf are an announcement's, before the store has numbered them and put them in line.
func deliveriesOf(a *domain.Announcement) []domain.Delivery {
	if len(a.Owed) == 0 {
		return nil
	}
	all := make([]domain.Delivery, len(a.Owed))
	for i, o := range a.Owed {
		all[i] = domain.Delivery{
			Account: a.Account, Endpoint: o.Endpoint, Announcement: a.Seq, Event: a.ID, Type: a.Type, Lead: a.Lead, Class: o.Class,
			State: domain.DeliveryPending, Revision: 1, OwedAt: a.At,
		}
	}
	return all
}

func checkOwed(op string, all []domain.Owed) error {
	for _, o := range all {
		if err := check.Texts(op, check.Given("owed.endpoint", string(o.Endpoint))); err != nil {
			return err
		}
		if o.Class >= domain.Classes {
			return domain.FailField(op, "owed.class", "is unknown")
		}
	}
	return nil
}

// endpointsOf lists the endpoints whose queues the ops may change.
func endpointsOf(ops []op) pairs {
	var all pairs
	for _, o := range ops {
		for _, a := range o.announces() {
			for _, owed := range a.Owed {
				all.add(string(a.Account), string(owed.Endpoint))
			}
		}
		if o.attempt != nil {
			all.add(string(o.attempt.Key.Account), string(o.attempt.Key.Endpoint))
		}
	}
	return all
}

// knownEndpoints bounds the memory of which endpoints have a row, as knownFeeds does.
const knownEndpoints = 100_000

// ensureEndpoints makes the rows of endpoints met for the first time, for the reason that ensureFeeds does. Until they
// are owed something, which this batch may find a reason against, nobody is shown them.
func (s *Store) ensureEndpoints(ctx context.Context, conn *pgx.Conn, b *batch) error {
	missing := map[domain.EndpointKey]domain.Partition{}
	for _, n := range b.todo {
		for _, a := range b.ops[n].announces() {
			for _, o := range a.Owed {
				key := domain.EndpointKey{Account: a.Account, Endpoint: o.Endpoint}
				if _, ok := s.endpoints[key]; !ok {
					missing[key] = o.Partition
				}
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var names pairs
	var parts []int16
	for key, p := range missing {
		names.add(string(key.Account), string(key.Endpoint))
		parts = append(parts, int16(p))
	}
	if _, err := conn.Exec(ctx, `INSERT INTO endpoints (account, endpoint, partition)
		SELECT account COLLATE "C", endpoint COLLATE "C", p FROM unnest($1::text[], $2::text[], $3::smallint[]) AS u (account, endpoint, p) ORDER BY 1, 2
		ON CONFLICT DO NOTHING`, names.a, names.b, parts); err != nil {
		return fmt.Errorf("make endpoint rows: %w", err)
	}
	if len(s.endpoints)+len(missing) > knownEndpoints {
		clear(s.endpoints)
	}
	for key := range missing {
		s.endpoints[key] = struct{}{}
	}
	return nil
}
