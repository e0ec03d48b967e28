package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
	"zombiezen.com/go/sqlite"
)

// suppressionRow is a suppression ready to be written.
type suppressionRow struct {
	id   string
	spec []byte
}

func suppressionRows(op string, all []domain.Suppression) ([]suppressionRow, error) {
	rows := make([]suppressionRow, 0, len(all))
	for _, one := range all {
		if err := check.Texts(op, check.Given("suppression.id", one.ID)); err != nil {
			return nil, err
		}
		one.Revision, one.Removed = 0, false // columns
		spec, err := json.Marshal(one)
		if err != nil {
			return nil, domain.Fail(op, domain.Invalid, err)
		}
		rows = append(rows, suppressionRow{one.ID, spec})
	}
	return rows, nil
}

// Suppress adds and removes suppressions; see domain.SuppressionStore. One that is named in both lists is
// in force: to suppress is the safer mistake.
func (s *Store) Suppress(ctx context.Context, add []domain.Suppression, remove []string, audit domain.AuditEntry) (int64, error) {
	rows, err := suppressionRows("suppress", add)
	if err != nil {
		return 0, err
	}
	remove = slices.DeleteFunc(slices.Clone(remove), func(id string) bool {
		return slices.ContainsFunc(add, func(one domain.Suppression) bool { return one.ID == id })
	})
	var revision int64
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) error {
		changed, err := t.suppress(rows, remove)
		if err == nil && changed > 0 {
			if err = t.raiseBasis(); err == nil {
				err = t.note(audit)
			}
		}
		revision = t.basis
		return err
	}})
	if err != nil { // revision may still be written to if ctx ended first
		return 0, err
	}
	return revision, nil
}

// suppress writes rows at the revision that raiseBasis then puts in force, and says how many have changed.
func (t *tx) suppress(add []suppressionRow, remove []string) (changed int, err error) {
	if err := t.step(stepSuppression); err != nil {
		return 0, err
	}
	revision, now := t.basis+1, nanos(t.clock.Now())
	for _, id := range remove {
		err := query(t.conn, `UPDATE suppressions SET revision = ?, removed = 1, changed_at = ? WHERE id = ? AND removed = 0`, nil, revision, now, id)
		if err != nil {
			return 0, fmt.Errorf("remove suppression: %w", err)
		}
		changed += t.conn.Changes()
	}
	for _, row := range add {
		err := query(t.conn, `INSERT INTO suppressions (id, revision, removed, changed_at, spec) VALUES (?, ?, 0, ?, ?)
			ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, removed = 0, changed_at = excluded.changed_at, spec = excluded.spec
			WHERE removed = 1`, nil, row.id, revision, now, row.spec)
		if err != nil {
			return 0, fmt.Errorf("add suppression: %w", err)
		}
		changed += t.conn.Changes()
	}
	return changed, nil
}

// raiseBasis makes everything outdated that was matched before. The mirror is raised at once, so that what
// follows in the same batch is measured by it; if the batch fails, it is read again.
func (t *tx) raiseBasis() error {
	t.basis++
	t.inForce.Store(unread)
	return putSetting(t.conn, settingSuppressions, []byte(strconv.FormatInt(t.basis, 10)))
}

func (t *tx) loadBasis() (err error) {
	t.basis, err = settingNumber(t.conn, settingSuppressions)
	return err
}

// unread is no revision: it has to be read from the file.
const unread = -1

// SuppressionRevision reads the revision in force; see domain.SuppressionStore. It is asked before every attempt at an
// endpoint, and nearly always the writer, which alone can change it, remembers it.
func (s *Store) SuppressionRevision(ctx context.Context) (revision int64, err error) {
	const op = "read suppressions' revision"
	if revision = s.tx.inForce.Load(); revision != unread {
		if !s.enter() {
			return 0, domain.Fail(op, domain.Unavailable, errClosed)
		}
		s.reading.Done()
		return revision, nil
	}
	err = s.read(ctx, op, func(c *sqlite.Conn) (err error) {
		revision, err = settingNumber(c, settingSuppressions)
		return err
	})
	return revision, err
}

const (
	// With an id it goes on inside a revision, without one it begins after it.
	sqlSuppressionsOn    = `SELECT revision, removed, spec FROM suppressions WHERE (revision, id) > (?, ?) ORDER BY revision, id LIMIT ?`
	sqlSuppressionsAfter = `SELECT revision, removed, spec FROM suppressions WHERE revision > ? ORDER BY revision, id LIMIT ?`
)

// SuppressionsSince lists what has changed; see domain.SuppressionStore.
func (s *Store) SuppressionsSince(ctx context.Context, revision int64, id string, limit int) (found []domain.Suppression, err error) {
	err = s.read(ctx, "list suppressions", func(c *sqlite.Conn) error {
		var bad error
		scan := func(s *sqlite.Stmt) {
			c := columns{stmt: s}
			at, removed := c.int(), c.int() != 0
			var one domain.Suppression
			if err := json.Unmarshal(c.bytes(), &one); err != nil {
				bad = domain.Fail("read suppression", domain.Internal, err)
			}
			one.Revision, one.Removed = at, removed
			found = append(found, one)
		}
		var err error
		if id == "" {
			err = query(c, sqlSuppressionsAfter, scan, revision, int64(limit))
		} else {
			err = query(c, sqlSuppressionsOn, scan, revision, id, int64(limit))
		}
		if err == nil {
			err = bad
		}
		return err
	})
	return found, err
}
