// Package token makes and checks the tokens by which a dashboard reads one buyer's feed. A token is
// signed and not stored: any node can check it with the store's key and the catalog.
//
//	lwb1.<base64url of "account/buyer/token id/expiry">.<base64url of HMAC-SHA256 over what stands before>
//
// A token is good while three things hold: its signature is by our key, its time has not passed, and the
// catalog still lists its id for its buyer. Removing the entry revokes the token within the second that
// nodes need to see a new catalog. The package reads no clock and opens no socket.
package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// prefix names the form, so that another one can be told from it and secret scanners know a leaked one.
const prefix = "lwb1."

// MaxLength is the longest token, in bytes: three ids of 64, a time, their base64 and the signature's.
const MaxLength = 384

// KeySize is the length of a signing key, in bytes.
const KeySize = 32

// Reason is why a token was refused.
type Reason string

const (
	Missing   Reason = "missing"   // the request carries none
	Malformed Reason = "malformed" // not a token of this form
	Forged    Reason = "forged"    // not signed by our key
	Expired   Reason = "expired"   // its own time or its catalog entry's has passed
	Revoked   Reason = "revoked"   // the catalog does not list it
)

// Reasons lists every reason, for counters that are born at zero.
func Reasons() []Reason { return []Reason{Missing, Malformed, Forged, Expired, Revoked} }

func (r Reason) Error() string { return "the token is " + string(r) }

// Claims is what a token says.
type Claims struct {
	Buyer     domain.BuyerKey
	ID        string // of the catalog's entry
	ExpiresAt time.Time
}

// ticketPrefix names what a token is traded for to open a stream at another host: see Ticket.
const ticketPrefix = "lwt1."

// TicketFor is how long a ticket is good: for a page that connects at once, and clocks of nodes that differ.
const TicketFor = time.Minute

// Mint signs a token for a catalog entry. It is good until t.ExpiresAt, in whole seconds.
func Mint(key []byte, buyer domain.BuyerKey, t domain.Token) string {
	return seal(key, prefix, Claims{Buyer: buyer, ID: t.ID, ExpiresAt: t.ExpiresAt})
}

// Ticket signs what opens a stream in a token's place, for TicketFor and no longer than the token itself. It may stand in
// a URL, where a token would be written into logs and stay good for months: an EventSource to another host can send
// neither a header nor this host's cookie.
func Ticket(key []byte, c Claims, now time.Time) string {
	if until := now.Add(TicketFor); until.Before(c.ExpiresAt) {
		c.ExpiresAt = until
	}
	return seal(key, ticketPrefix, c)
}

func seal(key []byte, prefix string, c Claims) string {
	claims := strings.Join([]string{
		string(c.Buyer.Account), string(c.Buyer.Buyer), c.ID, strconv.FormatInt(c.ExpiresAt.Unix(), 10),
	}, "/")
	signed := prefix + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(key, signed))
}

// Verify checks a token at now against the catalog. The error is a Reason, as an Unverified domain.Error.
func Verify(key []byte, text string, now time.Time, dir *domain.Directory) (Claims, error) {
	return verify(key, prefix, text, now, dir)
}

// VerifyTicket is Verify for a ticket. A token is none, and a ticket no token.
func VerifyTicket(key []byte, text string, now time.Time, dir *domain.Directory) (Claims, error) {
	return verify(key, ticketPrefix, text, now, dir)
}

func verify(key []byte, prefix, text string, now time.Time, dir *domain.Directory) (Claims, error) {
	claims, reason := read(key, prefix, text)
	if reason == "" {
		reason = allowed(claims, now, dir)
	}
	if reason != "" {
		return Claims{}, domain.Fail("verify token", domain.Unverified, reason)
	}
	return claims, nil
}

// read checks form and signature; the signature first, so that nothing forged is looked into.
func read(key []byte, prefix, text string) (Claims, Reason) {
	switch {
	case text == "":
		return Claims{}, Missing
	case len(text) > MaxLength || !strings.HasPrefix(text, prefix):
		return Claims{}, Malformed
	}
	dot := strings.LastIndexByte(text, '.')
	if dot < len(prefix) {
		return Claims{}, Malformed
	}
	strict := base64.RawURLEncoding.Strict()
	mac, err := strict.DecodeString(text[dot+1:])
	if err != nil || len(mac) != sha256.Size {
		return Claims{}, Malformed
	}
	if !hmac.Equal(mac, sign(key, text[:dot])) {
		return Claims{}, Forged
	}
	plain, err := strict.DecodeString(text[len(prefix):dot])
	if err != nil {
		return Claims{}, Malformed
	}
	part := strings.Split(string(plain), "/")
	if len(part) != 4 {
		return Claims{}, Malformed
	}
	seconds, err := strconv.ParseInt(part[3], 10, 64)
	if err != nil {
		return Claims{}, Malformed
	}
	return Claims{
		Buyer:     domain.BuyerKey{Account: domain.AccountID(part[0]), Buyer: domain.BuyerID(part[1])},
		ID:        part[2],
		ExpiresAt: time.Unix(seconds, 0).UTC(),
	}, ""
}

func allowed(c Claims, now time.Time, dir *domain.Directory) Reason {
	entry, ok := dir.Token(c.Buyer, c.ID)
	switch {
	case !ok:
		return Revoked
	case !now.Before(c.ExpiresAt) || !now.Before(entry.ExpiresAt):
		return Expired
	default:
		return ""
	}
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
