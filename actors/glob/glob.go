// Package glob says whether a page's path matches a pattern that a customer wrote. The pixel's script, its
// rules and the suppression of paths all mean the same by one: testdata/cases.json is the table for both
// languages, Go here and JavaScript in the script.
//
//	pattern      matches                                       as a regular expression
//	/pricing     that path alone
//	/blog/*      /blog/ and what is right below it             * is [^/]*
//	/pricing*    all that begins with it, /pricing/eu as well  a * at the end, not behind a slash, is .*
//	/account/**  /account and all below it                     /** is (?:/.*)?
//	**/print     all that ends with it                         any other ** is .*
//
// Everything else stands for itself, letter case included; a path has neither query nor fragment.
package glob

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest pattern, in bytes: many times any path worth naming, and what keeps the worst case
// of a match at a few milliseconds.
const MaxLength = 256

// Check says which rule a pattern breaks; "" for a good one.
func Check(pattern string) string {
	switch {
	case pattern == "":
		return "must not be empty"
	case len(pattern) > MaxLength:
		return "must be at most 256 bytes long"
	case pattern[0] != '/' && pattern[0] != '*':
		return `must begin with "/" or "*", as in "/pricing*"`
	case !utf8.ValidString(pattern):
		return "must be UTF-8"
	case strings.ContainsAny(pattern, "?#"):
		return `must be a path, without "?" and "#"`
	}
	return ""
}

// MatchAny says whether one of the patterns matches.
func MatchAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if Match(p, path) {
			return true
		}
	}
	return false
}

// Match says whether the pattern matches the whole path. It allocates nothing, and takes the pattern's length
// times the path's at worst: it walks the path once, with all places of the pattern that may come next.
func Match(pattern, path string) bool {
	if len(pattern) > MaxLength {
		return false
	}
	if plain := strings.IndexByte(pattern, '*'); plain < 0 {
		return pattern == path
	} else if plain > 0 && !strings.HasPrefix(path, pattern[:plain-1]) { // most paths end here; the last byte may be a slash that /** does without
		return false
	}
	var here places
	here.add(0)
	here.skipStars(pattern)
	for i := range len(path) {
		if here == (places{}) {
			return false
		}
		here = here.after(pattern, path[i])
		here.skipStars(pattern)
	}
	return here.has(len(pattern))
}

// places is a set of places in a pattern, its end among them.
type places [MaxLength/64 + 1]uint64

func (s *places) add(p int)      { s[p/64] |= 1 << (p % 64) }
func (s *places) has(p int) bool { return s[p/64]&(1<<(p%64)) != 0 }

// after is where the pattern may go on once the byte is taken.
func (s *places) after(pattern string, c byte) (then places) {
	for p := range s.all {
		switch t, _ := next(pattern, p); {
		case t == deep, t == star && c != '/':
			then.add(p)
		case t == below && c == '/', t == literal && c == pattern[p]:
			then.add(p + 1) // behind the slash of /** there is a **
		}
	}
	return then
}

// skipStars adds the places behind what may be nothing.
func (s *places) skipStars(pattern string) {
	for p := range s.all {
		if t, n := next(pattern, p); t == star || t == deep || t == below {
			s.add(p + n)
		}
	}
}

// all goes through the places in order, those added ahead of it included.
func (s *places) all(yield func(p int) bool) {
	for i := range s {
		for done := uint64(0); s[i]&^done != 0; {
			bit := bits.TrailingZeros64(s[i] &^ done)
			done |= 1<<bit | (1<<bit - 1)
			if !yield(i*64 + bit) {
				return
			}
		}
	}
}

type token int

const (
	end token = iota
	literal
	star  // any bytes of a segment
	deep  // any bytes
	below // nothing, or a slash and any bytes
)

// next reads the token at p and its length.
func next(pattern string, p int) (token, int) {
	rest := pattern[p:]
	switch {
	case rest == "":
		return end, 0
	case strings.HasPrefix(rest, "/**"):
		return below, 3
	case strings.HasPrefix(rest, "**"):
		return deep, 2
	case rest == "*" && p > 0 && pattern[p-1] != '/' && pattern[p-1] != '*':
		return deep, 1
	case rest[0] == '*':
		return star, 1
	}
	return literal, 1
}
