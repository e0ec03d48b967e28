package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/leadwire/leadwire/actors/domain"
)

// fingerprint is what the file keeps of a key: the first 92 bits of a SHA-256 over its kind and its value, and
// the kind. A cryptographic hash, because some keys come from strangers' browsers: nobody can make one
// that looks like somebody else's. Without a secret, so that two files can be compared.
type fingerprint struct {
	hi uint64
	lo uint32 // the last 4 bits are the kind
}

// seal sets our fingerprints apart from other hashes of the same values. It is short, so that a digest or a
// visitor's id fits with it into one block of SHA-256.
const seal = "lwg1"

func fingerprintOf(kind byte, value []byte) fingerprint {
	var short [96]byte // on the stack for all but the longest click ids
	text := append(append(append(short[:0], seal...), kind), value...)
	sum := sha256.Sum256(text)
	return fingerprint{
		hi: binary.BigEndian.Uint64(sum[0:8]),
		lo: binary.BigEndian.Uint32(sum[8:12])&^0xF | uint32(kind),
	}
}

func (f fingerprint) kind() byte { return byte(f.lo & 0xF) }

// empty says that it is nobody's: no kind is 0.
func (f fingerprint) empty() bool { return f.kind() == 0 }

func (f fingerprint) appendTo(b []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, f.hi), f.lo)
}

func readFingerprint(b []byte) fingerprint {
	return fingerprint{hi: binary.BigEndian.Uint64(b), lo: binary.BigEndian.Uint32(b[8:])}
}

func (f fingerprint) compare(g fingerprint) int {
	switch {
	case f.hi != g.hi && f.hi < g.hi, f.hi == g.hi && f.lo < g.lo:
		return -1
	case f == g:
		return 0
	}
	return 1
}

// fingerprintOfKey is the fingerprint of a key in canonical form. False: nothing can have that key.
func fingerprintOfKey(k domain.Key) (fingerprint, bool) {
	switch k.Kind {
	case domain.KeyVisitor:
		return ofText(kindVisitor, k.Value)
	case domain.KeyMD5:
		return ofHex(kindMD5, k.Value, 16)
	case domain.KeySHA1:
		return ofHex(kindSHA1, k.Value, 20)
	case domain.KeySHA256:
		return ofHex(kindSHA256, k.Value, 32)
	case domain.KeyPhone:
		return ofHex(kindPhone, k.Value, 32)
	case domain.KeyClick:
		return ofText(kindClick, k.Value)
	}
	return fingerprint{}, false
}

func ofText(kind byte, value string) (fingerprint, bool) {
	var short [64]byte
	return fingerprintOf(kind, append(short[:0], value...)), value != ""
}

func ofHex(kind byte, value string, size int) (fingerprint, bool) {
	var text [64]byte
	var raw [32]byte
	if len(value) != 2*size {
		return fingerprint{}, false
	}
	copy(text[:], value)
	if _, err := hex.Decode(raw[:], text[:2*size]); err != nil {
		return fingerprint{}, false
	}
	return fingerprintOf(kind, raw[:size]), true
}

// String is the fingerprint in hex, as graph diff shows it.
func (f fingerprint) String() string { return hex.EncodeToString(f.appendTo(nil)) }
