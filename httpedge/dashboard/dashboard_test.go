package dashboard_test

import (
	"maps"
	gopath "path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/httpedge/dashboard"
)

func get(path string, headers ...string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI(path)
	for i := 0; i+1 < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	dashboard.Handler(nil)(&ctx)
	return &ctx.Response
}

// Every file comes with its type, its ETag, and the headers that keep strangers' scripts out.
func TestHandler_Files(t *testing.T) {
	t.Parallel()
	for path, kind := range map[string]string{
		"/":                     "text/html; charset=utf-8",
		"/assets/app.js":        "text/javascript; charset=utf-8",
		"/assets/leadstream.js": "text/javascript; charset=utf-8",
		"/assets/app.css":       "text/css; charset=utf-8",
		"/assets/icon.svg":      "image/svg+xml",
		"/ops":                  "text/html; charset=utf-8",
		"/assets/ops/ops.js":    "text/javascript; charset=utf-8",
		"/assets/ops/ops.css":   "text/css; charset=utf-8",
	} {
		t.Run(path, func(t *testing.T) {
			r := get(path)
			require.Equal(t, 200, r.StatusCode())
			require.Equal(t, kind, string(r.Header.ContentType()))
			require.Equal(t, "no-cache", string(r.Header.Peek("Cache-Control")))
			require.Equal(t, "nosniff", string(r.Header.Peek("X-Content-Type-Options")))
			require.Equal(t, "no-referrer", string(r.Header.Peek("Referrer-Policy")))
			policy := string(r.Header.Peek("Content-Security-Policy"))
			require.Contains(t, policy, "default-src 'none'")
			require.NotContains(t, policy, "unsafe")

			again := get(path, "If-None-Match", string(r.Header.Peek("ETag")))
			require.Equal(t, 304, again.StatusCode())
			require.Empty(t, again.Body())
			require.Equal(t, 200, get(path, "If-None-Match", `"another"`).StatusCode())
		})
	}
}

// A buyer's page may open streams on the nodes beside this one; the operator's page, which has an API key, talks to this
// one alone.
func TestHandler_WhomPagesMayAsk(t *testing.T) {
	t.Parallel()
	handle := dashboard.Handler(func() []string { return []string{"https://two.example"} })
	for path, beside := range map[string]bool{"/": true, "/ops": false} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path)
		handle(&ctx)
		policy := string(ctx.Response.Header.Peek("Content-Security-Policy"))
		require.Contains(t, policy, "connect-src 'self'")
		require.Equal(t, beside, strings.Contains(policy, "two.example"), path)
	}
}

// Nothing but the files is served.
func TestHandler_NothingElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/assets/", "/assets/index.html", "/assets/ops", "/assets/ops/", "/assets/ops/index.html", "/ops/", "/ops.js", "/app.js", "/assets/../dashboard.go", "/assets/%2e%2e/dashboard.go"} {
		require.Equal(t, 404, get(path).StatusCode(), path)
	}
}

// loads are what a page names in its markup and its modules, itself included.
func loads(t *testing.T, page string) map[string]string {
	t.Helper()
	all, next := map[string]string{}, []string{page}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		if all[path] != "" {
			continue
		}
		r := get(path)
		require.Equal(t, 200, r.StatusCode(), "%s is named and not there", path)
		all[path] = string(r.Body())
		for _, found := range named.FindAllStringSubmatch(all[path], -1) {
			if found[1] != "" {
				next = append(next, found[1])
			} else {
				next = append(next, "/"+gopath.Join(gopath.Dir(path), found[2])[1:])
			}
		}
	}
	return all
}

// named finds what markup names by its place, and modules beside their own.
var named = regexp.MustCompile(`(?:href|src)="(/[^"]+)"|from '(\./[^']+)'`) //nolint:gochecknoglobals // a value

// A page is little: nobody waits for it on a phone, and nothing crept in.
func TestPages_AreSmall(t *testing.T) {
	t.Parallel()
	for page, most := range map[string]int{"/": 48 << 10, "/ops": 48 << 10} {
		sum := 0
		for path, body := range loads(t, page) {
			sum += len(body)
			require.NotRegexp(t, `(?i)https?://[^\s"']+\.(js|css|woff2?)`, body, "%s loads from elsewhere", path)
		}
		require.Less(t, sum, most, page)
		require.Greater(t, sum, 10<<10, "%s loads more than its markup", page)
	}
}

// Nothing of the page's markup is script or style, which its policy would refuse.
func TestPages_NoInlineCode(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"/", "/ops"} {
		require.NotRegexp(t, `(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:`, string(get(page).Body()), page)
	}
}

// Data is never read as markup: the calls that would are not in the code.
func TestScripts_NoMarkupFromData(t *testing.T) {
	t.Parallel()
	scripts := loads(t, "/")
	maps.Copy(scripts, loads(t, "/ops"))
	for path, body := range scripts {
		for _, call := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			require.NotContains(t, body, call, path)
		}
	}
}
