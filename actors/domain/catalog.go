package domain

import "time"

// Catalog is everything an operator configures: who sends, who buys, and what goes where. It is
// small (thousands of entries), kept in the store, held whole in memory by every node, and replaced
// as a whole: a Catalog that has been handed out is never changed.
type Catalog struct {
	Revision int64     `yaml:"-" json:"revision"`
	Sources  []Source  `yaml:"sources" json:"sources"`
	Accounts []Account `yaml:"accounts" json:"accounts"`
	// Graph is the path of the identity graph's file, on every node alike; empty: none.
	Graph string `yaml:"graph,omitempty" json:"graph,omitempty"`
	// Suppress lists what no account may identify, beside what was added later (see CatalogSuppression).
	Suppress []CatalogSuppression `yaml:"suppress,omitempty" json:"suppress,omitempty"`
}

// CatalogSuppression is a suppression as an operator writes it: exactly one of its keys is given. E-mails may
// be given as they are or as a digest; the catalog is the operator's own file.
type CatalogSuppression struct {
	Email   string `yaml:"email,omitempty" json:"email,omitempty"`
	Phone   string `yaml:"phone,omitempty" json:"phone,omitempty"`
	Person  string `yaml:"person,omitempty" json:"person,omitempty"`
	Company string `yaml:"company,omitempty" json:"company,omitempty"`
	Region  string `yaml:"region,omitempty" json:"region,omitempty"`
	Network string `yaml:"network,omitempty" json:"network,omitempty"`
	Path    string `yaml:"path,omitempty" json:"path,omitempty"`
	// Pixel narrows it to one of the account's pixels.
	Pixel  PixelID `yaml:"pixel,omitempty" json:"pixel,omitempty"`
	Reason string  `yaml:"reason,omitempty" json:"reason,omitempty"`
}

// Shape is another form for events that leave: which field of the envelope goes where. See docs/payload.md.
type Shape struct {
	ID string `yaml:"id" json:"id"`
	// Preset is one that comes with the program ("rb2b"); Fields is then empty.
	Preset string `yaml:"preset,omitempty" json:"preset,omitempty"`
	// Fields maps an outgoing name to a path in the envelope.
	Fields map[string]string `yaml:"fields,omitempty" json:"fields,omitempty"`
	// Omit are paths in the envelope that are left out ("person.phones"), whatever else says they go.
	Omit []string `yaml:"omit,omitempty" json:"omit,omitempty"`
}

// MaxSourceBody is the largest body of a source's request, in bytes: Go High Level's largest, an e-mail with its HTML, stays under
// half of that. What takes many of them at once counts with it: 200 in a batch of messages between nodes.
const MaxSourceBody = 1 << 20

// Source is where signed events come from and how they are verified. It belongs to the platform and
// not to an account, because a source's signature is verified before its body says whose it is.
type Source struct {
	ID   SourceID `yaml:"id" json:"id"`     // also its path: POST /leads/webhook/{id}
	Kind string   `yaml:"kind" json:"kind"` // which verifier and parser: "ghl"
	// PublicKeys verify the source's signatures: Ed25519, as base64 of the SPKI DER or of the raw 32
	// bytes, or PEM. All are tried (rotation). Empty: the source's published platform key.
	PublicKeys []string `yaml:"public_keys,omitempty" json:"public_keys,omitempty"`
	// Legacy also accepts the source's older scheme (GHL: RSA in X-WH-Signature), with LegacyKeys as
	// PEM or its published key.
	Legacy     bool     `yaml:"legacy,omitempty" json:"legacy,omitempty"`
	LegacyKeys []string `yaml:"legacy_keys,omitempty" json:"legacy_keys,omitempty"`
	// MaxBody caps a request's body in bytes, at most MaxSourceBody; 0: that.
	MaxBody int `yaml:"max_body,omitempty" json:"max_body,omitempty"`
}

// Account is a tenant.
type Account struct {
	ID        AccountID            `yaml:"id" json:"id"`
	Name      string               `yaml:"name" json:"name"`
	Locations []Location           `yaml:"locations" json:"locations"`
	Campaigns []Campaign           `yaml:"campaigns" json:"campaigns"`
	Buyers    []Buyer              `yaml:"buyers" json:"buyers"`
	Pixels    []Pixel              `yaml:"pixels,omitempty" json:"pixels,omitempty"`
	Suppress  []CatalogSuppression `yaml:"suppress,omitempty" json:"suppress,omitempty"`
	Shapes    []Shape              `yaml:"shapes,omitempty" json:"shapes,omitempty"`
	Endpoints []Endpoint           `yaml:"endpoints,omitempty" json:"endpoints,omitempty"`
	// Announce lists which of lead.received, lead.assigned and lead.updated leave; visitors' events do by
	// their pixel's rules.
	Announce []AnnouncementType `yaml:"announce,omitempty" json:"announce,omitempty"`
	// Operations is the one of its endpoints that is told how the others do; empty: nobody is. See Account.Sends.
	Operations EndpointID `yaml:"operations,omitempty" json:"operations,omitempty"`
}

// Location ties a source's own name for a tenant (GHL's locationId) to an account and a campaign.
type Location struct {
	ID       string     `yaml:"id" json:"id"`
	Source   SourceID   `yaml:"source" json:"source"`
	Campaign CampaignID `yaml:"campaign" json:"campaign"`
}

// Campaign is a set of buyers and a routing method.
type Campaign struct {
	ID     CampaignID `yaml:"id" json:"id"`
	Name   string     `yaml:"name,omitempty" json:"name,omitempty"`
	Method string     `yaml:"method" json:"method"` // "round_robin"
	Buyers []BuyerID  `yaml:"buyers" json:"buyers"` // in their order of turns
}

// Buyer receives leads on a dashboard.
type Buyer struct {
	ID       BuyerID `yaml:"id" json:"id"`
	Name     string  `yaml:"name,omitempty" json:"name,omitempty"`
	Paused   bool    `yaml:"paused,omitempty" json:"paused,omitempty"`
	DailyCap int     `yaml:"daily_cap,omitempty" json:"daily_cap,omitempty"` // 0: none
	Timezone string  `yaml:"timezone,omitempty" json:"timezone,omitempty"`   // IANA; whose midnight resets the cap; default UTC
	Tokens   []Token `yaml:"tokens,omitempty" json:"tokens,omitempty"`
}

// Token lets a dashboard read one buyer's feed. The token itself is signed and not stored; an entry
// that disappears from the catalog, or is past its time, is refused.
type Token struct {
	ID        string    `yaml:"id" json:"id"`
	ExpiresAt time.Time `yaml:"expires_at" json:"expires_at"`
}
