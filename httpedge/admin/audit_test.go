package admin_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// The log is read newest first, page by page; a key of one account reads that account's, and not what was done
// for all.
func TestAudit_Pages(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i, key := range []string{w.acme, w.all, w.acme, w.acme, w.all} {
			body := fmt.Sprintf(`{"kind":"email","value":"a%d@shop.example"}`, i)
			if key == w.all {
				body = fmt.Sprintf(`{"kind":"email","value":"a%d@shop.example","scope":"global"}`, i)
			}
			require.Equal(t, 201, w.call(key, "POST", "/api/v1/suppressions", body).status)
		}
		read := func(key, query string) (accounts []string, before int64) {
			var page struct {
				Entries []struct{ Action, Account, Actor string }
				Before  int64
			}
			w.call(key, "GET", "/api/v1/audit?"+query, nil).into(&page)
			for _, e := range page.Entries {
				require.Equal(t, "suppress", e.Action)
				require.Regexp(t, "^key [0-9a-f]{12}$", e.Actor)
				accounts = append(accounts, e.Account)
			}
			return accounts, page.Before
		}
		got, before := read(w.all, "limit=3")
		require.Equal(t, []string{"", "acme", "acme"}, got)
		got, _ = read(w.all, fmt.Sprintf("limit=2&before=%d", before))
		require.Equal(t, []string{"", "acme"}, got)
		got, before = read(w.acme, "limit=2") // what was done for all is not theirs
		require.Equal(t, []string{"acme", "acme"}, got)
		got, before = read(w.acme, fmt.Sprintf("limit=2&before=%d", before))
		require.Equal(t, []string{"acme"}, got)
		require.Zero(t, before, "the last page")
		w.call(w.acme, "GET", "/api/v1/audit?account=rival", nil).refused(403, "", "another account")
		got, _ = read(w.all, "account=rival")
		require.Empty(t, got)
	})
}
