package admin_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pixel is read and written in the words of a catalog's file, and an edit of an old reading is refused.
func TestPixels_Edit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		body := `{"origins":["https://blog.example"],"session_idle":"20m","announce":{"min_duration":"10s","frequency":{"max":3,"per":"24h"}}}`
		made := w.call(w.acme, "PUT", "/api/v1/pixels/blog", body)
		require.Equal(t, 201, made.status, string(made.body))
		read := w.call(w.acme, "GET", "/api/v1/pixels/blog", nil)
		require.Equal(t, made.header.Get("ETag"), read.header.Get("ETag"))
		require.JSONEq(t, `{"account":"acme","pixel":{"id":"blog","origins":["https://blog.example"],"session_idle":"20m0s",
		"announce":{"min_duration":"10s","frequency":{"max":3,"per":"24h0m0s"}}}}`, string(read.body))

		paused := w.call(w.acme, "PUT", "/api/v1/pixels/blog", `{"origins":["https://blog.example"],"paused":true}`, "If-Match", read.header.Get("ETag"))
		require.Equal(t, 200, paused.status, string(paused.body))
		require.True(t, w.book.directory().Pixel("blog").Pixel.Paused)
		w.call(w.acme, "PUT", "/api/v1/pixels/blog", body, "If-Match", read.header.Get("ETag")).refused(409, "", "has changed since")
		require.True(t, w.book.directory().Pixel("blog").Pixel.Paused, "nothing was written")

		require.Equal(t, 204, w.call(w.acme, "DELETE", "/api/v1/pixels/blog", nil).status)
		w.call(w.acme, "GET", "/api/v1/pixels/blog", nil).refused(404, "", "no such pixel")
		entries := w.audit()
		require.Equal(t, "pixel.delete", entries[0].Action)
		require.Equal(t, "pixel.put", entries[1].Action)
		require.Equal(t, "pixel.put", entries[2].Action)
		require.Equal(t, "pixel blog", entries[0].Subject)

		written := len(entries)
		shop := w.call(w.acme, "GET", "/api/v1/pixels/shop", nil)
		var same struct{ Pixel json.RawMessage }
		shop.into(&same)
		require.Equal(t, 200, w.call(w.acme, "PUT", "/api/v1/pixels/shop", string(same.Pixel)).status)
		require.Len(t, w.audit(), written, "what changes nothing is no change, and no line")
	})
}

// The rules are those of the catalog, and a pixel's id is one among all accounts.
func TestPixels_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for name, row := range map[string]struct {
			key, method, path, body string
			status                  int
			field, detail           string
		}{
			"no origins":                  {w.acme, "PUT", "blog", `{}`, 400, "accounts[0].pixels[2].origins", "must list"},
			"an empty body":               {w.acme, "PUT", "blog", ``, 400, "", "empty"},
			"a field that nobody knows":   {w.acme, "PUT", "blog", `{"origin":"x"}`, 400, "", "origin"},
			"two of them":                 {w.acme, "PUT", "blog", "id: blog\n---\nid: blog\n", 400, "", "behind the pixel"},
			"another id than the path's":  {w.acme, "PUT", "blog", `{"id":"shop"}`, 400, "id", "path"},
			"an id that is taken":         {w.acme, "PUT", "theirs", `{"origins":["https://a.example"]}`, 409, "", "taken"},
			"a platform without a name":   {w.all, "PUT", "blog", `{"origins":["https://a.example"]}`, 400, "account", "must be given"},
			"another account's, to read":  {w.acme, "GET", "theirs", ``, 404, "", "no such pixel"},
			"another account's, to erase": {w.acme, "DELETE", "theirs", ``, 404, "", "no such pixel"},
		} {
			t.Log(name)
			w.call(row.key, row.method, "/api/v1/pixels/"+row.path, row.body).refused(row.status, row.field, row.detail)
		}
		w.call(w.acme, "PUT", "/api/v1/pixels/shop", `{"origins":["https://a.example"]}`, "If-Match", "yesterday").refused(400, "If-Match", "ETag")
	})
}

// A list shows an account its own, and the platform all or one's.
func TestPixels_List(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		count := func(key, query string) int {
			var got struct{ Pixels []struct{ Account string } }
			w.call(key, "GET", "/api/v1/pixels"+query, nil).into(&got)
			return len(got.Pixels)
		}
		require.Equal(t, 2, count(w.acme, ""))
		require.Equal(t, 3, count(w.all, ""))
		require.Equal(t, 1, count(w.all, "?account=rival"))
	})
}

// A graph is opened before anybody is told to use it.
func TestGraph_Use(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.all, "PUT", "/api/v1/graph", `{"path":"/broken.lwg"}`).refused(400, "", "cannot be used on this node")
		w.call(w.all, "PUT", "/api/v1/graph", `{"path":"graph.lwg"}`).refused(400, "graph", "absolute")
		w.call(w.all, "PUT", "/api/v1/graph", `{}`).refused(400, "path", "must be given")
		require.Empty(t, w.book.directory().Catalog.Graph)
		require.JSONEq(t, `{"path":"/good.lwg","file":{"path":"/good.lwg","keys":3}}`, string(w.call(w.all, "PUT", "/api/v1/graph", `{"path":"/good.lwg"}`).body))
		require.Equal(t, "/good.lwg", w.book.directory().Catalog.Graph)
		require.JSONEq(t, `{"path":"/good.lwg"}`, string(w.call(w.all, "GET", "/api/v1/graph", nil).body))
		require.Equal(t, 200, w.call(w.all, "PUT", "/api/v1/graph", `{"path":""}`).status)
		require.Empty(t, w.book.directory().Catalog.Graph)
		require.Equal(t, "graph.use", w.audit()[0].Action)
		require.Empty(t, w.audit()[0].Subject)
		require.Equal(t, "/good.lwg", w.audit()[1].Subject)
	})
}
