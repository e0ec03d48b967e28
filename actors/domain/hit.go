package domain

import (
	"net/netip"
	"strings"
	"time"
)

// HitType is what a page reports.
type HitType string

const (
	PageView  HitType = "page_view"
	PageLeave HitType = "page_leave" // the page was hidden or left: Duration says for how long it was seen
	Identify  HitType = "identify"   // the page knows an e-mail or a phone, and sends their hashes
	Custom    HitType = "custom"     // Name says what
)

// HitTypes lists every type.
func HitTypes() []HitType { return []HitType{PageView, PageLeave, Identify, Custom} }

// Hit is one pixel event, checked by the edge. (Account, PixelSource, ID) is unique.
type Hit struct {
	Account AccountID `json:"account"`
	Pixel   PixelID   `json:"pixel"`
	Visitor VisitorID `json:"visitor"`
	// Fresh: the edge has just made the visitor's id, so nothing is known of it.
	Fresh bool    `json:"fresh,omitempty"`
	ID    EventID `json:"id"`
	Type  HitType `json:"type"`
	Name  string  `json:"name,omitempty"` // of a Custom hit: 1 to 64 of a-z A-Z 0-9 . _ -
	View  string  `json:"view,omitempty"` // the page view it belongs to, at most 64 bytes
	Page  Page    `json:"page,omitzero"`
	// Duration is how long the page has been visible; of PageLeave.
	Duration time.Duration `json:"duration,omitempty"`
	UTM      UTM           `json:"utm,omitzero"`
	Clicks   []Click       `json:"clicks,omitempty"`
	HEMs     []HEM         `json:"hems,omitempty"`  // of Identify
	Phone    string        `json:"phone,omitempty"` // SHA-256 of the E.164 phone, in hex; of Identify
	// What the request says of where it came from. Address is the client's, after trusted proxies.
	Address   netip.Addr `json:"address,omitzero"`
	UserAgent string     `json:"user_agent,omitempty"`
	Country   string     `json:"country,omitempty"` // ISO 3166-1 alpha-2, upper case
	State     string     `json:"state,omitempty"`   // ISO 3166-2 subdivision without the country, upper case
	GPC       bool       `json:"gpc,omitempty"`     // Sec-GPC: 1
	// Body is the event as it came, as evidence. It is kept and never parsed again.
	Body       []byte    `json:"-"`
	OccurredAt time.Time `json:"occurred_at,omitzero"` // the client's clock, corrected by when it was sent
	ReceivedAt time.Time `json:"received_at,omitzero"`
}

// Page is where a hit happened. URL has no fragment; Path is its path, "/" at least.
type Page struct {
	URL      string `json:"url,omitempty"`
	Path     string `json:"path,omitempty"`
	Title    string `json:"title,omitempty"`
	Referrer string `json:"referrer,omitempty"`
}

// UTM is a campaign's marks in a URL.
type UTM struct {
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
	Term     string `json:"term,omitempty"`
	Content  string `json:"content,omitempty"`
}

// Click is an advertiser's click id: Kind is the URL's parameter ("gclid", "fbclid", "msclkid", ...).
type Click struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// HEM is a hashed e-mail in one variant: "lower" (trimmed, lower case), or "gmail_canonical" (dots and
// +suffix removed). Digests are lower-case hex; any of them may be missing.
type HEM struct {
	Variant string `json:"variant"`
	MD5     string `json:"md5,omitempty"`
	SHA1    string `json:"sha1,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
}

// VisitorKey is a visitor with its account: the key of its row and of its actor.
type VisitorKey struct {
	Account AccountID
	Visitor VisitorID
}

// String joins the key as BuyerKey.String does.
func (k VisitorKey) String() string { return string(k.Account) + "/" + string(k.Visitor) }

// LeadOfVisitor is what stands in an event's Lead column for a hit: the lane it went through.
func LeadOfVisitor(v VisitorID) LeadID { return LeadID("visitor-" + string(v)) }

// crmPerson begins the PersonID of somebody whom an account's CRM knows and the graph does not: the rest is
// the lead's id. No graph may use it.
const crmPerson = "lead-"

// PersonOfLead is who a CRM's lead is while no graph knows better.
func PersonOfLead(l LeadID) PersonID { return PersonID(crmPerson + string(l)) }

// LeadOfPerson is the lead that an identified person is, in any account: the CRM's own lead if that is how
// the person is known.
func LeadOfPerson(p PersonID) LeadID {
	if lead, ok := strings.CutPrefix(string(p), crmPerson); ok {
		return LeadID(lead)
	}
	return LeadID("person-" + string(p))
}

// Person is who a lead is: the graph's person that was identified, or the CRM's own.
func (l LeadID) Person() PersonID {
	if p, ok := strings.CutPrefix(string(l), string(LeadOfPerson(""))); ok {
		return PersonID(p)
	}
	return PersonOfLead(l)
}

// LeadOfCompany is the lead that a company is while nobody of it is known, by its domain.
func LeadOfCompany(domain string) LeadID { return LeadID("company-" + domain) }
