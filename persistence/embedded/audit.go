package embedded

import (
	"context"
	"fmt"
	"math"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// Note adds an audit entry; see domain.SuppressionStore.
func (s *Store) Note(ctx context.Context, e domain.AuditEntry) error {
	_, err := s.writer.Do(ctx, op{admin: func(t *tx) error { return t.note(e) }})
	return err
}

func (t *tx) note(e domain.AuditEntry) error {
	err := query(t.conn, `INSERT INTO audit (at, account, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?, ?)`, nil,
		nanos(e.At), string(e.Account), e.Actor, e.Action, e.Subject, e.Detail)
	if err != nil {
		return fmt.Errorf("insert audit entry: %w", err)
	}
	return nil
}

const (
	sqlAudit        = `SELECT seq, at, account, actor, action, subject, detail FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?`
	sqlAuditAccount = `SELECT seq, at, account, actor, action, subject, detail FROM audit WHERE account = ? AND seq < ? ORDER BY seq DESC LIMIT ?`
)

// Audit lists entries, newest first; see domain.SuppressionStore.
func (s *Store) Audit(ctx context.Context, account domain.AccountID, before int64, limit int) (found []domain.AuditEntry, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	scan := func(s *sqlite.Stmt) {
		c := columns{stmt: s}
		found = append(found, domain.AuditEntry{
			Seq: c.int(), At: c.time(), Account: domain.AccountID(c.text()), Actor: c.text(), Action: c.text(), Subject: c.text(), Detail: c.text(),
		})
	}
	err = s.read(ctx, "read audit", func(c *sqlite.Conn) error {
		if account == "" {
			return query(c, sqlAudit, scan, before, int64(limit))
		}
		return query(c, sqlAuditAccount, scan, string(account), before, int64(limit))
	})
	return found, err
}
