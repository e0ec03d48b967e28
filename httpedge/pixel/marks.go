package pixel

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// clickKind says whether a URL's parameter is an advertiser's click id.
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
	r.clicks = true
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
