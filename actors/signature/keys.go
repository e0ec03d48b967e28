package signature

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ghlKey is Go High Level's platform-wide Ed25519 key, as its webhook guide publishes it (read in August
// 2026): the SPKI DER in base64. The raw key is
// 8b61d1d6cacbe28d7c3bc0516bb815258ec6edbba96cddc7f40c09ac708388e8. It is the same for every customer, so
// a genuine signature says that GHL sent the event and not whose it is.
const ghlKey = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="

// ghlLegacyKey is the RSA-4096 key of the scheme before it, from the same guide. The SHA-256 of its DER is
// 2f62045d413b1b7747e26770ce7f57840cbf86288cd20ceb90d299a62501fd25.
const ghlLegacyKey = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----`

// ParseEd25519 reads a public key in any form operators paste: PEM, base64 of the SPKI DER, or the raw 32
// bytes in base64 or hex.
func ParseEd25519(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	der, err := keyBytes(text)
	if err != nil {
		return nil, err
	}
	if len(der) == ed25519.PublicKeySize {
		return der, nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read the key's DER: %w", err)
	}
	ed, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, not Ed25519", key)
	}
	return ed, nil
}

// ParseRSA reads a 4096-bit RSA public key: PEM, or base64 of the SPKI DER.
func ParseRSA(text string) (*rsa.PublicKey, error) {
	der, err := keyBytes(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("read the key's DER: %w", err)
	}
	r, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, not RSA", key)
	}
	if r.N.BitLen() != rsaBits {
		return nil, fmt.Errorf("the key has %d bits; the scheme's have %d", r.N.BitLen(), rsaBits)
	}
	return r, nil
}

// FormatEd25519 writes a public key as ParseEd25519 and a catalog's public_keys take it.
func FormatEd25519(key ed25519.PublicKey) string {
	return base64.StdEncoding.EncodeToString(key)
}

func keyBytes(text string) ([]byte, error) {
	if strings.HasPrefix(text, "-----BEGIN") {
		block, _ := pem.Decode([]byte(text))
		if block == nil || block.Type != "PUBLIC KEY" {
			return nil, errors.New(`not a PEM block of type "PUBLIC KEY"`)
		}
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("neither PEM, nor base64 of DER or of 32 bytes, nor 64 hex digits")
	}
	return der, nil
}
