package httpedge

import (
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Config is the edge's values. Zero fields take their default.
type Config struct {
	// PublicURL is where browsers reach us, "https://leads.example.com". With https the cookie is Secure.
	// Empty: plain HTTP on this machine.
	PublicURL string
	// ReadTimeout is how long a request may take to arrive, from its first byte to its body's last;
	// default 10s: a megabyte at 1 Mbit/s. It is what ends a slow body.
	ReadTimeout time.Duration
	// WriteTimeout is how long a client may take to read a response; default 10s. Streams are exempt.
	WriteTimeout time.Duration
	// IdleTimeout closes a kept-alive connection without a request; default 75s: longer than the 60s after
	// which usual balancers drop it, so that they never send into a connection we are closing.
	IdleTimeout time.Duration
	// HeaderSize caps a request's line and headers, in bytes; default 8 KiB: an RSA signature, a cookie
	// and a resume place take 2. It is also each connection's read buffer.
	HeaderSize int
	// IngestTimeout is how long an event may take to become durable before the sender is told to come
	// back; default 5s: a hundred times the 50 ms we aim for, and under the 10 s after which senders give up.
	IngestTimeout time.Duration
	// Connections is how many connections may be open, streams not included; default as many as streams,
	// 20,000, so that all pages can come back at once (some 20 KB each), or two thirds of the files that
	// the streams' default leaves when that is lower. Beyond it they wait in the kernel's queue, and while
	// less than a tenth is left none is kept alive: so waiting ends, whoever hoards connections.
	Connections int
	// InFlight is how many webhooks may wait for their commit at once; default 8192: at 5,000 a second it
	// is 1.6 s of work, and more would only wait longer.
	InFlight int
	// Verifying is how many webhooks may have their signature checked and their body read at once; default
	// one for each processor. They are nothing but computing: more at a time would finish no sooner, and
	// would keep the store's writer waiting for its turn behind them.
	Verifying int
	// BodyBytes is how many bytes of webhook bodies may be held at once; default 256 MiB. It bounds what
	// unsigned senders can make us keep, which InFlight does not: they wait before it.
	BodyBytes int64
	// HitsInFlight is how many requests of pixels may wait for their commits at once; default 8192: beside
	// as many webhooks, each at some 10 KB.
	HitsInFlight int
	// HitAddresses is how many clients' addresses have their rate remembered; default 65,536: those of a busy
	// minute, in some 6 MB.
	HitAddresses int
	// TrustedProxies are the addresses whose X-Forwarded-For, X-Forwarded-Proto and headers below are
	// believed, as "10.0.0.0/8"; default none.
	TrustedProxies []string
	// CountryHeader and RegionHeader are where a trusted proxy says what place a client's address is in, as
	// ISO 3166-1 ("CF-IPCountry") and ISO 3166-2 ("CF-Region-Code"); default none.
	CountryHeader string
	RegionHeader  string
	// RetryAfter is the least a refused sender is asked to wait; default 10s, with up to as much again at
	// random, so that those refused together do not return together.
	RetryAfter time.Duration
	// ReadLimit is how long a read of the API may take; default 5s.
	ReadLimit time.Duration
	// DrainGrace is how long webhooks are still taken after readiness went false; default 1s, negative for
	// none. It is for a balancer to notice: what it sends meanwhile would otherwise be put off.
	DrainGrace time.Duration
}

// maxBody is a source's body cap when its catalog entry gives none. See domain.Source.MaxBody.
const maxBody = domain.MaxSourceBody

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		to  *time.Duration
		def time.Duration
	}{
		{&c.ReadTimeout, 10 * time.Second},
		{&c.WriteTimeout, 10 * time.Second},
		{&c.IdleTimeout, 75 * time.Second},
		{&c.IngestTimeout, 5 * time.Second},
		{&c.RetryAfter, 10 * time.Second},
		{&c.ReadLimit, 5 * time.Second},
		{&c.DrainGrace, time.Second},
	} {
		if *d.to == 0 {
			*d.to = d.def
		}
	}
	if c.HeaderSize == 0 {
		c.HeaderSize = 8 << 10
	}
	if c.Connections == 0 {
		c.Connections = connectionsFor(fileLimit())
	}
	if c.InFlight == 0 {
		c.InFlight = 8192
	}
	if c.Verifying == 0 {
		c.Verifying = runtime.GOMAXPROCS(0)
	}
	if c.BodyBytes == 0 {
		c.BodyBytes = 256 << 20
	}
	if c.HitsInFlight == 0 {
		c.HitsInFlight = 8192
	}
	if c.HitAddresses == 0 {
		c.HitAddresses = 65_536
	}
	return c
}

// hitsURL is where POST /p is reached, empty when that is not known.
func (c Config) hitsURL() string {
	if c.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(c.PublicURL, "/") + "/p"
}

// connectionsFor is the default of Config.Connections under a limit of open files. It knows the default
// of the streams, which have the first claim on them.
func connectionsFor(files int) int {
	const most = 20_000
	left := files - min(most, max(1, files/10*9-200))
	return max(16, min(most, left/3*2))
}

func (c Config) validate() error {
	const op = "check edge config"
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"read_timeout", c.ReadTimeout}, {"write_timeout", c.WriteTimeout}, {"idle_timeout", c.IdleTimeout},
		{"ingest_timeout", c.IngestTimeout}, {"retry_after", c.RetryAfter}, {"read_limit", c.ReadLimit},
	} {
		if d.value < 0 {
			return domain.FailField(op, d.field, "must not be negative")
		}
	}
	switch {
	case c.HeaderSize < 2<<10:
		return domain.FailField(op, "header_size", "must be at least 2048 bytes: a signature and a token have to fit")
	case c.Connections < 1:
		return domain.FailField(op, "connections", "must be at least 1")
	case c.InFlight < 1:
		return domain.FailField(op, "in_flight", "must be at least 1")
	case c.Verifying < 1:
		return domain.FailField(op, "verifying", "must be at least 1")
	case c.BodyBytes < 1:
		return domain.FailField(op, "body_bytes", "must be at least 1")
	case c.HitsInFlight < 1:
		return domain.FailField(op, "hits_in_flight", "must be at least 1")
	case c.HitAddresses < 1:
		return domain.FailField(op, "hit_addresses", "must be at least 1")
	}
	if _, err := url.Parse(c.PublicURL); err != nil {
		return domain.FailField(op, "public_url", "must be a URL")
	}
	return nil
}
