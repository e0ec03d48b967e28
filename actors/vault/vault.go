package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// How sealed bytes begin.
const (
	version   = 1
	idSize    = 4
	nonceSize = 12
	tagSize   = 16
	header    = 1 + idSize
	// Overhead is how much longer than its secret sealed bytes are.
	Overhead = header + nonceSize + tagSize
)

// MaxSecret is how long a secret may be, in bytes: a certificate with four that lead to its authority, and an RSA key, in PEM.
const MaxSecret = 32 << 10

// Vault seals with one key and opens what that or an older one has sealed. It is safe for concurrent use.
type Vault struct {
	current Key
	keys    map[keyID]Key
}

// New is a vault. Older keys open only; they go when nothing needs resealing any more.
func New(current Key, older ...Key) (*Vault, error) {
	const op = "open vault"
	v := &Vault{current: current, keys: map[keyID]Key{}}
	for i, key := range append([]Key{current}, older...) {
		if key.aead == nil {
			return nil, domain.Fail(op, domain.Invalid, fmt.Errorf("key %d of %d is empty", i+1, len(older)+1))
		}
		if _, twice := v.keys[key.id]; twice {
			return nil, domain.Fail(op, domain.Invalid, fmt.Errorf("%s is given twice", key))
		}
		v.keys[key.id] = key
	}
	return v, nil
}

// Current names the key that seals.
func (v *Vault) Current() string { return v.current.ID() }

// AAD is what a secret is bound to: its endpoint, its id, and what it is for, so that a signing secret cannot be made
// a token that is sent along. Two different ones never make the same bytes.
func AAD(endpoint domain.EndpointKey, kind domain.SecretKind, secret string) []byte {
	aad := []byte("leadwire secret\x00")
	for _, part := range []string{string(endpoint.Account), string(endpoint.Endpoint), string(kind), secret} {
		aad = binary.AppendUvarint(aad, uint64(len(part)))
		aad = append(aad, part...)
	}
	return aad
}

// Seal encrypts a secret that belongs where aad says. Each time it gives other bytes. The nonce is random: a key may
// seal four billion secrets before two could meet.
func (v *Vault) Seal(plain, aad []byte) ([]byte, error) {
	if len(plain) > MaxSecret {
		return nil, domain.Fail("seal secret", domain.Invalid, fmt.Errorf("it has %d bytes; at most %d are sealed", len(plain), MaxSecret))
	}
	sealed := make([]byte, header+nonceSize, Overhead+len(plain))
	sealed[0] = version
	copy(sealed[1:], v.current.id[:])
	nonce := sealed[header:]
	_, _ = rand.Read(nonce) // never fails: it ends the program instead
	return v.current.aead.Seal(sealed, nonce, plain, bound(sealed[:header], aad)), nil
}

// Open decrypts what Seal made for the same aad. Its error says whether the key is missing, or the bytes or their
// place are not what they were.
func (v *Vault) Open(sealed, aad []byte) ([]byte, error) {
	plain, err := v.open(sealed, aad)
	if err != nil {
		return nil, domain.Fail("open secret", domain.Internal, err)
	}
	return plain, nil
}

func (v *Vault) open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, fmt.Errorf("it has %d bytes; the shortest sealed secret has %d", len(sealed), Overhead)
	}
	if sealed[0] != version {
		return nil, fmt.Errorf("it is of version %d, and this program knows %d: a newer one has sealed it", sealed[0], version)
	}
	id := keyID(sealed[1:header])
	key, known := v.keys[id]
	if !known {
		return nil, fmt.Errorf("key %s has sealed it, and is not among those given", id)
	}
	plain, err := key.aead.Open(nil, sealed[header:header+nonceSize], sealed[header+nonceSize:], bound(sealed[:header], aad))
	if err != nil {
		return nil, errors.New("its bytes were changed, or it was sealed for another place")
	}
	return plain, nil
}

// Reseal seals with the current key what an older one has sealed for the same aad; nil: the current one has.
func (v *Vault) Reseal(sealed, aad []byte) ([]byte, error) {
	if !v.NeedsReseal(sealed) {
		return nil, nil
	}
	plain, err := v.Open(sealed, aad)
	if err != nil {
		return nil, err
	}
	return v.Seal(plain, aad)
}

// SealedBy names the key that has sealed it; "": it is nothing that Seal has made.
func SealedBy(sealed []byte) string {
	if len(sealed) < header || sealed[0] != version {
		return ""
	}
	return keyID(sealed[1:header]).String()
}

// NeedsReseal says that another key than the current one has sealed it.
func (v *Vault) NeedsReseal(sealed []byte) bool {
	return len(sealed) < header || sealed[0] != version || !bytes.Equal(sealed[1:header], v.current.id[:])
}

// bound puts what is readable before the ciphertext under the seal as well.
func bound(header, aad []byte) []byte {
	return append(slices.Clip(header), aad...)
}
