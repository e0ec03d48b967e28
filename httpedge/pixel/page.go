package pixel

import (
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// url reads the page's URL.
func (r *reader) url(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse("url", source.Type)
	}
	if m.Text() == "" {
		return nil
	}
	return r.address(m.Text())
}

// address takes a page's URL over. A page may only name its own site's; a server is believed.
func (r *reader) address(text string) *Refusal {
	page, origin, ok := ReadURL(text)
	if !ok {
		return refuse("url", source.Form)
	}
	if r.p.Pixel != nil && !Allowed(r.p.Pixel.Pixel.Origins, origin) {
		return refuse("url", Origin)
	}
	if len(page.URL) > maxURL {
		page.URL, _ = Clip(page.URL, maxURL)
		page.Path = pathOf(page.URL[min(len(page.URL), len(origin)):])
		r.item.Cut++
	}
	r.item.Hit.Page.URL, r.item.Hit.Page.Path = page.URL, page.Path
	return nil
}

// ReadURL takes a page's URL apart: without its fragment, its path as it stands there, and its origin. It
// reads what browsers write, and refuses what no browser would.
func ReadURL(text string) (page domain.Page, origin string, ok bool) {
	text, _, _ = strings.Cut(text, "#")
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !(strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		return page, "", false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ', c == 0x7f, c == '"', c == '<', c == '>', c == '\\', c == '^', c == '`':
			return page, "", false
		}
	}
	host := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		host = rest[:end]
	}
	if host == "" || strings.Contains(host, "@") { // a name and a password have no place in evidence
		return page, "", false
	}
	origin = text[:len(scheme)+len("://")+len(host)]
	return domain.Page{URL: text, Path: pathOf(text[len(origin):])}, origin, true
}

func pathOf(afterOrigin string) string {
	path, _, _ := strings.Cut(afterOrigin, "?")
	if path == "" {
		return "/"
	}
	return path
}
