package embedded

import (
	"context"
	"fmt"
	"math"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Erase forgets a person; see domain.SuppressionStore. It works in small transactions between the others',
// like retention, in an order in which nothing that is in flight brings back what is gone:
//
//	suppressions, revision, audit   the first commit: what was matched before cannot be written any more
//	what waits                      pending and held events and sightings are settled: whoever decides one
//	                                from memory finds it decided, and writes nothing
//	leads                           lose their contact and move on a revision; acquaintances go
//	feeds, events, announcements    what was written of them: contacts in feeds, bodies, whole announcements with
//	                                their deliveries and receipts
//	visits, links                   with all their hits; a link's key stays a day, to be told to other nodes
//	what names them                 bodies of other visitors' and leads' events, other announcements
//	the file                        what SQLite has freed is wiped (see scrub.go)
//
// Event keys stay, so that a source's repeat brings nobody back. Whoever asks again goes through all of it
// again, and finds what a failure has left.
func (s *Store) Erase(ctx context.Context, e domain.Erasure) (domain.Erased, error) {
	if err := checkErasure(&e); err != nil {
		return domain.Erased{}, err
	}
	s.erasing.Lock()
	defer s.erasing.Unlock()
	x := &erasure{store: s, Erasure: e, rows: map[string]int64{}}
	for _, table := range erasedTables {
		x.rows[table] = 0
	}
	revision, err := x.begin(ctx)
	if err != nil {
		return domain.Erased{}, err
	}
	for _, part := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"what waits", x.settleWaiting},
		{"leads", x.eraseLeads},
		{"feeds", x.eraseFeeds},
		{"events", x.eraseEvents},
		{"visits", x.eraseVisits},
		{"what names them", x.eraseNaming},
		{"links", x.eraseLinks},
		{"the file's leftovers", s.scrub},
	} {
		if err := part.do(ctx); err != nil {
			return domain.Erased{Rows: x.rows, Revision: revision}, fmt.Errorf("erase %s: %w", part.what, err)
		}
	}
	return domain.Erased{Rows: x.rows, Revision: revision}, nil
}

// erasedTables are those that an erasure counts.
var erasedTables = [...]string{
	"pending_events", "held_events", "sightings", "leads", "acquaintances", "feed_events", "events",
	"announcements", "deliveries", "receipts", "visits", "links",
}

// erasure is one under way.
type erasure struct {
	domain.Erasure
	store *Store
	rows  map[string]int64
}

func checkErasure(e *domain.Erasure) error {
	return check.Texts("erase person", check.Given("account", string(e.Account)))
}

// begin puts the suppressions in force. The revision rises even if they were before: who still holds what is
// now erased has to look again.
func (x *erasure) begin(ctx context.Context) (revision int64, err error) {
	rows, err := suppressionRows("erase person", x.Suppress)
	if err != nil {
		return 0, err
	}
	_, err = x.store.writer.Do(ctx, op{admin: func(t *tx) error {
		if err := t.step(stepErase); err != nil {
			return err
		}
		if _, err := t.suppress(rows, nil); err != nil {
			return err
		}
		if err := t.raiseBasis(); err != nil {
			return err
		}
		revision = t.basis
		return t.note(x.Audit)
	}})
	if err != nil {
		return 0, err
	}
	return revision, nil
}

// bites carries out r to its end.
func (x *erasure) bites(ctx context.Context, r removal) error {
	_, err := x.store.bites(ctx, func(t *tx, n int, from int64) (progress, error) {
		if err := t.step(stepErase); err != nil {
			return progress{}, err
		}
		return r(t, n, from)
	}, math.MaxInt, new(int64), x.rows)
	return err
}

// each runs a statement for every number, in bites.
func (x *erasure) each(ctx context.Context, table, sql string, numbers []int64, args ...any) error {
	return x.bites(ctx, func(t *tx, n int, from int64) (progress, error) {
		p := progress{rows: map[string]int64{}}
		to := min(from+int64(n), int64(len(numbers)))
		for _, number := range numbers[from:to] {
			if err := query(t.conn, sql, nil, append(args[:len(args):len(args)], number)...); err != nil {
				return p, err
			}
			p.rows[table] += int64(t.conn.Changes())
		}
		if p.more = to < int64(len(numbers)); p.more {
			p.to = to
		}
		return p, nil
	})
}
