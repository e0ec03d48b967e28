package domain

import (
	"net/netip"
	"time"
)

// SuppressionScope is how far a suppression reaches.
type SuppressionScope string

const (
	GlobalScope  SuppressionScope = "global"  // every account: a legal opt-out
	AccountScope SuppressionScope = "account" // one account
	PixelScope   SuppressionScope = "pixel"   // one pixel
)

// SuppressionKind is what a suppression is about.
type SuppressionKind string

const (
	SuppressEmail   SuppressionKind = "email"   // HEMs: one e-mail in all its variants, or a digest alone
	SuppressPhone   SuppressionKind = "phone"   // Value: SHA-256 of the E.164 phone, lower-case hex
	SuppressPerson  SuppressionKind = "person"  // Value: the PersonID
	SuppressCompany SuppressionKind = "company" // Value: a domain, with every domain below it
	SuppressRegion  SuppressionKind = "region"  // Value: "DE", or "US-CA"
	SuppressNetwork SuppressionKind = "network" // Network: an address range
	SuppressPath    SuppressionKind = "path"    // Value: a glob over the page's path
)

// SuppressionKinds lists every kind.
func SuppressionKinds() []SuppressionKind {
	return []SuppressionKind{SuppressEmail, SuppressPhone, SuppressPerson, SuppressCompany, SuppressRegion, SuppressNetwork, SuppressPath}
}

// Suppression says that something must not be identified or delivered. It holds no e-mail and no phone, only
// their hashes. ID follows from scope and key (see identity.NewSuppression), so adding it twice is adding
// it once.
type Suppression struct {
	ID        string           `json:"id"`
	Revision  int64            `json:"revision,omitempty"` // of the store, when it was added or removed
	Removed   bool             `json:"removed,omitempty"`  // of SuppressionsSince: it is no longer in force
	Scope     SuppressionScope `json:"scope"`
	Account   AccountID        `json:"account,omitempty"` // empty in the global scope
	Pixel     PixelID          `json:"pixel,omitempty"`   // of the pixel scope
	Kind      SuppressionKind  `json:"kind"`
	Value     string           `json:"value,omitempty"`
	HEMs      []HEM            `json:"hems,omitempty"`
	Network   netip.Prefix     `json:"network,omitzero"`
	Reason    string           `json:"reason,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
}

// AuditEntry says who did what. Subjects are hashes or ids, never an e-mail or a name.
type AuditEntry struct {
	Seq     int64     `json:"seq"` // given by the store
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`  // "key k_3f2a", "command line"
	Action  string    `json:"action"` // "suppress", "unsuppress", "erase", "key.create", "key.revoke", "graph.use", "pixel.put", "pixel.delete", "catalog.apply"
	Account AccountID `json:"account,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// Erasure is everything that is to be forgotten of one person in one account. Whoever asks has found out
// what belongs to it; the store removes it for good, so that no byte of it stays in its files.
type Erasure struct {
	Account  AccountID
	Visitors []VisitorID // their visits, hits, sightings and links
	Persons  []PersonID  // links to them
	Keys     []Key       // links of these keys
	// Leads lose their contact, wherever it stands: the lead, its feed events (their places stay), its pending
	// and kept events, its acquaintance and its announcements. A lead erased has Contact {"status":"erased"}.
	Leads []LeadID
	// Texts name the person: hashes, and what was asked for in clear. What has one of them in it, as Names finds it,
	// goes or loses it wherever it stands: the body of an event or a hit of anybody else, a sighting, an announcement, what an
	// endpoint answered.
	Texts    []string
	Suppress []Suppression // in force from the same commit on
	Audit    AuditEntry
}

// Erased counts what an erasure removed, by table.
type Erased struct {
	Rows     map[string]int64
	Revision int64 // of suppressions
}

// ErasedContact is what is left of a contact.
const ErasedContact = `{"status":"erased"}`

// APIKey lets a program use /api/v1. The key itself is shown once and not stored.
type APIKey struct {
	ID        string    `json:"id"`
	Account   AccountID `json:"account,omitempty"` // empty: every account
	Name      string    `json:"name,omitempty"`
	Scopes    []string  `json:"scopes"`         // see package apikey
	Hash      []byte    `json:"hash,omitempty"` // SHA-256 of the secret
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: until it is revoked
}
