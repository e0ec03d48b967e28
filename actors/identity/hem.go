package identity

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/leadwire/leadwire/actors/domain"
)

// The variants of a hashed e-mail; see domain.HEM.
const (
	Lower          = "lower"
	GmailCanonical = "gmail_canonical"
)

// MaxEmail is the longest e-mail, in bytes: 64 before the @ and 255 behind it (RFC 5321).
const MaxEmail = 320

// HEMs hashes an e-mail in every variant that others may know it by: trimmed and with ASCII letters in lower
// case; and for Google's mailboxes also without dots and +suffix, where that differs. It is nil for what is
// not an e-mail, so nothing empty is ever hashed. The script in the page does the same.
func HEMs(email string) []domain.HEM {
	lower, ok := normalEmail(email)
	if !ok {
		return nil
	}
	hems := []domain.HEM{hash(Lower, lower)}
	if canonical := gmailCanonical(lower); canonical != "" && canonical != lower {
		hems = append(hems, hash(GmailCanonical, canonical))
	}
	return hems
}

// ReadDigest takes what is a hash already: 32, 40 or 64 hexadecimal digits in any case are an MD5, a SHA-1 or a
// SHA-256. Of which variant it is cannot be told, and makes no difference to any look-up.
func ReadDigest(text string) (domain.HEM, bool) {
	text = strings.ToLower(trim(text))
	h := domain.HEM{Variant: Lower}
	switch len(text) {
	case 2 * md5.Size:
		h.MD5 = text
	case 2 * sha1.Size:
		h.SHA1 = text
	case 2 * sha256.Size:
		h.SHA256 = text
	}
	if !isHex(text) || h == (domain.HEM{Variant: Lower}) {
		return domain.HEM{}, false
	}
	return h, true
}

// ReadEmail takes an e-mail in clear or as a digest; nil when it is neither.
func ReadEmail(text string) []domain.HEM {
	if h, ok := ReadDigest(text); ok {
		return []domain.HEM{h}
	}
	return HEMs(text)
}

func hash(variant, text string) domain.HEM {
	b := []byte(text)
	m, s, l := md5.Sum(b), sha1.Sum(b), sha256.Sum256(b)
	return domain.HEM{
		Variant: variant,
		MD5:     hex.EncodeToString(m[:]), SHA1: hex.EncodeToString(s[:]), SHA256: hex.EncodeToString(l[:]),
	}
}

// normalEmail trims and lowers; false when it is no e-mail. It asks for no more than one @ with something on
// either side and no space, because what a page calls an e-mail was delivered to before.
func normalEmail(text string) (string, bool) {
	text = trim(text)
	local, host, ok := strings.Cut(text, "@")
	if !ok || local == "" || host == "" || len(text) > MaxEmail || strings.Contains(host, "@") ||
		strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "", false
	}
	return lowerASCII(text), true
}

// googles are the two names of Google's mail: one mailbox answers to both.
var googles = [...]string{"gmail.com", "googlemail.com"}

// gmailCanonical is a Google mailbox without what Google does not look at, "" for any other. The host stays as
// it is, as Google's own rule for hashed e-mails has it.
func gmailCanonical(lower string) string {
	local, host, _ := strings.Cut(lower, "@")
	if host != googles[0] && host != googles[1] {
		return ""
	}
	local, _, _ = strings.Cut(local, "+")
	if local = strings.ReplaceAll(local, ".", ""); local == "" {
		return ""
	}
	return local + "@" + host
}

// lowerASCII leaves letters beyond ASCII as they are: every vendor's hash does, and the script in the page.
func lowerASCII(text string) string {
	for i := range len(text) {
		if c := text[i]; 'A' <= c && c <= 'Z' {
			b := []byte(text)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return text
}

// trim takes off what a browser's trim does: white space, and the byte order mark of a pasted cell.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' })
}

// isHex says whether text is hexadecimal digits in lower case.
func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
