package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
)

// PhoneHash hashes a phone in E.164, its + included: "+1 (415) 555-2671" is "+14155552671". A SHA-256 that is
// one already passes through in lower case. A number without + is refused: whose country it belongs to would
// be a guess, and a hash of the guess finds nobody or somebody else.
func PhoneHash(phone string) (string, bool) {
	phone = trim(phone)
	if digest := strings.ToLower(phone); len(digest) == 2*sha256.Size && isHex(digest) {
		return digest, true
	}
	plain, ok := e164(phone)
	if !ok {
		return "", false
	}
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:]), true
}

// Phone is a phone in clear, in E.164 without separators; false for its hash, and for a number without its country.
func Phone(text string) (string, bool) { return e164(trim(text)) }

// e164 takes the separators off a phone: spaces, brackets, dots, dashes. What is left is a + and 7 to 15
// digits, the first of them not 0.
func e164(phone string) (string, bool) {
	var b strings.Builder
	for _, r := range phone {
		switch {
		case unicode.IsSpace(r), r == '(', r == ')', r == '.', r == '-':
		case r >= '0' && r <= '9', r == '+' && b.Len() == 0:
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	plain := b.String()
	if len(plain) < 8 || len(plain) > 16 || plain[0] != '+' || plain[1] == '0' {
		return "", false
	}
	return plain, true
}
