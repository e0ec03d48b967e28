package delivery

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/leadwire/leadwire/actors/domain"
)

// announcementID derives the id of an announcement from the fact it announces: a UUID of version 8 (RFC 9562, "any
// way you like") from the first bytes of a SHA-256. Made again after a lost answer it is the same, so a receiver that
// knows the id has seen the event. Parts are told apart by their lengths, not by a separator they might contain.
func announcementID(account domain.AccountID, lead domain.LeadID, t domain.AnnouncementType, fact ...string) domain.EventID {
	return domain.EventID(idOf(append([]string{string(account), string(lead), string(t)}, fact...)...))
}

// idOf is the same id for the same parts.
func idOf(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		n := len(part)
		h.Write([]byte{byte(n >> 8), byte(n)})
		h.Write([]byte(part))
	}
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	out := make([]byte, 36)
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out)
}
