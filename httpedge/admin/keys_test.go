package admin_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type keyShown struct {
	ID, Account, Name, Key string
	Scopes                 []string
}

// A key is shown once, works at once on the node that made it, and is refused as soon as it is revoked.
func TestKeys_Life(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var made keyShown
		a := w.call(w.acme, "POST", "/api/v1/keys", map[string]any{"name": "shop backend", "scopes": []string{"pixels:read"}}).into(&made)
		require.Equal(t, 201, a.status)
		require.Equal(t, "acme", made.Account, "a key of an account makes keys of that account")
		require.Equal(t, 200, w.call(made.Key, "GET", "/api/v1/pixels", nil).status)

		list := w.call(w.acme, "GET", "/api/v1/keys", nil)
		require.Contains(t, string(list.body), made.ID)
		require.NotContains(t, string(list.body), made.Key)
		require.NotContains(t, strings.ToLower(string(list.body)), "hash")

		require.Equal(t, 204, w.call(w.acme, "DELETE", "/api/v1/keys/"+made.ID, nil).status)
		w.call(made.Key, "GET", "/api/v1/pixels", nil).refused(401, "", "unknown")
		w.call(w.acme, "DELETE", "/api/v1/keys/"+made.ID, nil).refused(404, "", "no such key")
		entries := w.audit()
		require.Equal(t, "key.revoke", entries[0].Action)
		require.Equal(t, "key.create", entries[1].Action)
		require.Equal(t, "key "+made.ID, entries[1].Subject)
	})
}

// Nobody gives away what they do not have.
func TestKeys_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		clerk := w.key("acme", "keys:write", "pixels:read")
		for name, row := range map[string]struct {
			key, body     string
			status        int
			field, detail string
		}{
			"a scope that the maker lacks":    {clerk, `{"scopes":["people:erase"]}`, 403, "", "does not have"},
			"another account":                 {clerk, `{"scopes":["pixels:read"],"account":"rival"}`, 403, "", "another account"},
			"the graph, for one account":      {w.all, `{"scopes":["graph:write"],"account":"acme"}`, 400, "scopes[0]", "over all accounts"},
			"an account that is not there":    {w.all, `{"scopes":["pixels:read"],"account":"nobody"}`, 404, "", "no account"},
			"a scope that nobody knows":       {w.all, `{"scopes":["everything"]}`, 400, "scopes[0]", "must be one of"},
			"a key that may do nothing":       {w.all, `{}`, 400, "scopes", "at least one"},
			"a key that is over already":      {w.all, `{"scopes":["pixels:read"],"expires_at":"2020-01-01T00:00:00Z"}`, 400, "expires_at", "future"},
			"a name that is a whole sentence": {w.all, `{"scopes":["pixels:read"],"name":"` + strings.Repeat("x", 201) + `"}`, 400, "name", "at most 200"},
		} {
			t.Log(name)
			w.call(row.key, "POST", "/api/v1/keys", row.body).refused(row.status, row.field, row.detail)
		}
	})
}

// A key of one account neither sees nor revokes another's.
func TestKeys_OfAnother(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var theirs keyShown
		w.call(w.all, "POST", "/api/v1/keys", `{"account":"rival","scopes":["pixels:read"]}`).into(&theirs)
		require.NotContains(t, string(w.call(w.acme, "GET", "/api/v1/keys", nil).body), theirs.ID)
		w.call(w.acme, "DELETE", "/api/v1/keys/"+theirs.ID, nil).refused(404, "", "no such key")
		require.Equal(t, 200, w.call(theirs.Key, "GET", "/api/v1/pixels", nil).status)
	})
}
