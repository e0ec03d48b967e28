// Package apikey makes and checks the keys by which programs use /api/v1. A key is shown once, when it is
// made; the store keeps the SHA-256 of its secret, so that whoever reads the store cannot use it.
//
//	lwk_<id: 12 hex digits>_<secret: base64url of 32 random bytes>
//
// A key is good while the store lists it, its secret's hash is the one listed, and its time has not passed.
// The list is read again once it is a second old, so a key that is revoked on one node is refused by all
// within a second, and for a key that is not in it, so one that was made on another node is good at once, or
// within a second while others try keys that are unknown. The secret has 256 bits from the system's
// generator: it cannot be guessed, so a plain hash of it is enough, and a slow one would only make every
// request slow.
//
// The package opens no socket and knows no route: which scope a route asks for is the route's to say.
package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// prefix names the form, so that another one can be told from it and secret scanners know a leaked one.
const prefix = "lwk_"

const (
	idBytes     = 6 // 12 hex digits: a thousand keys meet by accident once in 500 million
	secretBytes = 32
)

// MaxLength is the longest key, in bytes: "lwk_", 12 digits, "_", and 43 of base64.
const MaxLength = len(prefix) + 2*idBytes + 1 + 43

// Reason is why a key was refused.
type Reason string

const (
	Missing   Reason = "missing"   // the request carries none
	Malformed Reason = "malformed" // not a key of this form
	Unknown   Reason = "unknown"   // the store lists no such id: it never was, or it was revoked
	Forged    Reason = "forged"    // the secret is not the listed one
	Expired   Reason = "expired"
)

// Reasons lists every reason, for counters that are born at zero.
func Reasons() []Reason { return []Reason{Missing, Malformed, Unknown, Forged, Expired} }

func (r Reason) Error() string { return "the API key is " + string(r) }

// New makes a key: its text, which is shown once, and the id and hash that the store keeps.
func New() (text, id string, hash []byte) {
	var random [idBytes + secretBytes]byte
	rand.Read(random[:]) // never fails: the process ends when the system has no randomness
	id = hex.EncodeToString(random[:idBytes])
	secret := base64.RawURLEncoding.EncodeToString(random[idBytes:])
	return prefix + id + "_" + secret, id, digest(secret)
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// split takes a key's text apart.
func split(text string) (id, secret string, reason Reason) {
	if text == "" {
		return "", "", Missing
	}
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) != MaxLength {
		return "", "", Malformed
	}
	id, secret, ok = strings.Cut(rest, "_")
	if !ok || len(id) != 2*idBytes || strings.Trim(id, "0123456789abcdef") != "" {
		return "", "", Malformed
	}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(secret); err != nil || len(raw) != secretBytes {
		return "", "", Malformed
	}
	return id, secret, ""
}

// same compares in constant time.
func same(secret string, k domain.APIKey) bool {
	return subtle.ConstantTimeCompare(digest(secret), k.Hash) == 1
}
