package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// The headers of Go High Level.
const (
	GHLHeader       = "X-GHL-Signature" // Ed25519, current
	GHLLegacyHeader = "X-WH-Signature"  // RSA, announced to end in 2026
)

// rsaBits is the only legacy key size: a signature's length, 512 bytes, is how its scheme is told.
const rsaBits = 4096

// GHL verifies Go High Level's webhooks. It is safe for concurrent use.
type GHL struct {
	keys   []ed25519.PublicKey
	legacy []*rsa.PublicKey // empty: the legacy scheme is off
}

// NewGHL prepares a source's keys. With no PublicKeys the platform's published key is used; the legacy
// scheme is off unless src.Legacy. An Invalid error names the key that cannot be read.
func NewGHL(src domain.Source) (*GHL, error) {
	const op = "read ghl keys"
	given := src.PublicKeys
	if len(given) == 0 {
		given = []string{ghlKey}
	}
	g := &GHL{}
	for i, text := range given {
		key, err := ParseEd25519(text)
		if err != nil {
			return nil, &domain.Error{Op: op, Code: domain.Invalid, Field: fmt.Sprintf("public_keys[%d]", i), Err: err}
		}
		g.keys = append(g.keys, key)
	}
	if !src.Legacy {
		return g, nil
	}
	given = src.LegacyKeys
	if len(given) == 0 {
		given = []string{ghlLegacyKey}
	}
	for i, text := range given {
		key, err := ParseRSA(text)
		if err != nil {
			return nil, &domain.Error{Op: op, Code: domain.Invalid, Field: fmt.Sprintf("legacy_keys[%d]", i), Err: err}
		}
		g.legacy = append(g.legacy, key)
	}
	return g, nil
}

// Schemes lists what Verify can name, for counters that are born at zero.
func (g *GHL) Schemes() []Scheme { return []Scheme{Ed25519, RSA, None} }

// Verify judges a request. The current header is looked at whenever it is there, whatever it holds, and
// the legacy one only when it is not: with both present there is no way down to the weaker scheme.
//
// The decoded length decides the scheme, not the header's name: an Ed25519 signature has been seen in
// the legacy header, and it is as good there.
func (g *GHL) Verify(r Request) Verdict {
	value := r.Header.Peek(GHLHeader)
	if value == nil {
		value = r.Header.Peek(GHLLegacyHeader)
	}
	value = bytes.TrimSpace(value)
	if len(value) == 0 || bytes.EqualFold(value, []byte("N/A")) {
		return Verdict{None, Missing}
	}
	var room sigRoom
	sig, ok := decode(&room, value)
	switch {
	case ok && len(sig) == ed25519.SignatureSize:
		return g.verifyEd25519(sig, r.Body)
	case ok && len(sig) == rsaBits/8:
		return g.verifyRSA(sig, r.Body)
	default:
		return Verdict{None, Malformed}
	}
}

func (g *GHL) verifyEd25519(sig, body []byte) Verdict {
	for _, key := range g.keys {
		if ed25519.Verify(key, body, sig) {
			return Verdict{Scheme: Ed25519}
		}
	}
	return Verdict{Ed25519, Mismatch}
}

func (g *GHL) verifyRSA(sig, body []byte) Verdict {
	if len(g.legacy) == 0 {
		return Verdict{RSA, Disabled}
	}
	digest := sha256.Sum256(body)
	for _, key := range g.legacy {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil {
			return Verdict{Scheme: RSA}
		}
	}
	return Verdict{RSA, Mismatch}
}

// sigRoom holds the longest signature, and the three bytes more that the decoder wants while it works.
type sigRoom [rsaBits/8 + 3]byte

// decode reads standard base64 into room. Its answer is false when value is not base64, or longer than
// any scheme's signature, so that a header of many kilobytes costs nothing.
func decode(room *sigRoom, value []byte) ([]byte, bool) {
	std := base64.StdEncoding.Strict()
	if len(value) > std.EncodedLen(rsaBits/8) {
		return nil, false
	}
	n, err := std.Decode(room[:], value)
	return room[:n], err == nil
}

// SignGHL makes the value of GHLHeader for a body, as the demo, the bench and tests send it.
func SignGHL(key ed25519.PrivateKey, body []byte) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, body))
}
