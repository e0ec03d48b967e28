package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A row that is deleted or changed stays in its page until something else is written over it, which may be
// never. So the tables that an erasure touched are written anew, and the old files go:
//
//	up to rewriteLimit   CLUSTER: nobody else gets in for as long as it takes, about a second
//	a day that is over   a copy is made aside, which hinders nobody, and takes its place
//	today, yesterday     wait until they are over
//	any other, larger    waits for the operator's VACUUM FULL or pg_repack: see docs/store.md
//
// What is to be done is a row in erasures_due, written by the transaction that erased, so a crash forgets
// nothing. It is done once the table has other files, whoever made them.

// rewriteLimit is how large a table may be, its indexes aside, that is rewritten under an exclusive lock. 130 MB
// of leads took 6 s on two cores with twenty others at work: half of that is below what a commit waits for
// (Options.StatementTimeout) even then.
const rewriteLimit = 64 << 20

// rewriteLater notes a table of this schema. The caller's transaction is the one that erases in it.
func rewriteLater(ctx context.Context, tx pgx.Tx, relation string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO erasures_due (relation, filenode, xid, since)
		SELECT $1::text, pg_relation_filenode($1::text::regclass), pg_current_xact_id(), now()
		ON CONFLICT (relation) DO UPDATE SET filenode = excluded.filenode, xid = excluded.xid`, relation); err != nil {
		return fmt.Errorf("note %s to be rewritten: %w", relation, err)
	}
	return nil
}

// due is a table to be rewritten.
type due struct {
	relation, index string
	size            int64
	ready           bool // nobody sees before the erasure any more: what it removed need not be kept for anyone
}

// sqlDue leaves out what is done: the table is gone, or has other files.
const sqlDue = `SELECT d.relation::text, x.relname::text, pg_table_size(c.oid),
    d.xid < pg_snapshot_xmin(pg_current_snapshot())
    AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = current_database() AND age(a.backend_xmin) >= age(d.xid::xid) AND a.pid <> pg_backend_pid())
    AND NOT EXISTS (SELECT 1 FROM pg_replication_slots r WHERE age(r.xmin) >= age(d.xid::xid))
FROM erasures_due d
JOIN pg_class c ON c.oid = to_regclass(d.relation::text) AND pg_relation_filenode(c.oid) = d.filenode
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_class x ON x.oid = i.indexrelid
ORDER BY d.since`

// rewrite does what can be done now.
func (m *maintenance) rewrite(ctx context.Context) error {
	all, err := m.listDue(ctx)
	if err != nil {
		return err
	}
	left := len(all)
	for _, d := range all {
		day, over := m.dayOver(d.relation)
		var how func(context.Context, pgx.Tx) error
		switch {
		case !d.ready:
		case d.size <= rewriteLimit:
			how = d.cluster
		case over:
			how = func(ctx context.Context, tx pgx.Tx) error { return day.replace(ctx, tx, d.relation) }
		default:
			m.s.opts.Log.Warn("a table is too large to be rewritten under traffic; it holds bytes of somebody erased", "table", d.relation, "bytes", d.size)
		}
		if how == nil {
			continue
		}
		if err := m.locked(ctx, func(tx pgx.Tx) error { return how(ctx, tx) }); err != nil {
			return fmt.Errorf("rewrite %s: %w", d.relation, err)
		}
		left--
	}
	m.s.metrics.unerased.Set(float64(left))
	return m.forgetDone(ctx)
}

func (m *maintenance) listDue(ctx context.Context) ([]due, error) {
	rows, err := m.s.readers.Query(ctx, sqlDue)
	if err != nil {
		return nil, fmt.Errorf("list tables to be rewritten: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		return d, row.Scan(&d.relation, &d.index, &d.size, &d.ready)
	})
}

// forgetDone removes what has other files by now. An erasure that came meanwhile has noted the new ones.
func (m *maintenance) forgetDone(ctx context.Context) error {
	if _, err := m.s.readers.Exec(ctx, `DELETE FROM erasures_due d
		WHERE NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = to_regclass(d.relation::text) AND pg_relation_filenode(c.oid) = d.filenode)`); err != nil {
		return fmt.Errorf("forget tables that are rewritten: %w", err)
	}
	return nil
}

// dayOver says whose day a table is, and whether nothing is written to it any more: a clock may be behind, and
// a decision may come after midnight.
func (m *maintenance) dayOver(relation string) (dayTable, bool) {
	for _, d := range dayTables {
		if at, ok := d.dayFrom(relation); ok {
			return d, at.Add((1 + daysBehind) * day).Before(m.now)
		}
	}
	return dayTable{}, false
}

// cluster writes a table anew, with its indexes and what is kept beside it. Unlike VACUUM FULL it may stand in
// a transaction, where the limits of maintenance hold.
func (d due) cluster(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`CLUSTER %s USING %s`, pgx.Identifier{d.relation}.Sanitize(), pgx.Identifier{d.index}.Sanitize()))
	return err
}

// replace puts a copy in the place of a day that is over. The copy is made while others read; then they wait
// for as long as it takes to hang a table out and in.
func (d dayTable) replace(ctx context.Context, tx pgx.Tx, name string) error {
	at, _ := d.dayFrom(name)
	from, to := bound(at), bound(at.AddDate(0, 0, 1))
	fresh := name + "_new"
	statements := append([]string{`SET LOCAL statement_timeout = '1h'`, fmt.Sprintf(`LOCK TABLE %s IN SHARE MODE`, name)}, d.build(fresh)...)
	statements = append(statements,
		fmt.Sprintf(`INSERT INTO %s SELECT * FROM %s`, fresh, name),
		// Attaching believes it, and does not read the copy once more.
		fmt.Sprintf(`ALTER TABLE %s ADD CONSTRAINT of_its_day CHECK (%s IS NOT NULL AND %s >= %s AND %s < %s)`, fresh, d.column, d.column, from, d.column, to),
		fmt.Sprintf(`ALTER TABLE %s DETACH PARTITION %s`, d.name, name),
		`DROP TABLE `+name,
		fmt.Sprintf(`ALTER TABLE %s RENAME TO %s`, fresh, name),
		fmt.Sprintf(`ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)`, d.name, name, from, to),
		fmt.Sprintf(`ALTER TABLE %s DROP CONSTRAINT of_its_day`, name))
	return together(ctx, tx, statements)
}
