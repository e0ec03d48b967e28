package pixel

import (
	"net/url"
	"strconv"
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

// clickKinds are the click ids that advertisers put into URLs.
func clickKind(name string) bool {
	switch name {
	case "gclid", "wbraid", "gbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid", "dclid":
		return true
	}
	return false
}

// utmField finds a mark's place, by its name without "utm_"; nil when there is no such mark.
func utmField(u *domain.UTM, name string) *string {
	switch name {
	case "source":
		return &u.Source
	case "medium":
		return &u.Medium
	case "campaign":
		return &u.Campaign
	case "term":
		return &u.Term
	case "content":
		return &u.Content
	}
	return nil
}

// marks reads a URL's UTM. The first of a name counts.
func (r *reader) marks(page string) (u domain.UTM) {
	query(page, func(name, value string) {
		mark, ok := strings.CutPrefix(name, "utm_")
		if !ok {
			return
		}
		if to := utmField(&u, mark); to != nil && *to == "" {
			r.mark(to, unescape(value))
		}
	})
	return u
}

func (r *reader) mark(to *string, value string) {
	text, cut := Clip(clean(value), maxUTM)
	if cut {
		r.item.Cut++
	}
	*to = text
}

// clicksOf reads a URL's click ids.
func (r *reader) clicksOf(page string) (clicks []domain.Click) {
	query(page, func(name, value string) {
		if clickKind(name) {
			clicks = r.click(clicks, name, unescape(value))
		}
	})
	return clicks
}

// click adds one, unless it is none, is known or there are too many.
func (r *reader) click(to []domain.Click, kind, value string) []domain.Click {
	if value == "" {
		return to
	}
	for _, c := range to {
		if c.Kind == kind {
			return to
		}
	}
	if len(value) > maxClick || len(to) == maxClicks || clean(value) != value {
		r.item.Cut++
		return to
	}
	return append(to, domain.Click{Kind: kind, Value: value})
}

// query walks a URL's parameters, as they stand there.
func query(page string, f func(name, value string)) {
	_, rest, _ := strings.Cut(page, "?")
	for rest != "" {
		var one string
		one, rest, _ = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(one, "=")
		f(name, value)
	}
}

// unescape undoes a parameter's escapes. Text that has wrong ones counts as it stands, and bytes that are
// no UTF-8 are replaced.
func unescape(value string) string {
	if strings.IndexByte(value, '%') < 0 && strings.IndexByte(value, '+') < 0 {
		return value
	}
	if text, err := url.QueryUnescape(value); err == nil {
		value = text
	}
	return strings.ToValidUTF8(value, "\uFFFD")
}

// givenUTM reads marks that the sender names itself.
func (r *reader) givenUTM(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.Object {
		return refuse("utm", source.Type)
	}
	r.utm = true
	for one := range m.Children() {
		to := utmField(&r.item.Hit.UTM, one.Key())
		switch {
		case to == nil || one.Kind() == strictjson.Null:
		case one.Kind() != strictjson.String:
			return refuse("utm."+one.Key(), source.Type)
		default:
			r.mark(to, one.Text())
		}
	}
	return nil
}

// givenClicks reads click ids that the sender names itself; theirs may be of a kind that we do not know.
func (r *reader) givenClicks(m strictjson.Value) *Refusal {
	if m.Kind() != strictjson.Array {
		return refuse("clicks", source.Type)
	}
	r.clks = true
	n := 0
	for one := range m.Children() {
		field := "clicks[" + strconv.Itoa(n) + "]"
		n++
		var kind string
		if one.Kind() != strictjson.Object || one.Get("value").Kind() != strictjson.String {
			return refuse(field, source.Type)
		}
		if fault := word(one.Get("kind"), field+".kind", maxClickKind, &kind); fault != nil {
			return fault
		}
		if kind == "" {
			return refuse(field+".kind", source.Required)
		}
		r.item.Hit.Clicks = r.click(r.item.Hit.Clicks, kind, one.Get("value").Text())
	}
	return nil
}
