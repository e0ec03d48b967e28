package ghl

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
)

// eventID is webhookId. Old installs send none: then it is a hash of the content, which still makes a
// byte-for-byte repeat the same event, and is marked weak because two equal facts become one.
func eventID(r record, kind, tenant string, body []byte) (domain.EventID, bool, error) {
	id, err := optional("webhookId", r.common("webhookId"))
	if err != nil {
		return "", false, err
	}
	if id != "" {
		return domain.EventID(foreign("", id)), false, nil
	}
	at := r.common("timestamp").Text()
	if at == "" {
		at = r.common("dateUpdated").Text()
	}
	sum := hash(kind, tenant, r.data.Get("id").Text(), at, string(body))
	return domain.EventID("weak-" + sum), true, nil
}

// leadID is the contact's id behind the source's, so that two sources never share a lead by accident.
func (s *Source) leadID(contact string) domain.LeadID {
	return domain.LeadID(foreign(string(s.id)+"-", contact))
}

// foreign keeps an id that GHL chose behind a prefix of ours, or its hash when it has characters or a
// length that ours cannot have. Hashing is right and refusing is not: the same id always gives the same
// hash, so deduplication and the lead's identity hold, while a refused event would be lost for good.
func foreign(prefix, id string) string {
	if domain.CheckForeignID(id) && len(prefix)+len(id) <= domain.MaxForeignID {
		return prefix + strings.Clone(id) // a clone, so that an id kept in a cache does not keep the body
	}
	return prefix + "sha256-" + hash(id)
}

// hash joins the parts by length and bytes, so that no two lists of parts hash alike.
func hash(parts ...string) string {
	h := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The types that bring leads, spelled once: an event's type is kept for as long as the event, and must not
// keep its body in memory.
var leadTypes = [...]string{
	"ContactCreate", "ContactUpdate", "ContactTagUpdate", "ContactDndUpdate", "ContactDelete",
	"OpportunityCreate", "OpportunityUpdate", "OpportunityStageUpdate", "OpportunityStatusUpdate",
	"OpportunityMonetaryValueUpdate", "OpportunityAssignedToUpdate", "OpportunityDelete",
}

// typeName checks an event's type, which may be one we do not know yet.
func typeName(name string) (string, error) {
	for _, known := range leadTypes {
		if name == known {
			return known, nil
		}
	}
	if !domain.CheckID(name) {
		return "", source.Refuse(op, "type", source.Form, "must be 1 to 64 of a-z A-Z 0-9 . _ -")
	}
	return strings.Clone(name), nil
}

// effectOf decides what a type may do to its lead. See the package's table.
func effectOf(kind string) domain.Effect {
	switch {
	case kind == "ContactDelete", kind == "OpportunityDelete":
		return domain.Amend
	case isOpportunity(kind):
		return domain.Open
	case kind == "ContactCreate", kind == "ContactUpdate", kind == "ContactTagUpdate", kind == "ContactDndUpdate":
		return domain.Open
	default:
		return domain.Record
	}
}

func isOpportunity(kind string) bool { return strings.HasPrefix(kind, "Opportunity") }
