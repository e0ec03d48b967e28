// Package dashboard is the page a buyer watches: leads appear on it by themselves. Beside it is the page an operator
// watches.
//
//	index.html ── app.js ──▶ the table, the banner, the marks
//	                │
//	          leadstream.js ──▶ GET /api/buyer/leads    the truth, with its ETag
//	                       ──▶ GET /api/buyer/events   the stream, a hint to the truth
//	                       ──▶ POST /api/buyer/seen    when rows were on the screen
//
//	ops/index.html ── ops.js ──▶ the key, and how reading goes
//	                    │   └── cluster.js, standing.js ──▶ the section "Cluster"
//	                 watch.js ──▶ GET /api/v1/cluster     every two seconds, with an API key
//
// What it promises:
//
//   - An event's row is on the screen in the frame after it arrived, from the event itself: no request is
//     made for it, and 500 events in a burst are one repaint.
//   - A row is never shown older than it was, twice, or out of place, however stream and pull interleave.
//   - What the page shows is known to be current or said not to be: a connection that is lost, silent or
//     refused has a banner with the time up to which the table is right.
//   - An operator's key stays in the tab it was typed into, and nothing that it opened is shown once it is refused.
//   - Data is text. Nothing of a lead is ever read as markup, and no script runs that is not served here.
//
// leadstream.js holds all knowledge of the protocol and depends on nothing, so that other pages can use
// it. Everything is embedded, as it is written: there is no build step.
//
// The package serves files. It knows no buyer and no key: the pages' own requests carry the buyer's cookie, or the
// operator's key.
package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"path"

	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load what this server serves and talk to it and to the nodes beside it, and nothing else: no inline script or
// style, no frame around it, no form to anywhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'"

// operators is where their page is.
const operators = "/ops"

// pages are served under addresses that people type.
var pages = map[string]string{"assets/index.html": "/", "assets/ops/index.html": operators} //nolint:gochecknoglobals // a value

// file is one asset, ready to be sent.
type file struct {
	kind string // media type
	tag  string // ETag: names the content
	body []byte
}

// Handler serves GET /, GET /ops and GET /assets/...; other paths are answered 404. Files are few and revalidated
// with their ETag at every visit, so that a new version is never mixed with an old one for long. nodes lists where browsers
// reach the nodes, for the streams of buyers; nil: here only.
func Handler(nodes func() []string) fasthttp.RequestHandler {
	files, err := load()
	return func(ctx *fasthttp.RequestCtx) {
		if err != nil { // the binary was built without its files
			problem.FromError(err).Write(ctx)
			return
		}
		f, ok := files[string(ctx.Path())]
		if !ok {
			problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such file"}.Write(ctx)
			return
		}
		var beside []string
		if nodes != nil && string(ctx.Path()) != operators { // an API key has no business there
			beside = nodes()
		}
		f.serve(ctx, beside)
	}
}

func (f file) serve(ctx *fasthttp.RequestCtx, nodes []string) {
	h := &ctx.Response.Header
	policy := policy
	for _, node := range nodes {
		policy += " " + node + "/api/buyer/"
	}
	if len(nodes) > 0 { // a copy that is good has a good policy
		sum := sha256.Sum256([]byte(f.tag + policy))
		f.tag = `"` + hex.EncodeToString(sum[:12]) + `"`
	}
	h.Set(fasthttp.HeaderETag, f.tag)
	h.Set(fasthttp.HeaderCacheControl, "no-cache")
	h.Set(fasthttp.HeaderContentSecurityPolicy, policy)
	h.Set(fasthttp.HeaderXContentTypeOptions, "nosniff")
	h.Set(fasthttp.HeaderReferrerPolicy, "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if bytes.Contains(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), []byte(f.tag)) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	ctx.SetContentType(f.kind)
	ctx.SetBody(f.body)
}

// load reads the embedded files by the paths they are served under.
func load() (map[string]file, error) {
	files := map[string]file{}
	err := fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		f := file{kind: kindOf(name), tag: `"` + hex.EncodeToString(sum[:12]) + `"`, body: body}
		at, page := pages[name]
		if !page {
			at = "/" + name
		}
		files[at] = f
		return nil
	})
	if err != nil {
		return nil, domain.Fail("read the dashboard's files", domain.Internal, err)
	}
	return files, nil
}

// kindOf does not ask the machine first: its own tables may call a script text/plain, which nosniff then
// keeps from running.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}
