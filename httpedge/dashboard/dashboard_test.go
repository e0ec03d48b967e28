package dashboard_test

import (
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

// Nothing but the files is served.
func TestHandler_NothingElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/assets/", "/assets/index.html", "/app.js", "/assets/../dashboard.go", "/assets/%2e%2e/dashboard.go"} {
		require.Equal(t, 404, get(path).StatusCode(), path)
	}
}

// Data is never read as markup: the calls that would are not in the code.
func TestScripts_NoMarkupFromData(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/assets/app.js", "/assets/leadstream.js"} {
		body := string(get(path).Body())
		for _, call := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
			require.NotContains(t, body, call, path)
		}
	}
}
