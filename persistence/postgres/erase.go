package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// Erase forgets a person: see domain.Erasure. It goes in many short transactions, so that nobody is held up,
// in an order in which nothing comes back that has gone:
//
//	suppression, audit    from here on nobody is matched as this person
//	visits, sightings,    what lanes and judges have in memory is stale
//	acquaintances
//	pending events        nobody decides them any more, so no lead is made of them
//	events                hits are deleted; a lead's lose contact and body, and so do others' that name the person
//	leads, feed events    contacts; a lead's revision is raised, so what its actor has in memory is stale
//	announcements         with their deliveries and receipts; and receipts that name the person
//	links                 leave word for a day which key to drop
//
// Rows that a commit holds are left and looked for again: an erasure never waits for a row while it holds another, so
// it is in no deadlock. What was touched is noted to be rewritten, in the same transaction: see rewrite.go.
//
// Events have no index by lead, which every event would pay for; so an erasure reads every kept day once.
func (s *Store) Erase(ctx context.Context, e domain.Erasure) (domain.Erased, error) {
	const doing = "erase"
	if err := checkErasure(doing, &e); err != nil {
		return domain.Erased{}, err
	}
	r := &erasure{s: s, e: e, visitors: texts(e.Visitors), persons: texts(e.Persons), leads: texts(e.Leads), rows: map[string]int64{}}
	for _, v := range e.Visitors {
		r.lanes = append(r.lanes, string(domain.LeadOfVisitor(v)))
	}
	var revision int64
	if err := s.raise(ctx, doing, func(ctx context.Context, tx pgx.Tx) (err error) {
		var changed bool
		if revision, changed, err = suppress(ctx, tx, e.Suppress, nil); err != nil {
			return err
		}
		if !changed { // what was matched before is outdated all the same
			if err := tx.QueryRow(ctx, sqlRaiseSuppressions).Scan(&revision); err != nil {
				return fmt.Errorf("raise the revision of suppressions: %w", err)
			}
		}
		return note(ctx, tx, e.Audit)
	}); err != nil {
		return domain.Erased{}, err
	}
	for _, step := range []func(context.Context) error{r.visits, r.sightings, r.acquaintances, r.entered, r.events, r.leadRows, r.feeds, r.announcements, r.receipts, r.links} {
		if err := step(ctx); err != nil {
			return domain.Erased{}, fail(doing, err)
		}
	}
	// What can be rewritten at once is; the rest is Maintain's.
	m := &maintenance{s: s, now: s.opts.Clock.Now(), keep: domain.Retention{}.WithDefaults(), report: domain.Maintained{Removed: map[string]int64{}}}
	if err := m.rewrite(ctx); err != nil {
		s.opts.Log.Warn("erased rows are gone, their bytes not yet", "err", err)
	}
	return domain.Erased{Rows: r.rows, Revision: revision}, nil
}

func checkErasure(op string, e *domain.Erasure) error {
	fields := []check.Text{check.Given("account", string(e.Account))}
	for _, id := range e.Visitors {
		fields = append(fields, check.Given("visitors", string(id)))
	}
	for _, id := range e.Persons {
		fields = append(fields, check.Given("persons", string(id)))
	}
	for _, id := range e.Leads {
		fields = append(fields, check.Given("leads", string(id)))
	}
	if err := check.Texts(op, fields...); err != nil {
		return err
	}
	for _, k := range e.Keys {
		if err := check.TextsUpTo(op, maxValue, check.Given("kind", string(k.Kind)), check.Given("value", k.Value)); err != nil {
			return err
		}
	}
	return checkSuppressions(op, e.Suppress)
}

// eraseLimit is how many rows one transaction takes: a few milliseconds.
const eraseLimit = 500

// erasePause is between looks for rows that a commit holds, and erasePatience how long they are looked for: a
// commit takes milliseconds.
const (
	erasePause    = 5 * time.Millisecond
	erasePatience = 30 * time.Second
)

type erasure struct {
	s                               *Store
	e                               domain.Erasure
	visitors, lanes, persons, leads []string
	rows                            map[string]int64
}

// within is one transaction. Reading days takes as long as it takes, so it has a minute for a statement.
func (r *erasure) within(ctx context.Context, f func(pgx.Tx) error) error {
	if err := r.s.opts.Fail(stepBegin); err != nil {
		return err
	}
	err := pgx.BeginFunc(ctx, r.s.readers, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', '600s', true), set_config('enable_seqscan', 'on', true), set_config('plan_cache_mode', 'auto', true)`); err != nil {
			return fmt.Errorf("set up erasure: %w", err)
		}
		return f(tx)
	})
	if err != nil {
		return err
	}
	return r.s.opts.Fail(stepCommitted)
}

// change carries out a statement until it finds nothing more. sql has $1, the most rows, and answers with the
// relation and the number of rows of each that it changed; left asks whether a row is left that was held.
func (r *erasure) change(ctx context.Context, counted, sql, left string, args ...any) error {
	return r.changeUnder(ctx, "", counted, sql, left, args...)
}

// changeUnder is change by a statement whose rows commits take only after another lock, which lock takes here too.
func (r *erasure) changeUnder(ctx context.Context, lock, counted, sql, left string, args ...any) error {
	give := time.Now().Add(erasePatience)
	for {
		var n int64
		var more bool
		if err := r.within(ctx, func(tx pgx.Tx) (err error) {
			if _, err = tx.Exec(ctx, lock); err != nil {
				return err
			}
			n, err = r.changeOnce(ctx, tx, counted, sql, args...)
			if err == nil && n == 0 {
				err = tx.QueryRow(ctx, `SELECT EXISTS (`+left+`)`, append([]any{0}, args...)...).Scan(&more)
			}
			return err
		}); err != nil {
			return fmt.Errorf("erase %s: %w", counted, err)
		}
		switch {
		case n > 0:
		case !more:
			return nil
		case time.Now().After(give):
			return domain.Fail("erase "+counted, domain.Unavailable, fmt.Errorf("a row is held for longer than %v", erasePatience))
		default:
			if err := pause(ctx, erasePause); err != nil {
				return err
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (r *erasure) changeOnce(ctx context.Context, tx pgx.Tx, counted, sql string, args ...any) (int64, error) {
	rows, err := tx.Query(ctx, sql, append([]any{eraseLimit}, args...)...)
	if err != nil {
		return 0, err
	}
	touched := map[string]int64{}
	var relation string
	var n, all int64
	if _, err := pgx.ForEachRow(rows, []any{&relation, &n}, func() error { touched[relation] += n; return nil }); err != nil {
		return 0, err
	}
	for _, relation := range slices.Sorted(maps.Keys(touched)) { // in order, because two erasures may note the same
		if err := rewriteLater(ctx, tx, relation); err != nil {
			return 0, err
		}
		all += touched[relation]
	}
	r.rows[counted] += all
	return all, nil
}

// held is the way every statement here takes rows: those that nobody holds, so many, by their place. The
// statement ends in one that changes them and says so.
func held(table, where, change string) (sql, left string) {
	from := fmt.Sprintf(`FROM %s t WHERE %s`, table, where)
	return fmt.Sprintf(`WITH found AS MATERIALIZED (SELECT t.ctid AS at %s LIMIT $1 FOR UPDATE SKIP LOCKED), changed AS (%s RETURNING t.tableoid)
		SELECT c.relname::text, count(*) FROM changed JOIN pg_class c ON c.oid = changed.tableoid GROUP BY 1`, from, change),
		fmt.Sprintf(`SELECT 1 %s AND $1::int IS NOT NULL`, from)
}

func deleteFrom(table string) string {
	return fmt.Sprintf(`DELETE FROM %s t WHERE t.ctid = ANY (ARRAY(SELECT at FROM found))`, table)
}

func (r *erasure) delete(ctx context.Context, table, where string, args ...any) error {
	sql, left := held(table, where, deleteFrom(table))
	return r.change(ctx, table, sql, left, args...)
}

func (r *erasure) visits(ctx context.Context) error {
	return r.delete(ctx, "visits", `t.account = $2 AND t.visitor = ANY ($3::text[])`, string(r.e.Account), r.visitors)
}

func (r *erasure) sightings(ctx context.Context) error {
	named, err := naming[int64](ctx, r, "sightings", "t.n", "t.visit || t.body", "true")
	if err != nil {
		return err
	}
	return r.delete(ctx, "sightings", `t.account = $2 AND (t.visitor = ANY ($3::text[]) OR t.lead = ANY ($4::text[]) OR t.n = ANY ($5::bigint[]))`,
		string(r.e.Account), r.visitors, r.leads, named)
}

func (r *erasure) acquaintances(ctx context.Context) error {
	return r.delete(ctx, "acquaintances", `t.account = $2 AND t.lead = ANY ($3::text[])`, string(r.e.Account), r.leads)
}

// entered removes visitors that wait to be routed; they bring their event along.
func (r *erasure) entered(ctx context.Context) error {
	for _, kind := range pendingKinds {
		sql, left := held("pending_events", kind.where+` AND t.event IS NOT NULL AND convert_from(t.event, 'UTF8')::jsonb ->> 'Account' = $2
			AND convert_from(t.event, 'UTF8')::jsonb ->> 'Lead' = ANY ($3::text[])`, deleteFrom("pending_events"))
		if err := r.change(ctx, kind.counted, sql, left, string(r.e.Account), r.leads); err != nil {
			return err
		}
	}
	return nil
}

var pendingKinds = []struct{ counted, where string }{{"pending_events", "NOT t.held"}, {"held_events", "t.held"}}

// events finds what is kept of the person, day by day, and changes it by number.
func (r *erasure) events(ctx context.Context) error {
	days, err := eventDays.partitions(ctx, r.s.readers)
	if err != nil {
		return err
	}
	for _, table := range append(days, eventDays.net()) {
		var hits, facts []int64
		if err := r.within(ctx, func(tx pgx.Tx) (err error) {
			if hits, err = numbersOf(ctx, tx, table, `source = 'pixel' AND lead = ANY ($2::text[])`, string(r.e.Account), r.lanes); err != nil {
				return err
			}
			facts, err = numbersOf(ctx, tx, table, `lead = ANY ($2::text[]) AND (contact <> $3 OR body <> '')`, string(r.e.Account), r.leads, []byte(domain.ErasedContact))
			return err
		}); err != nil {
			return fmt.Errorf("look into %s: %w", table, err)
		}
		for chunk := range slices.Chunk(facts, eraseLimit) {
			if err := r.settle(ctx, chunk); err != nil {
				return err
			}
			sql, left := held(table, `t.seq = ANY ($2::bigint[]) AND (t.contact <> $3 OR t.body <> '')`,
				fmt.Sprintf(`UPDATE %s t SET contact = $3, body = '' WHERE t.ctid = ANY (ARRAY(SELECT at FROM found))`, table))
			if err := r.change(ctx, "events", sql, left, chunk, []byte(domain.ErasedContact)); err != nil {
				return err
			}
		}
		if err := r.bodies(ctx, table); err != nil {
			return err
		}
		for chunk := range slices.Chunk(hits, eraseLimit) {
			sql, left := held(table, `t.seq = ANY ($2::bigint[])`, deleteFrom(table))
			if err := r.change(ctx, "events", sql, left, chunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// bodies takes the body from events of others that name the person; they stay in their places.
func (r *erasure) bodies(ctx context.Context, table string) error {
	named, err := naming[int64](ctx, r, table, "t.seq", "t.body", `t.body <> '' AND NOT (t.source = 'pixel' AND t.lead = ANY ($3::text[]))`, r.lanes)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(named, eraseLimit) {
		sql, left := held(table, `t.seq = ANY ($2::bigint[]) AND t.body <> ''`,
			fmt.Sprintf(`UPDATE %s t SET body = '' WHERE t.ctid = ANY (ARRAY(SELECT at FROM found))`, table))
		if err := r.change(ctx, "events", sql, left, chunk); err != nil {
			return err
		}
	}
	return nil
}

func numbersOf(ctx context.Context, tx pgx.Tx, table, where string, args ...any) ([]int64, error) {
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT seq FROM %s WHERE account = $1 AND %s`, table, where), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// settle takes events of the person out of what waits.
func (r *erasure) settle(ctx context.Context, seqs []int64) error {
	for _, kind := range pendingKinds {
		sql, left := held("pending_events", kind.where+` AND t.seq = ANY ($2::bigint[]) AND t.event IS NULL`, deleteFrom("pending_events"))
		if err := r.change(ctx, kind.counted, sql, left, seqs); err != nil {
			return err
		}
	}
	return nil
}

func (r *erasure) leadRows(ctx context.Context) error {
	sql, left := held("leads", `t.account = $2 AND t.id = ANY ($3::text[]) AND t.contact <> $4`,
		`UPDATE leads t SET contact = $4, revision = revision + 1, held_seq = 0, commit_id = 0 WHERE t.ctid = ANY (ARRAY(SELECT at FROM found))`)
	return r.change(ctx, "leads", sql, left, string(r.e.Account), r.leads, []byte(domain.ErasedContact))
}

// feeds looks through the feeds of the leads' buyers: a lead has one for ever.
func (r *erasure) feeds(ctx context.Context) error {
	const found = `t.account = $2 AND t.lead = ANY ($3::text[]) AND t.contact <> $4
		AND t.buyer IN (SELECT l.buyer FROM leads l WHERE l.account = $2 AND l.id = ANY ($3::text[]))`
	return r.days(ctx, feedDays, found, func(table string) string {
		return fmt.Sprintf(`UPDATE %s t SET contact = $4 WHERE t.ctid = ANY (ARRAY(SELECT at FROM found))`, table)
	}, string(r.e.Account), r.leads, []byte(domain.ErasedContact))
}

// days changes rows day by day.
func (r *erasure) days(ctx context.Context, d dayTable, where string, change func(table string) string, args ...any) error {
	days, err := d.partitions(ctx, r.s.readers)
	if err != nil {
		return err
	}
	for _, table := range append(days, d.net()) {
		sql, left := held(table, where, change(table))
		if err := r.change(ctx, d.name, sql, left, args...); err != nil {
			return err
		}
	}
	return nil
}

// A commit takes the head of links before it takes a link, so whoever removes links does too.
const lockHeadOfLinks = `SELECT 1 FROM heads WHERE account = '' FOR NO KEY UPDATE`

// links replaces links by word of their removal, which is numbered like any link.
func (r *erasure) links(ctx context.Context) error {
	var kinds, values []string
	for _, k := range r.e.Keys {
		kinds, values = append(kinds, string(k.Kind)), append(values, k.Value)
	}
	for _, v := range r.visitors {
		kinds, values = append(kinds, string(domain.KeyVisitor)), append(values, v)
	}
	where := `t.account = $2 AND NOT t.removed AND (t.person = ANY ($3::text[]) OR (t.kind, t.value) IN (SELECT * FROM unnest($4::text[], $5::text[])))`
	sql, left := held("links", where, `UPDATE links t SET removed = true, person = '', at = $6, seq = numbered.seq FROM numbered WHERE t.ctid = numbered.at`)
	sql = strings.Replace(sql, `, changed AS (`, `, numbered AS MATERIALIZED (
			SELECT at, (SELECT head FROM heads WHERE account = '') + row_number() OVER () AS seq FROM found
		), moved AS (
			UPDATE heads SET head = n.head FROM (SELECT max(seq) AS head FROM numbered) n WHERE account = '' AND n.head IS NOT NULL
		), changed AS (`, 1)
	return r.changeUnder(ctx, lockHeadOfLinks, "links", sql, left+` AND $6::timestamptz IS NOT NULL`, string(r.e.Account), r.persons, kinds, values, micro(r.s.opts.Clock.Now()))
}
