package pixel

import (
	"strings"
	"unicode/utf8"

	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// text reads what people will read, and cuts it to a length.
func (r *reader) text(m strictjson.Value, field string, limit int, to *string) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse(field, source.Type)
	}
	s, cut := Clip(clean(m.Text()), limit)
	if cut {
		r.item.Cut++
	}
	*to = s
	return nil
}

// word reads a short name that has to be right as it is: cut, it would be another one.
func word(m strictjson.Value, field string, limit int, to *string) *Refusal {
	if m.Kind() != strictjson.String {
		return refuse(field, source.Type)
	}
	s := m.Text()
	switch {
	case len(s) > limit:
		return refuse(field, Length)
	case !plain(s, "._-"):
		return refuse(field, source.Form)
	}
	*to = s
	return nil
}

// plain: a-z A-Z 0-9 and what else is allowed. The empty text is plain.
func plain(s, also string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(also, c) >= 0:
		default:
			return false
		}
	}
	return true
}

// clean puts a space in the place of control characters: no store and no log takes all of them.
func clean(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	return strings.Map(func(c rune) rune {
		if control(c) {
			return ' '
		}
		return c
	}, s)
}

func control(c rune) bool { return c < ' ' || c == 0x7f }

// Clip cuts text to a length in bytes, between two characters.
func Clip(s string, limit int) (string, bool) {
	if len(s) <= limit {
		return s, false
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit], true
}

// digest reads n hex digits, and gives them in lower case.
func digest(s string, n int) (string, bool) {
	if len(s) != n {
		return "", false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return "", false
		}
	}
	return strings.ToLower(s), true
}
