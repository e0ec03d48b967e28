package browser

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// Page is one tab with cookies of its own. Its methods fail the test when they do not succeed.
type Page struct {
	t       testing.TB
	browser *Browser
	id      string
}

// Look is how a page is shown. Zero: light, 1200 by 800 pixels.
type Look struct {
	Dark          bool
	Width, Height int
	NoScripts     bool
	GPC           bool // it opts out by Global Privacy Control
}

// Page opens an empty page that is closed with the test.
func (b *Browser) Page(t testing.TB, look Look) *Page {
	t.Helper()
	p := &Page{t: t, browser: b}
	p.do(request{"op": "open", "dark": look.Dark, "width": look.Width, "height": look.Height,
		"scripts": !look.NoScripts, "gpc": look.GPC}, &p.id)
	t.Cleanup(func() { _, _ = b.call(request{"op": "close", "page": p.id}) })
	return p
}

// Another opens a page beside this one, with cookies of its own: another device.
func (p *Page) Another() *Page {
	p.t.Helper()
	return p.browser.Page(p.t, Look{})
}

// do asks the driver and fails the test on an error. It gathers what the console had to say of it.
func (p *Page) do(what request, into any) {
	p.t.Helper()
	if p.id != "" {
		what["page"] = p.id
	}
	value, err := p.browser.call(what)
	if err != nil {
		said, _ := p.browser.call(request{"op": "console", "page": p.id})
		require.FailNow(p.t, err.Error(), "the console said: %s", said)
	}
	if into != nil {
		require.NoError(p.t, json.Unmarshal(value, into))
	}
}

// Goto opens a URL, waits for it to load, and returns the status.
func (p *Page) Goto(url string) (status int) {
	p.t.Helper()
	p.do(request{"op": "goto", "url": url}, &status)
	return status
}

// Back goes back in the page's history.
func (p *Page) Back() {
	p.t.Helper()
	p.do(request{"op": "back"}, nil)
}

// Evaluate runs an expression in the page and reads its value, which JSON must be able to carry. A promise
// is waited for.
func (p *Page) Evaluate(script string, into any) {
	p.t.Helper()
	p.do(request{"op": "evaluate", "script": script}, into)
}

// Wait waits until an expression is true.
func (p *Page) Wait(script string) {
	p.t.Helper()
	p.do(request{"op": "wait", "script": script, "timeout": Patience.Milliseconds()}, nil)
}

// Click clicks what a CSS selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do(request{"op": "click", "selector": selector}, nil)
}

// Type types a text where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.do(request{"op": "type", "text": text}, nil)
}

// Press presses a key where the focus is: "Enter", "Tab", "Shift+Tab".
func (p *Page) Press(key string) {
	p.t.Helper()
	p.do(request{"op": "press", "key": key}, nil)
}

// Cookie gives the page a cookie for a URL, as HttpOnly as the server's own.
func (p *Page) Cookie(url, name, value string) {
	p.t.Helper()
	p.do(request{"op": "cookie", "url": url, "name": name, "value": value}, nil)
}

// Screenshot writes a PNG of what is visible.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	p.do(request{"op": "screenshot", "path": path}, nil)
}

// Console lists the errors and warnings of the page so far, uncaught exceptions and refused loads among
// them.
func (p *Page) Console() (said []string) {
	p.t.Helper()
	p.do(request{"op": "console"}, &said)
	return said
}

// Requests lists what the page asked for so far, as "GET http://...".
func (p *Page) Requests() (all []string) {
	p.t.Helper()
	p.do(request{"op": "requests"}, &all)
	return all
}
