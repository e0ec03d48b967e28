package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// What names somebody without being theirs by any key is found by reading: it is rare, and an index of every hash of
// every hit would be paid for by all of them. The server picks what has the bytes, and Names what is meant.

// VisitorsNaming lists whose visit has a text in it: see domain.VisitStore.
func (s *Store) VisitorsNaming(ctx context.Context, account domain.AccountID, texts []string) ([]domain.VisitorID, error) {
	const doing = "find visitors by what they told"
	if err := check.Texts(doing, check.Given("account", string(account))); err != nil {
		return nil, err
	}
	r := &erasure{s: s, e: domain.Erasure{Account: account, Texts: texts}}
	visitors, err := naming[string](ctx, r, "visits", "t.visitor", "body", "true")
	if err != nil {
		return nil, fail(doing, err)
	}
	all := make([]domain.VisitorID, len(visitors))
	for i, v := range visitors {
		all[i] = domain.VisitorID(v)
	}
	return all, nil
}

// naming reads a table for rows t whose text names the person, and answers with their keys.
func naming[K any](ctx context.Context, r *erasure, table, key, text, where string, args ...any) (found []K, err error) {
	names := domain.NewNames(r.e.Texts)
	needles := make([]string, len(names.Texts()))
	for i, t := range names.Texts() {
		needles[i] = latin(t)
	}
	if len(needles) == 0 {
		return nil, nil
	}
	// A body may be any bytes, so it is read as Latin-1, in which any byte but 0 is a letter.
	err = r.within(ctx, func(tx pgx.Tx) error {
		found = nil
		rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT %[1]s, %[2]s FROM %[3]s t WHERE t.account = $1 AND %[4]s
			AND CASE WHEN position('\x00'::bytea IN %[2]s) > 0 THEN true ELSE EXISTS (
				SELECT 1 FROM (SELECT lower(convert_from(%[2]s, 'LATIN1') COLLATE "C") AS said OFFSET 0) s, unnest($2::text[]) AS u (needle)
				WHERE position(u.needle IN s.said) > 0) END`, key, text, table, where), append([]any{string(r.e.Account), needles}, args...)...)
		if err != nil {
			return err
		}
		var k K
		var b []byte
		_, err = pgx.ForEachRow(rows, []any{&k, &b}, func() error {
			if names.In(b) {
				found = append(found, k)
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", table, err)
	}
	return found, nil
}

// latin reads bytes as Latin-1.
func latin(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
