package pixel

import (
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

const uuidLength = 36

// Visitor reads a visitor's id: a UUID, in lower case. Anything else is nobody's.
func Visitor(text string) (domain.VisitorID, bool) {
	if len(text) != uuidLength {
		return "", false
	}
	for i := range len(text) {
		c := text[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return "", false
			}
			continue
		}
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return "", false
		}
	}
	return domain.VisitorID(strings.ToLower(text)), true
}

// Country reads an ISO 3166-1 code of two letters. "" is right and says nothing; so are "XX" and "T1", which
// Cloudflare writes for "unknown" and for Tor.
func Country(text string) (string, bool) {
	switch {
	case text == "", text == "XX", text == "T1":
		return "", true
	case len(text) != 2 || !letters(text):
		return "", false
	}
	return strings.ToUpper(text), true
}

// State reads an ISO 3166-2 subdivision, without its country.
func State(text string) (string, bool) {
	if len(text) > maxRegion || !plain(text, "") {
		return "", false
	}
	return strings.ToUpper(text), true
}

func letters(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// Allowed says whether a page of an origin may use a pixel of these origins. An origin is
// "https://shop.example", or "https://*.shop.example" for every host below it, not for itself; it has a port
// where the page's has one. "null", which sandboxed frames send, is nobody's.
func Allowed(origins []string, origin string) bool {
	for _, one := range origins {
		if matches(one, origin) {
			return true
		}
	}
	return false
}

func matches(pattern, origin string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return strings.EqualFold(pattern, origin)
	}
	n := len(origin) - len(after)
	return n > len(before) && strings.EqualFold(origin[:len(before)], before) && strings.EqualFold(origin[n:], after) &&
		strings.HasSuffix(before, "://") && strings.HasPrefix(after, ".") && !strings.ContainsAny(origin[len(before):n], "/:@")
}
