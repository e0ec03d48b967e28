package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// pathOf is a route's path with something in the place of its parameter.
func pathOf(r admin.Route) string {
	before, rest, found := strings.Cut(r.Path, "{")
	if !found {
		return before
	}
	_, behind, _ := strings.Cut(rest, "}")
	return before + "x" + behind
}

// Every route asks for a key, and for the one scope it says.
func TestRoutes_AskForTheirScope(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		used := map[apikey.Scope]bool{}
		for _, r := range admin.Routes() {
			used[r.Scope] = true
			a := w.call("", r.Method, pathOf(r), nil)
			a.refused(401, "", "missing")
			require.Equal(t, `Bearer realm="leadwire"`, a.header.Get("WWW-Authenticate"), r.Path)
			others := slices.DeleteFunc(apikey.Scopes(), func(s apikey.Scope) bool { return s == r.Scope })
			w.call(w.key("", others...), r.Method, pathOf(r), nil).refused(403, "", string(r.Scope))
		}
		require.Len(t, used, len(apikey.Scopes()), "a scope that no route asks for")
		require.Len(t, w.counted("leadwire_api_calls_total", "route"), len(admin.Routes()))
	})
}

// Keys that do not open are counted by reason.
func TestAuthenticate_Counts(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		other, _, _ := apikey.New()
		forged := w.all[:len(w.all)-43] + other[len(other)-43:]
		w.call(forged, "GET", "/api/v1/pixels", nil).refused(401, "", "forged")
		w.call(other, "GET", "/api/v1/pixels", nil).refused(401, "", "unknown")
		w.call("nonsense", "GET", "/api/v1/pixels", nil).refused(401, "", "malformed")
		require.Equal(t, http.StatusOK, w.call(w.all, "GET", "/api/v1/pixels", nil).status)
		require.Equal(t, map[string]float64{"forged": 1, "unknown": 1, "malformed": 1}, w.counted("leadwire_api_keys_refused_total", "reason"))
	})
}

// A key of one account stays in it; a key of the platform says which it means, and means one that is there.
func TestRoutes_Account(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/api/v1/announcements", "/api/v1/people/x"} {
			require.Equal(t, 200, w.call(w.acme, "GET", path, nil).status, "its own, named or not")
			require.Equal(t, 200, w.call(w.acme, "GET", path+"?account=acme", nil).status)
			w.call(w.acme, "GET", path+"?account=rival", nil).refused(403, "", "another account")
			w.call(w.all, "GET", path, nil).refused(400, "account", "must be given")
			w.call(w.all, "GET", path+"?account=nobody", nil).refused(404, "", "no account")
			w.call(w.all, "GET", path+"?account=a/b", nil).refused(400, "account", "must be 1 to 64")
			require.Equal(t, 200, w.call(w.all, "GET", path+"?account=rival", nil).status)
		}
	})
}

// A body has an end, and a page a length.
func TestRoutes_Limits(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.all, "POST", "/api/v1/suppressions", strings.Repeat(" ", 1<<20+1)).refused(400, "", "over 1048576 bytes")
		w.call(w.all, "PUT", "/api/v1/pixels/shop", strings.Repeat("#", 256<<10+1)).refused(400, "", "over 262144 bytes")
		w.call(w.acme, "GET", "/api/v1/announcements?limit=501", nil).refused(400, "limit", "1 to 500")
		w.call(w.acme, "GET", "/api/v1/audit?limit=0", nil).refused(400, "limit", "1 to 1000")
		w.call(w.acme, "GET", "/api/v1/suppressions?cursor=Z", nil).refused(400, "cursor", "next_cursor")
	})
}
