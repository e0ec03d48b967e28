package identity

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
)

// MaxReason is the longest reason of a suppression, in bytes: a sentence.
const MaxReason = 200

const suppressing = "read suppression"

// NewSuppression reads what somebody wrote and makes a suppression of it: value is an e-mail or its digest, a
// phone or its SHA-256, a person's id, a domain, a region ("DE", "US-CA"), an address or a range of them, or a
// glob over paths. An e-mail or a phone in clear is gone afterwards: only hashes are left.
//
// The ID follows from scope, kind and value, so the same line of a list read twice is one suppression. An
// e-mail in clear and its digest are two: the first reaches every variant, the second that hash alone.
func NewSuppression(scope domain.SuppressionScope, account domain.AccountID, pixel domain.PixelID, kind domain.SuppressionKind,
	value, reason string, now time.Time,
) (domain.Suppression, error) {
	s := domain.Suppression{Scope: scope, Account: account, Pixel: pixel, Kind: kind, Reason: reason, CreatedAt: now.UTC()}
	if err := checkScope(s); err != nil {
		return domain.Suppression{}, err
	}
	if len(reason) > MaxReason || !utf8.ValidString(reason) {
		return domain.Suppression{}, domain.FailField(suppressing, "reason", "must be UTF-8 of at most 200 bytes")
	}
	read, known := readers[kind]
	if !known {
		return domain.Suppression{}, domain.FailField(suppressing, "kind", "must be email, phone, person, company, region, network or path")
	}
	canonical, rule := read(trim(value), &s)
	if rule != "" {
		return domain.Suppression{}, domain.FailField(suppressing, "value", rule)
	}
	id := digestOf(string(scope), string(account), string(pixel), string(kind), canonical)
	s.ID = hex.EncodeToString(id[:])
	return s, nil
}

func checkScope(s domain.Suppression) error {
	account, pixel := s.Account != "", s.Pixel != ""
	switch {
	case s.Scope != domain.GlobalScope && s.Scope != domain.AccountScope && s.Scope != domain.PixelScope:
		return domain.FailField(suppressing, "scope", "must be global, account or pixel")
	case s.Scope == domain.GlobalScope && account:
		return domain.FailField(suppressing, "account", "must be empty in the global scope")
	case s.Scope != domain.GlobalScope && !domain.CheckID(string(s.Account)):
		return domain.FailField(suppressing, "account", "must be 1 to 64 of a-z A-Z 0-9 . _ -")
	case s.Scope != domain.PixelScope && pixel:
		return domain.FailField(suppressing, "pixel", "must be empty but in the pixel scope")
	case s.Scope == domain.PixelScope && !domain.CheckID(string(s.Pixel)):
		return domain.FailField(suppressing, "pixel", "must be 1 to 64 of a-z A-Z 0-9 . _ -")
	}
	return nil
}

// readers put a value into its canonical form, for the ID, and into the suppression; or name the rule that it
// breaks.
var readers = map[domain.SuppressionKind]func(value string, s *domain.Suppression) (canonical, rule string){
	domain.SuppressEmail: func(value string, s *domain.Suppression) (string, string) {
		if h, ok := ReadDigest(value); ok {
			s.HEMs = []domain.HEM{h}
			return "digest:" + h.MD5 + h.SHA1 + h.SHA256, ""
		}
		if s.HEMs = suppressedHEMs(value); s.HEMs == nil {
			return "", "must be an e-mail, or its MD5, SHA-1 or SHA-256 in hexadecimal digits"
		}
		return "clear:" + s.HEMs[0].SHA256, ""
	},
	domain.SuppressPhone: func(value string, s *domain.Suppression) (string, string) {
		var ok bool
		if s.Value, ok = PhoneHash(value); !ok {
			return "", `must be a phone with its country, as in "+1 415 555 2671", or its SHA-256 in hexadecimal digits`
		}
		return s.Value, ""
	},
	domain.SuppressPerson: func(value string, s *domain.Suppression) (string, string) {
		if s.Value = value; !domain.CheckForeignID(value) {
			return "", "must be 1 to 200 of a-z A-Z 0-9 . _ -"
		}
		return value, ""
	},
	domain.SuppressCompany: func(value string, s *domain.Suppression) (string, string) {
		var ok bool
		if s.Value, ok = readDomain(value); !ok {
			return "", `must be a domain in ASCII with a dot in it, as in "example.com"`
		}
		return s.Value, ""
	},
	domain.SuppressRegion: func(value string, s *domain.Suppression) (string, string) {
		var ok bool
		if s.Value, ok = readRegion(value); !ok {
			return "", `must be a country of ISO 3166, with or without a subdivision, as in "DE" or "US-CA"`
		}
		return s.Value, ""
	},
	domain.SuppressNetwork: func(value string, s *domain.Suppression) (string, string) {
		var ok bool
		if s.Network, ok = readNetwork(value); !ok {
			return "", `must be an address or a range, as in "192.0.2.7" or "2001:db8::/32"`
		}
		return s.Network.String(), ""
	},
	domain.SuppressPath: func(value string, s *domain.Suppression) (string, string) {
		s.Value = value
		return value, glob.Check(value)
	},
}

// suppressedHEMs are an e-mail's variants, and for Google's mailboxes those under its other name: whoever
// wants out as jane@gmail.com is not to be found as jane@googlemail.com.
func suppressedHEMs(email string) []domain.HEM {
	lower, ok := normalEmail(email)
	if !ok {
		return nil
	}
	hems := HEMs(lower)
	if canonical := gmailCanonical(lower); canonical != "" {
		local, host, _ := strings.Cut(canonical, "@")
		for _, google := range googles {
			if google != host {
				hems = append(hems, hash(GmailCanonical, local+"@"+google))
			}
		}
	}
	return hems
}

// readDomain accepts what people write for a company: "www." and the dot at the end go.
func readDomain(text string) (string, bool) {
	text = strings.TrimPrefix(normalDomain(text), "www.")
	if len(text) > 253 || !strings.Contains(text, ".") {
		return "", false
	}
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		for i := range len(label) {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return "", false
			}
		}
	}
	return text, true
}

func normalDomain(text string) string { return strings.TrimSuffix(lowerASCII(trim(text)), ".") }

// readNetwork reads an address or a range. IPv4 written as IPv6 is IPv4.
func readNetwork(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 { // it would be a bit of IPv6 that holds all of IPv4
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
