package domain

import "time"

// Person is what the identity graph knows of somebody. Every field but ID may be empty.
type Person struct {
	ID            PersonID `json:"id"`
	FirstName     string   `json:"first_name,omitempty"`
	LastName      string   `json:"last_name,omitempty"`
	Title         string   `json:"title,omitempty"`
	Seniority     string   `json:"seniority,omitempty"`
	Department    string   `json:"department,omitempty"`
	BusinessEmail string   `json:"business_email,omitempty"`
	PersonalEmail string   `json:"personal_email,omitempty"`
	Phones        []string `json:"phones,omitempty"` // E.164, or the hash of one: known by it, and never delivered
	LinkedIn      string   `json:"linkedin_url,omitempty"`
	City          string   `json:"city,omitempty"`
	State         string   `json:"state,omitempty"`
	PostalCode    string   `json:"postal_code,omitempty"`
	Country       string   `json:"country,omitempty"`
	// HEMs are the hashes it is known by, those of its e-mails included.
	HEMs []HEM `json:"hems,omitempty"`
	// Company is the domain of where it works.
	Company string `json:"company,omitempty"`
}

// Company is an organisation, known by its domain.
type Company struct {
	Domain    string `json:"domain"`
	Name      string `json:"name,omitempty"`
	Website   string `json:"website,omitempty"`
	Industry  string `json:"industry,omitempty"`
	Sector    string `json:"sector,omitempty"`
	Employees int    `json:"employee_count,omitempty"`
	Revenue   string `json:"revenue_range,omitempty"`
	Founded   int    `json:"year_founded,omitempty"`
	City      string `json:"city,omitempty"`
	State     string `json:"state,omitempty"`
	Country   string `json:"country,omitempty"`
	LinkedIn  string `json:"linkedin_url,omitempty"`
}

// KeyKind is what an identity key is.
type KeyKind string

const (
	KeyVisitor KeyKind = "visitor" // a VisitorID
	KeyMD5     KeyKind = "md5"     // of an e-mail in any variant, lower-case hex
	KeySHA1    KeyKind = "sha1"
	KeySHA256  KeyKind = "sha256"
	KeyPhone   KeyKind = "phone" // SHA-256 of an E.164 phone, lower-case hex
	KeyClick   KeyKind = "click" // "gclid:EAIaIQ..."
)

// Key is one thing a person can be found by, in its canonical form. Package identity makes them.
type Key struct {
	Kind  KeyKind `json:"kind"`
	Value string  `json:"value"`
}

// Link says that a key belongs to a person. An account learns links from identify calls and from its CRM's
// leads; they are that account's alone, and win over the graph's file.
type Link struct {
	Seq     int64     `json:"seq,omitempty"` // given by the store, rising
	Account AccountID `json:"account"`
	Key     Key       `json:"key"`
	Person  PersonID  `json:"person"`
	From    string    `json:"from"` // "identify" or "crm"
	At      time.Time `json:"at"`
	// Removed: an erasure took it away. Nodes that hold it in memory drop it.
	Removed bool `json:"removed,omitempty"`
}

// Match is how a visitor was resolved.
type Match struct {
	Level    MatchLevel `json:"level"`
	By       KeyKind    `json:"by,omitempty"`       // the kind of key that decided; "network" for a company
	From     string     `json:"from,omitempty"`     // "identify", "overlay", "graph", "tier"
	Conflict bool       `json:"conflict,omitempty"` // weaker keys named somebody else
}

// MatchLevel is who a match names.
type MatchLevel string

const (
	NoMatch      MatchLevel = ""
	CompanyMatch MatchLevel = "company"
	PersonMatch  MatchLevel = "person"
)

// KeyNetwork is Match.By for a company found by its network.
const KeyNetwork KeyKind = "network"

// Known is what an identity source that is asked key by key tells: whom the strongest of the keys belongs to.
type Known struct {
	Found   bool
	Person  Person
	Company Company // of the person, by its domain; zero when it is not known
	By      Key     // the key that decided
}
