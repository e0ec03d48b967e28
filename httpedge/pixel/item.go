package pixel

import (
	"net/netip"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
)

// Bounds of what is sent at once.
const (
	// MaxBody is a request's, in bytes: what a browser's sendBeacon and fetch with keepalive take.
	MaxBody = 64 << 10
	// MaxItems is how many hits one request may carry. They are one commit. A page that was offline for
	// an hour has fewer.
	MaxItems = domain.MaxHits
	// MaxItem is one hit's, in bytes: it is kept as evidence, and the script's longest stays under 8 KiB.
	MaxItem = 16 << 10
)

// Lengths, in bytes. What is over is cut, and counted in Item.Cut, except where cutting would make another
// value of it: then it is left out.
const (
	maxURL       = 2048 // what every browser and balancer lets through
	maxTitle     = 300
	maxUTM       = 200
	maxClick     = 512 // the longest click ids are some 250 bytes; a longer one is left out
	maxClicks    = 10
	maxClickKind = 32
	maxHEMs      = 10
	maxName      = 64 // of a custom hit
	maxView      = 64
	maxRegion    = 3 // ISO 3166-2, without the country
	// MaxUserAgent is how much of a User-Agent is kept: those of browsers have 100 to 200.
	MaxUserAgent = 256
)

// How old a hit may be when it is sent. The clock of a machine that says more is wrong, or its page slept:
// it counts as this old.
const (
	maxAge       = 24 * time.Hour
	maxServerAge = 30 * 24 * time.Hour // a server may send what it gathered; evidence is kept as long
	maxDuration  = 24 * time.Hour
)

// Rules that a hit can break, beside those of package source.
const (
	Origin = "origin" // its page is none of the pixel's
	Clear  = "clear"  // it has an e-mail or a phone that is not hashed
	Length = "length" // longer than it may be
)

// Rules lists the names of all rules, for counters that are born at zero.
func Rules() []string { return append(source.Rules(), Origin, Clear, Length) }

// Request is what is known of a request beside its body.
type Request struct {
	// Pixel is whose hits they are. Nil for a server's: each of its hits names its own, see Item.Pixel.
	Pixel *domain.DirectoryPixel
	// Server: not a page sends, but a server with an API key. It may say of each hit what otherwise the
	// request says: pixel, visitor, ip, user_agent, country, state, gpc, and email and phone in clear.
	Server  bool
	Visitor domain.VisitorID
	Fresh   bool // see domain.Hit
	// IDs names hits without an id, with their place and what they say. Empty: what they say names them alone,
	// and the same hit twice is one. Item.WeakID says so.
	IDs        string
	Address    netip.Addr
	UserAgent  string
	Country    string
	State      string
	GPC        bool
	SentAt     time.Time // by the sender's clock; zero: not known
	ReceivedAt time.Time
}

// Item is one hit of a request, or why it is none.
type Item struct {
	Hit domain.Hit
	// Refusal is why it is refused, nil when it is not. Of the hit then only ID may be there.
	Refusal *Refusal
	Cut     int  // values that were cut or left out
	WeakID  bool // the sender gave no id

	// What only a server says. Pixel is not looked up: account and pixel of the hit are the caller's to fill
	// in. Email and Phone are in clear, and nowhere else: the caller hashes them.
	Pixel domain.PixelID
	Email string
	Phone string
}

// Refusal is the field that is wrong, as a path in the hit, and the rule that it breaks, of Rules.
type Refusal struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
}
