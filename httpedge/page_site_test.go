package httpedge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/stretchr/testify/require"
)

// site is a customer's: pages with the pixel on them, and the edge that the pixel talks to.
type site struct {
	t      *testing.T
	edge   *edge
	web    *httptest.Server
	script string // URL of the edge as pages write it
	tap    *tap

	mu    sync.Mutex
	pages map[string]string // by path: what stands in the head
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, pages: map[string]string{}}
	s.web = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.web.Close)
	s.edge = start(t, func(_ *httpedge.Config, d *httpedge.Deps) { d.Clock = nil })
	s.tap = newTap(t, s.edge.addr)
	s.script = "http://" + s.tap.addr
	s.pixels(func(*domain.Pixel) {})
	return s
}

// pixels gives the directory the site's pixel, as changed.
func (s *site) pixels(change func(*domain.Pixel)) {
	p := domain.Pixel{ID: "shop", Origins: []string{s.web.URL, strings.Replace(s.web.URL, "127.0.0.1", "localhost", 1)}}
	change(&p)
	c := s.edge.dir.get().Catalog
	c.Accounts = []domain.Account{{ID: "acme", Pixels: []domain.Pixel{p}}}
	s.edge.dir.set(c)
}

// page puts more into a page's head, before the pixel.
func (s *site) page(path, head string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = head
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	head := s.pages[r.URL.Path]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html><head><title>Page %[1]s</title>%[2]s<script async src="%[3]s/p.js?id=shop"></script></head>
<body><a href="/next">next</a>
<noscript><img src="%[3]s/p.gif?px=shop" referrerpolicy="no-referrer-when-downgrade" width="1" height="1" alt=""></noscript></body></html>`,
		r.URL.Path, head, s.script)
}

// stub is the snippet's first half: commands before the script has arrived.
const stub = `<script>window.leadwire=window.leadwire||function(){(leadwire.q=leadwire.q||[]).push(arguments)}</script>`

// hits waits for n hits in all, and says when more come. Those of types that are not asked for do not count.
func (s *site) hits(n int, types ...domain.HitType) (found []domain.Hit) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		found = nil
		for _, h := range s.edge.seen.kept() {
			for _, one := range types {
				if h.Type == one {
					found = append(found, h)
				}
			}
		}
		return len(found) >= n
	}, browser.Patience, 10*time.Millisecond, "%d hits of %v", n, types)
	require.Len(s.t, found, n, "%v", found)
	return found
}

// open opens a page of the site and waits for its script.
func (s *site) open(p *browser.Page, path string) {
	s.t.Helper()
	require.Equal(s.t, 200, p.Goto(s.web.URL+path))
	p.Wait("window.leadwire && leadwire.on === 1")
}

// quietly checks that the page heard nothing of its pixel.
func quietly(t *testing.T, p *browser.Page) {
	t.Helper()
	require.Empty(t, p.Console())
}

func paths(hits []domain.Hit) (all []string) {
	for _, h := range hits {
		all = append(all, h.Page.Path)
	}
	return all
}

// asks lists what the edge was asked for, scripts aside.
func (s *site) asks() (n int) {
	return strings.Count(s.tap.text(), "POST /p?") + strings.Count(s.tap.text(), "GET /p.gif")
}

// hide makes the page believe that it is out of sight, or in it again: a headless browser has no other tab
// in front.
func hide(p *browser.Page, state string) {
	p.Evaluate(fmt.Sprintf(`Object.defineProperty(document, 'visibilityState', { value: %q, configurable: true }),
		document.dispatchEvent(new Event('visibilitychange')), 0`, state), nil)
}
