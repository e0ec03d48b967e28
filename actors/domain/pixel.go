package domain

import "time"

// The ids of what a pixel sees.
type (
	// PixelID names a pixel among all accounts: it stands in the script's URL and says whose it is.
	PixelID string
	// VisitorID is a browser's first-party id within its account: a UUID in a cookie set by the edge.
	VisitorID string
	// PersonID names somebody the identity graph knows, in the graph's own words: 1 to 200 of
	// a-z A-Z 0-9 . _ -. See CheckForeignID.
	PersonID string
	// SessionID names one visit: a UUID made when it begins.
	SessionID string
)

// PixelSource is the source that hits are kept under: (account, "pixel", event id) is unique.
const PixelSource SourceID = "pixel"

// Pixel is one site's tracking script: which pages may use it, and what becomes of those it identifies.
type Pixel struct {
	ID   PixelID `yaml:"id" json:"id"`
	Name string  `yaml:"name,omitempty" json:"name,omitempty"`
	// Origins are the pages that may use it: "https://shop.example", or "https://*.shop.example" for every
	// host below. An event from any other origin is refused.
	Origins []string `yaml:"origins" json:"origins"`
	Paused  bool     `yaml:"paused,omitempty" json:"paused,omitempty"` // the script is served and does nothing; events are dropped
	// Allow and Deny are globs over a page's path ("/pricing*", "/account/**"): what the script reports. A path
	// has to match one of Allow (empty: all) and none of Deny.
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
	Deny  []string `yaml:"deny,omitempty" json:"deny,omitempty"`
	// Consent: "" reports from the first view on; "required" queues until the page says "granted".
	Consent string `yaml:"consent,omitempty" json:"consent,omitempty"`
	// SessionIdle ends a visit after so long without an event; 0: 30m, the web analytics' usual.
	SessionIdle time.Duration `yaml:"session_idle,omitempty" json:"session_idle,omitempty"`
	// Rate is the most events a second from all visitors of the pixel, RatePerAddress from one address; more
	// are answered 429. 0: 5000 and 50.
	Rate           int `yaml:"rate,omitempty" json:"rate,omitempty"`
	RatePerAddress int `yaml:"rate_per_address,omitempty" json:"rate_per_address,omitempty"`
	// Campaign is where an identified visitor is routed as a lead; empty: nowhere.
	Campaign CampaignID `yaml:"campaign,omitempty" json:"campaign,omitempty"`
	Announce Announce   `yaml:"announce,omitempty" json:"announce,omitzero"`
}

// ConsentRequired is the value of Pixel.Consent that keeps the script silent until the page grants.
const ConsentRequired = "required"

// Announce is when a sighting of an identified visitor becomes an event that leaves. Empty rules pass.
type Announce struct {
	// FirstOnly announces a person's first match and no update after it.
	FirstOnly bool `yaml:"first_only,omitempty" json:"first_only,omitempty"`
	// Companies also announces a company when no person is known.
	Companies bool `yaml:"companies,omitempty" json:"companies,omitempty"`
	// Types of hits that count: page_view, page_leave, identify, custom; empty: all.
	Types []HitType `yaml:"types,omitempty" json:"types,omitempty"`
	// Pages are globs over the path of the page, one of which has to match.
	Pages []string `yaml:"pages,omitempty" json:"pages,omitempty"`
	// MinDuration is how long the visit has to have lasted, as measured by the script.
	MinDuration time.Duration `yaml:"min_duration,omitempty" json:"min_duration,omitempty"`
	// Frequency caps announcements per person: at most Max within Per. Max 0: no cap. Max is at most 100.
	Frequency Frequency `yaml:"frequency,omitempty" json:"frequency,omitzero"`
	// Segments all have to hold; see Filter.
	Segments []Filter `yaml:"segments,omitempty" json:"segments,omitempty"`
	// Coalesce is how long updates of one person are gathered into one; 0: 5s; at most 1h. A first match
	// never waits.
	Coalesce time.Duration `yaml:"coalesce,omitempty" json:"coalesce,omitempty"`
}

// Frequency is a cap over time.
type Frequency struct {
	Max int           `yaml:"max" json:"max"`
	Per time.Duration `yaml:"per" json:"per"`
}

// FilterOp is how a Filter compares.
type FilterOp string

const (
	Equals FilterOp = "equals" // the field is Value, letter case aside
	In     FilterOp = "in"     // it is one of Values
	Range  FilterOp = "range"  // it is a number from Min to Max, both included; either may be left out
	Prefix FilterOp = "prefix" // it begins with Value, letter case aside
	Exists FilterOp = "exists" // it is there and not empty
)

// Filter is one condition on a field of a record, named by its path in the envelope of docs/payload.md:
// "company.employee_count", "person.state". A field that is a list holds when one of its elements does. Not
// turns the condition round.
type Filter struct {
	Field  string   `yaml:"field" json:"field"`
	Op     FilterOp `yaml:"op" json:"op"`
	Value  string   `yaml:"value,omitempty" json:"value,omitempty"`
	Values []string `yaml:"values,omitempty" json:"values,omitempty"`
	Min    *float64 `yaml:"min,omitempty" json:"min,omitempty"`
	Max    *float64 `yaml:"max,omitempty" json:"max,omitempty"`
	Not    bool     `yaml:"not,omitempty" json:"not,omitempty"`
}
