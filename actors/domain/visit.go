package domain

import (
	"encoding/json"
	"net/netip"
	"time"
)

// MaxPages is how many page views a visit remembers: the first, and the newest after it. 20 are a long visit;
// a page is about 150 bytes, so a visit stays at some 3 KB.
const MaxPages = 20

// Visit is what a visitor's lane remembers: the session under way and who the visitor is. It is one row per
// visitor, rewritten with each of its hits.
type Visit struct {
	Account  AccountID `json:"account"`
	Visitor  VisitorID `json:"visitor"`
	Revision int64     `json:"revision"` // 1 at first, one more with every change; guards read-modify-write
	Pixel    PixelID   `json:"pixel"`

	Session   SessionID     `json:"session"`
	Number    int           `json:"number"` // 1 for the visitor's first session
	StartedAt time.Time     `json:"started_at"`
	LastAt    time.Time     `json:"last_at"`
	Views     int           `json:"views"` // of the session, also those no longer in Pages
	Pages     []PageSeen    `json:"pages,omitempty"`
	Duration  time.Duration `json:"duration,omitempty"` // visible time of the session's pages
	Referrer  string        `json:"referrer,omitempty"` // of the session's first page
	UTM       UTM           `json:"utm,omitzero"`
	Clicks    []Click       `json:"clicks,omitempty"`

	HEMs  []HEM  `json:"hems,omitempty"` // from the newest identify call
	Phone string `json:"phone,omitempty"`

	Person  PersonID `json:"person,omitempty"`  // whom it was resolved to
	Company string   `json:"company,omitempty"` // its domain
	Match   Match    `json:"match,omitzero"`
	// Unhanded counts the session's views that happened before anybody was known: they go along with the
	// sighting that names somebody.
	Unhanded int `json:"unhanded,omitempty"`

	Country    string `json:"country,omitempty"`
	State      string `json:"state,omitempty"`
	Suppressed string `json:"suppressed,omitempty"` // the rule that kept the last hit from being matched
	// Shunned: what this browser once said of who it is, is suppressed, and is no longer kept to compare with. Nobody
	// is looked up for it, by whatever leads to somebody, until it says anew who it is.
	Shunned  bool  `json:"shunned,omitempty"`
	EventSeq int64 `json:"event_seq,omitempty"` // the newest event that went into it
}

// Key is the visit's key.
func (v Visit) Key() VisitorKey { return VisitorKey{v.Account, v.Visitor} }

// PageSeen is a page view of a visit.
type PageSeen struct {
	View     string        `json:"view,omitempty"`
	URL      string        `json:"url"`
	Path     string        `json:"path"`
	Title    string        `json:"title,omitempty"`
	At       time.Time     `json:"at"`
	Duration time.Duration `json:"duration,omitempty"`
}

// Sighting is a hit of somebody who is known, on its way to the lead that judges it. The store keeps it
// until it is judged.
type Sighting struct {
	N         int64     `json:"n,omitempty"` // given by the store, rising: what Judge settles
	Partition Partition `json:"partition"`   // of Lead's actor
	Account   AccountID `json:"account"`
	Lead      LeadID    `json:"lead"` // LeadOfPerson or LeadOfCompany
	Pixel     PixelID   `json:"pixel"`
	Person    PersonID  `json:"person,omitempty"`
	Company   string    `json:"company,omitempty"`
	Match     Match     `json:"match"`
	EventID   EventID   `json:"event_id"` // of the hit
	EventSeq  int64     `json:"event_seq"`
	Type      HitType   `json:"type"`
	Name      string    `json:"name,omitempty"`
	Page      Page      `json:"page,omitzero"`
	// Address is the visitor's: suppressed ranges are asked again when it is judged. It leaves with nothing.
	Address netip.Addr `json:"address,omitzero"`
	// Visit as it stood after the hit, and after those of the same Observation. Upgraded of its views happened before the person was known.
	Visit      Visit     `json:"visit"`
	Upgraded   int       `json:"upgraded,omitempty"`
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	ReceivedAt time.Time `json:"received_at"`
	MatchedAt  time.Time `json:"matched_at"`
	// DueAt is when it has to be judged at the latest: at once, or after Announce.Coalesce. Recovery hands on
	// what is past it.
	DueAt time.Time `json:"due_at"`
}

// Key is the key of the lead that judges the sighting.
func (s Sighting) Key() LeadKey { return LeadKey{s.Account, s.Lead} }

// Acquaintance is what an account knows of having met somebody: whether the first match was announced, and
// how often since. One row per (account, lead); the store's key makes a first match happen once.
type Acquaintance struct {
	Account   AccountID `json:"account"`
	Lead      LeadID    `json:"lead"`
	Revision  int64     `json:"revision"` // 1 at first
	Person    PersonID  `json:"person,omitempty"`
	Company   string    `json:"company,omitempty"`
	FirstAt   time.Time `json:"first_at,omitzero"` // of the first match; zero: none was announced yet
	FirstID   EventID   `json:"first_id,omitempty"`
	LastAt    time.Time `json:"last_at,omitzero"` // of the newest sighting
	Sightings int64     `json:"sightings"`
	Announced int64     `json:"announced"`
	// Recent are the times of the newest announcements, oldest first, as many as the frequency cap needs.
	Recent   []time.Time `json:"recent,omitempty"`
	EventSeq int64       `json:"event_seq"` // the newest hit that went into it
}

// Key is the acquaintance's key.
func (a Acquaintance) Key() LeadKey { return LeadKey{a.Account, a.Lead} }

// AnnouncementType is what an event that leaves says.
type AnnouncementType string

const (
	LeadReceivedEvent      AnnouncementType = "lead.received"
	LeadAssignedEvent      AnnouncementType = "lead.assigned"
	LeadUpdatedEvent       AnnouncementType = "lead.updated"
	VisitorIdentifiedEvent AnnouncementType = "visitor.identified"
	VisitorUpdatedEvent    AnnouncementType = "visitor.updated"
)

// AnnouncementTypes lists those that are about people: what an endpoint may ask for. See OperationalTypes for the others.
func AnnouncementTypes() []AnnouncementType {
	return []AnnouncementType{LeadReceivedEvent, LeadAssignedEvent, LeadUpdatedEvent, VisitorIdentifiedEvent, VisitorUpdatedEvent}
}

// Announcement is an event that leaves: what customers' endpoints are sent. It is committed with the fact
// that it announces. Its ID follows from that fact, so that making it again makes the same one.
type Announcement struct {
	Seq     int64            `json:"seq"` // given by the store, rising
	ID      EventID          `json:"id"`
	Account AccountID        `json:"account"`
	Type    AnnouncementType `json:"type"`
	Lead    LeadID           `json:"lead"` // what is said of one arrives in order
	Pixel   PixelID          `json:"pixel,omitempty"`
	Payload json.RawMessage  `json:"payload"` // the envelope of docs/payload.md
	At      time.Time        `json:"at"`      // of the decision
	// Owed are the endpoints that it goes to. They become deliveries in its commit, which answers with them in
	// Deliveries, in the order of Owed, without their payload; DueAt is At unless they are behind.
	Owed       []Owed     `json:"-"`
	Deliveries []Delivery `json:"-"`
}
