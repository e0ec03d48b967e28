package domain

import (
	"cmp"
	"slices"
	"time"
)

// EndpointID names a customer's endpoint within its account.
type EndpointID string

// EndpointKey is an endpoint with the account it belongs to: the key of its queue and of its actor.
type EndpointKey struct {
	Account  AccountID
	Endpoint EndpointID
}

// String joins the key as BuyerKey.String does.
func (k EndpointKey) String() string { return string(k.Account) + "/" + string(k.Endpoint) }

// Tier is an endpoint's share of a node when there is not enough for all. See docs/priorities.md.
type Tier string

const (
	TierHigh     Tier = "high"
	TierStandard Tier = "standard" // the default
	TierLow      Tier = "low"
)

// Tiers lists every tier, the largest share first.
func Tiers() []Tier { return []Tier{TierHigh, TierStandard, TierLow} }

// Endpoint is a customer's URL that events are sent to. Its secrets are not here: they are sealed in the store
// (see DeliveryStore.Secrets), because a catalog is a file that people read.
type Endpoint struct {
	ID   EndpointID `yaml:"id" json:"id"`
	Name string     `yaml:"name,omitempty" json:"name,omitempty"`
	// URL is where events are posted: https, without credentials or a fragment. http is for development (see
	// serve's --allow-private).
	URL string `yaml:"url" json:"url"`
	// Events lists the types that are sent; empty: all that are about people.
	Events []AnnouncementType `yaml:"events,omitempty" json:"events,omitempty"`
	// Pixels narrows visitors' events to those of some of the account's pixels; empty: all.
	Pixels []PixelID `yaml:"pixels,omitempty" json:"pixels,omitempty"`
	// Shape is one of the account's shapes; empty: the envelope as it is.
	Shape string `yaml:"shape,omitempty" json:"shape,omitempty"`
	// Omit are paths in the envelope that this endpoint does not get ("person.phones").
	Omit   []string `yaml:"omit,omitempty" json:"omit,omitempty"`
	Tier   Tier     `yaml:"tier,omitempty" json:"tier,omitempty"`
	Paused bool     `yaml:"paused,omitempty" json:"paused,omitempty"` // nothing is sent; the queue is kept
	// Headers are sent along. They hold no secrets, and none of those that we set ourselves.
	Headers map[string]string `yaml:"headers,omitempty" json:"headers,omitempty"`
	// Concurrency is the most attempts at once; 0: 16. Fewer are made while the endpoint fails.
	Concurrency int `yaml:"concurrency,omitempty" json:"concurrency,omitempty"`
	// Rate is the most attempts a second, with a burst of one second's worth; 0: no limit.
	Rate float64 `yaml:"rate,omitempty" json:"rate,omitempty"`
	// Timeout of a whole attempt; 0: 15s.
	Timeout time.Duration `yaml:"timeout,omitempty" json:"timeout,omitempty"`
	// Batch asks for updates of several people in one request; zero: each goes alone.
	Batch Batch `yaml:"batch,omitempty" json:"batch,omitzero"`
	// Schedule are the pauses between attempts; empty: the default. Terminal is when the last one is made, after the first
	// was; 0: 24h.
	Schedule []time.Duration `yaml:"schedule,omitempty" json:"schedule,omitempty"`
	Terminal time.Duration   `yaml:"terminal,omitempty" json:"terminal,omitempty"`
	// Hold is how long events of a person wait behind an earlier one of the same that fails, counted from its first
	// failure; 0: 15m. Then they go, and say so.
	Hold time.Duration `yaml:"hold,omitempty" json:"hold,omitempty"`
	// DisableAfter is how long there may be nothing but failures before the endpoint is disabled; 0: 120h.
	DisableAfter time.Duration `yaml:"disable_after,omitempty" json:"disable_after,omitempty"`
}

// Batch is how updates of people who are known already are gathered, so that one request with one signature carries many of
// them. First matches, retries and replays always go alone.
type Batch struct {
	// Count is the most events in a request; 0: nothing is gathered.
	Count int `yaml:"count" json:"count"`
	// Bytes is the most that they hold together, before the endpoint's shape; 0: 256 KiB. A larger event goes alone.
	Bytes int `yaml:"bytes,omitempty" json:"bytes,omitempty"`
	// Delay is the longest that an event waits for others, from when it was owed; 0: 1s.
	Delay time.Duration `yaml:"delay,omitempty" json:"delay,omitempty"`
}

// On says whether anything is gathered.
func (b Batch) On() bool { return b.Count > 0 }

// Defaults of an endpoint, and the bounds of what it may ask for.
const (
	DefaultConcurrency  = 16
	MaxConcurrency      = 256
	MaxRate             = 10_000
	DefaultTimeout      = 15 * time.Second
	MinTimeout          = time.Second
	MaxTimeout          = time.Minute
	DefaultTerminal     = 24 * time.Hour
	MinTerminal         = time.Minute
	MaxTerminal         = 7 * 24 * time.Hour
	MinPause            = time.Second
	MaxPauses           = 32
	DefaultHold         = 15 * time.Minute
	MaxHold             = 24 * time.Hour
	DefaultDisableAfter = 5 * 24 * time.Hour
	MinDisableAfter     = time.Hour
	MaxDisableAfter     = 30 * 24 * time.Hour
	MaxHeaders          = 20
	MaxHeader           = 1024 // bytes of a value
	MaxURL              = 2048
	MinBatchCount       = 2
	MaxBatchCount       = 50
	DefaultBatchBytes   = 256 << 10
	MinBatchBytes       = 1 << 10
	MaxBatchBytes       = 4 << 20
	DefaultBatchDelay   = time.Second
	MinBatchDelay       = 10 * time.Millisecond
	MaxBatchDelay       = time.Minute
	// MaxInFlight is the most events on their way to one endpoint at once, Concurrency times Batch.Count: of 4 KB, 4 MB.
	MaxInFlight = 1024
)

// DefaultPauses are the pauses between attempts, counted from the first one's failure: the last attempt is made
// DefaultTerminal after the first was. With the most of jitter they add up to 23 h 53 m.
func DefaultPauses() []time.Duration {
	const s = time.Second
	return []time.Duration{5 * s, 30 * s, 120 * s, 600 * s, 1800 * s, 3600 * s, 7200 * s, 14400 * s, 21600 * s, 28800 * s}
}

// WithDefaults fills zero fields.
func (e Endpoint) WithDefaults() Endpoint {
	if e.Tier == "" {
		e.Tier = TierStandard
	}
	if e.Concurrency == 0 {
		e.Concurrency = DefaultConcurrency
	}
	if len(e.Schedule) == 0 {
		e.Schedule = DefaultPauses()
	}
	if e.Batch.On() {
		e.Batch.Bytes = cmp.Or(e.Batch.Bytes, DefaultBatchBytes)
		e.Batch.Delay = cmp.Or(e.Batch.Delay, DefaultBatchDelay)
	}
	for _, f := range []struct {
		to  *time.Duration
		def time.Duration
	}{
		{&e.Timeout, DefaultTimeout}, {&e.Terminal, DefaultTerminal}, {&e.Hold, DefaultHold}, {&e.DisableAfter, DefaultDisableAfter},
	} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	return e
}

// Wants says whether the endpoint asks for an announcement about somebody; see Account.Sends.
func (e *Endpoint) Wants(t AnnouncementType, pixel PixelID) bool {
	return contains(e.Events, t) && (pixel == "" || contains(e.Pixels, pixel))
}

// contains: an empty list holds everything.
func contains[T comparable](list []T, one T) bool {
	for _, l := range list {
		if l == one {
			return true
		}
	}
	return len(list) == 0
}

// EndpointState is what an endpoint's queue remembers of the endpoint as a whole. One row per endpoint that was
// ever owed something.
type EndpointState struct {
	Key      EndpointKey
	Revision int64 // 1 at first
	// DisabledAt, and why: nothing is sent until somebody enables it. Zero: it is not.
	DisabledAt time.Time
	Reason     string
	// FailingSince is the first failure after the last success; zero: the last attempt succeeded, or there was none.
	FailingSince time.Time
	SucceededAt  time.Time // the last success
	Told         Told      // to the operations endpoint
}

// Secret is one of an endpoint's signing secrets, sealed. Two live at once while one is being replaced.
type Secret struct {
	ID        string     `json:"id"`               // names it in receipts: never secret
	Kind      SecretKind `json:"kind"`             //
	Sealed    []byte     `json:"sealed"`           // see package vault
	CreatedAt time.Time  `json:"created_at"`       //
	EndsAt    time.Time  `json:"ends_at,omitzero"` // signs until then; zero: for as long as it is there
	// ExpiresAt is when a client certificate is good no longer. It is told and not acted on: a new one has to be got from
	// somebody.
	ExpiresAt time.Time   `json:"expires_at,omitzero"`
	Endpoint  EndpointKey `json:"-"`
}

// SecretKind is what a secret is for.
type SecretKind string

const (
	HMACSecret    SecretKind = "hmac"    // signs v1
	Ed25519Secret SecretKind = "ed25519" // signs v1a
	BearerSecret  SecretKind = "bearer"  // Authorization: Bearer
	BasicSecret   SecretKind = "basic"   // Authorization: Basic
	OAuth2Secret  SecretKind = "oauth2"  // Authorization: Bearer, with a token that is fetched; a TokenClient in JSON
	MTLSSecret    SecretKind = "mtls"    // a client certificate: its chain and its key, in PEM
)

// SecretIDs lists the ids of secrets, sorted: what PutSecrets compares.
func SecretIDs(secrets []Secret) []string {
	ids := make([]string, len(secrets))
	for i, s := range secrets {
		ids[i] = s.ID
	}
	slices.Sort(ids)
	return ids
}
