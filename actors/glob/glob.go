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
	"strings"
	"unicode/utf8"
)

// MaxLength is the longest pattern, in bytes: many times any path worth naming, and what keeps the worst case
// of a match, length of the pattern times length of the path, below a millisecond.
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

// Match says whether the pattern matches the whole path. It allocates nothing.
//
// When something does not fit, the last star that can still take a byte takes one more. Only the last of each
// sort is remembered: a ** could have taken what an earlier one takes, and a * cannot leave its segment, so
// where a segment ends does not depend on what an earlier * took.
func Match(pattern, path string) bool {
	const none = -1
	p, s := 0, 0
	starP, starS := none, none // behind the last * in the pattern, and up to where it has taken the path
	deepP, deepS := none, none // the same of the last **
	for {
		switch t, n := next(pattern, p); {
		case t == deep, t == below && s < len(path) && path[s] == '/':
			p += n
			deepP, deepS = p, s
			starP = none
			continue
		case t == below: // the path does not go on below: it is nothing
			p += n
			continue
		case t == star:
			p += n
			starP, starS = p, s
			continue
		case t == end && s == len(path):
			return true
		case t == literal && s < len(path) && pattern[p] == path[s]:
			p, s = p+1, s+1
			continue
		}
		switch {
		case starP != none && starS < len(path) && path[starS] != '/':
			starS++
			p, s = starP, starS
		case deepP != none && deepS < len(path):
			deepS++
			p, s = deepP, deepS
			starP = none
		default:
			return false
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
	case rest == "*" && p > 0 && pattern[p-1] != '/':
		return deep, 1
	case rest[0] == '*':
		return star, 1
	}
	return literal, 1
}
