package identity

import (
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// PersonsByHash lists whom hashed e-mails alone can have named: by every digest, because which one named them
// depends on what was known then.
func PersonsByHash(hems []domain.HEM) []domain.PersonID {
	var all []domain.PersonID
	for _, h := range hems {
		for _, text := range [...]string{h.SHA256, h.SHA1, h.MD5} {
			if text = strings.ToLower(text); len(text) >= 32 && isHex(text) {
				all = append(all, domain.PersonID(hemPerson+text[:32]))
			}
		}
	}
	return all
}

// Sought is what somebody is looked for by: one text, read as whatever it can be.
type Sought struct {
	HEMs   []domain.HEM
	Phone  string // its hash
	Person domain.PersonID
	// Clear is what came in clear, as it stands in no log and no link: for the suppression that reaches every
	// variant of it. Empty for a hash and an id.
	Clear string
}

// Seek reads an e-mail, a digest of one, a phone, its hash, or a person's id. 64 digits are a phone's hash as
// well as an e-mail's; whatever is neither an e-mail nor a phone nor a hash is an id.
func Seek(text string) (Sought, error) {
	text = trim(text)
	if h, ok := ReadDigest(text); ok {
		return Sought{HEMs: []domain.HEM{h}, Phone: h.SHA256}, nil
	}
	if hems := suppressedHEMs(text); hems != nil {
		return Sought{HEMs: hems, Clear: text}, nil
	}
	if strings.HasPrefix(text, "+") {
		if hash, ok := PhoneHash(text); ok {
			return Sought{Phone: hash, Clear: text}, nil
		}
	}
	if domain.CheckForeignID(text) {
		return Sought{Person: domain.PersonID(text)}, nil
	}
	return Sought{}, domain.FailField("read key", "key", `must be an e-mail, its MD5, SHA-1 or SHA-256 in hexadecimal digits, a phone as "+14155552671" or its SHA-256, or a person's id`)
}
