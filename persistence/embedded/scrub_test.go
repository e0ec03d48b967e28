package embedded

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Rows that grow push their neighbours to other pages, and SQLite leaves a copy behind that deleting the row
// does not reach, secure_delete or not. The wipe does, and what the writer remembers of a page does not bring
// it back.
func TestScrub_WipesWhatMovedRowsLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, Options{}).Store.(*Store)
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 400
	spec := func(i int) []byte {
		if i%5 == 0 {
			return []byte(strings.Repeat("Lovelace-", 3+r.IntN(90)))
		}
		return []byte(strings.Repeat("neighbour-", 3+r.IntN(90)))
	}
	run := func(times int, sql string, args func(i int) []any) {
		_, err := s.writer.Do(t.Context(), op{admin: func(t *tx) error {
			for i := range times {
				if err := query(t.conn, sql, nil, args(i)...); err != nil {
					return err
				}
			}
			return nil
		}})
		require.NoError(t, err)
	}
	const update = `UPDATE visits SET visit = ? WHERE visitor = ?`
	run(rows, `INSERT INTO visits (account, visitor, person, born_at, revision, event_seq, updated_at, visit) VALUES ('acme', ?, '', 1, 1, 0, 1, ?)`,
		func(i int) []any { return []any{fmt.Sprint(i), spec(i)} })
	run(2000, update, func(int) []any { i := r.IntN(rows); return []any{spec(i), fmt.Sprint(i)} })
	run(rows/5, `DELETE FROM visits WHERE visitor = ?`, func(i int) []any { return []any{fmt.Sprint(5 * i)} })
	require.NoError(t, s.withoutLog(t.Context(), func() error { return nil }))
	require.NotEmpty(t, found(t, dir, "Lovelace"), "SQLite leaves copies: else all of this is for nothing")

	require.NoError(t, s.scrub(t.Context()))
	require.Empty(t, found(t, dir, "Lovelace"))
	for range 20 { // the same pages are written again
		run(100, update, func(int) []any { i := 5*r.IntN(rows/5) + 1; return []any{spec(i), fmt.Sprint(i)} })
	}
	require.Empty(t, found(t, dir, "Lovelace"))
	require.NoError(t, s.withoutLog(t.Context(), func() error { return nil }))
	require.Empty(t, found(t, dir, "Lovelace"))
	require.NoError(t, s.read(t.Context(), "check", checkIntegrity))
}

// A page that is not what it looks like is left alone.
func TestGapOf_ReadsOnlySoundPages(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why    string
		number int64
		head   []byte
		want   gap
		sound  bool
	}{
		{"a leaf with two cells", 2, []byte{0x0d, 0, 0, 0, 2, 0x0f, 0}, gap{12, 0xf00}, true},
		{"an inner page has a longer header", 2, []byte{0x05, 0, 0, 0, 2, 0x0f, 0}, gap{16, 0xf00}, true},
		{"a leaf without cells is all gap", 2, []byte{0x0a, 0, 0, 0, 0, 0x10, 0}, gap{8, pageSize}, true},
		{"an overflow page begins with a number", 2, []byte{0, 0, 0, 7, 0xff, 0xff}, gap{}, true},
		{"the schema is nobody's", 1, []byte("SQLite format 3\x00"), gap{}, true},
		{"cells beyond the page", 2, []byte{0x0d, 0, 0, 0, 2, 0xff, 0}, gap{}, false},
		{"more cells than there is space", 2, []byte{0x0d, 0, 0, 0xff, 0xff, 0x0f, 0}, gap{}, false},
	} {
		page := make([]byte, pageSize)
		copy(page, row.head)
		got, sound := gapOf(page, row.number)
		require.Equal(t, row.sound, sound, row.why)
		require.Equal(t, row.want, got, row.why)
	}
}
