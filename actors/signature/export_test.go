package signature

import (
	"crypto/ed25519"
	"crypto/rsa"
)

// PlatformKey is the embedded key, for the test that compares it with the published one.
func PlatformKey() ed25519.PublicKey {
	key, err := ParseEd25519(ghlKey)
	if err != nil {
		return nil
	}
	return key
}

// PlatformLegacyKey is the embedded legacy key.
func PlatformLegacyKey() *rsa.PublicKey {
	key, err := ParseRSA(ghlLegacyKey)
	if err != nil {
		return nil
	}
	return key
}
