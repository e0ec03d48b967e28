package identity

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// MaxClick is the longest click key, in bytes. Google's gclid has about 100, the longest seen about 300.
const MaxClick = 512

// KeysOf lists what somebody can be found by, in canonical form, each once, strongest first: the visitor,
// hashed e-mails (SHA-256, SHA-1, MD5), the phone, click ids. What is not well formed is left out. The order
// does not depend on the order it was given in.
func KeysOf(visitor domain.VisitorID, hems []domain.HEM, phone string, clicks []domain.Click) []domain.Key {
	keys := make([]domain.Key, 0, 2+3*len(hems)+len(clicks))
	add := func(kind domain.KeyKind, value string) {
		k := domain.Key{Kind: kind, Value: value}
		if value != "" && CheckKey(k) == nil && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	add(domain.KeyVisitor, string(visitor))
	for _, h := range hems {
		add(domain.KeySHA256, strings.ToLower(h.SHA256))
		add(domain.KeySHA1, strings.ToLower(h.SHA1))
		add(domain.KeyMD5, strings.ToLower(h.MD5))
	}
	add(domain.KeyPhone, strings.ToLower(phone))
	for _, c := range clicks {
		add(domain.KeyClick, strings.ToLower(c.Kind)+":"+c.Value)
	}
	slices.SortStableFunc(keys, func(a, b domain.Key) int {
		return cmp.Or(cmp.Compare(order(a.Kind), order(b.Kind)), strings.Compare(a.Value, b.Value))
	})
	return keys
}

// CheckKey says whether a key is in its canonical form: only such keys are kept or looked up.
func CheckKey(k domain.Key) error {
	var ok bool
	var rule string
	switch k.Kind {
	case domain.KeyVisitor:
		ok, rule = domain.CheckForeignID(string(k.Value)), "must be 1 to 200 of a-z A-Z 0-9 . _ -"
	case domain.KeyMD5:
		ok, rule = len(k.Value) == 32 && isHex(k.Value), "must be 32 hexadecimal digits in lower case"
	case domain.KeySHA1:
		ok, rule = len(k.Value) == 40 && isHex(k.Value), "must be 40 hexadecimal digits in lower case"
	case domain.KeySHA256, domain.KeyPhone:
		ok, rule = len(k.Value) == 64 && isHex(k.Value), "must be 64 hexadecimal digits in lower case"
	case domain.KeyClick:
		ok, rule = checkClick(k.Value), fmt.Sprintf(`must be a click id with its kind, as in "gclid:EAIaIQ", at most %d bytes`, MaxClick)
	default:
		return domain.FailField("check key", "kind", "must be visitor, md5, sha1, sha256, phone or click")
	}
	if !ok {
		return domain.FailField("check key", "value", rule)
	}
	return nil
}

// checkClick: the kind is a URL parameter's name, the value any printable ASCII but a space, case and all.
func checkClick(value string) bool {
	kind, id, _ := strings.Cut(value, ":")
	if kind == "" || id == "" || len(value) > MaxClick {
		return false
	}
	for i := range len(kind) {
		if c := kind[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

// class is how strong a kind of key is; 0 is the strongest. The three digests of an e-mail say the same.
func class(kind domain.KeyKind) int {
	switch kind {
	case domain.KeyVisitor:
		return 0
	case domain.KeySHA256, domain.KeySHA1, domain.KeyMD5:
		return 1
	case domain.KeyPhone:
		return 2
	case domain.KeyClick:
		return 3
	}
	return weakest // the network, or a kind of a later release
}

const weakest = 4

// order is class, with the digests told apart: the longest first.
func order(kind domain.KeyKind) int {
	switch kind {
	case domain.KeySHA1:
		return 10*class(kind) + 1
	case domain.KeyMD5:
		return 10*class(kind) + 2
	}
	return 10 * class(kind)
}

// digest is 16 bytes that stand for a text in a big map: a fifth of the text's memory, nothing for the
// garbage collector to follow, and as exact as any 128 bits of SHA-256.
type digest [16]byte

// digestOf joins parts with a byte that stands in none of them.
func digestOf(parts ...string) digest {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}
