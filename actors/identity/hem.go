package identity

import "github.com/leadwire/leadwire/actors/domain"

// HEMs hashes an e-mail in all its variants.
func HEMs(email string) []domain.HEM { return nil }

// ReadDigest takes a value that is an e-mail's hash already.
func ReadDigest(text string) (domain.HEM, bool) { return domain.HEM{}, false }

// ReadEmail takes an e-mail in clear or as a digest.
func ReadEmail(text string) []domain.HEM { return nil }
