package outbound

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// Config is how attempts are made. Zero fields take their default. The timeout of a whole attempt is the endpoint's
// own and comes with each dispatch; these bound its parts, so that a receipt can say which one was slow.
type Config struct {
	DNS       time.Duration // look-up; default 5s: one lost packet is asked for again after 5 s at the latest
	Connect   time.Duration // all addresses together; default 5s: two lost SYNs
	TLS       time.Duration // handshake; default 5s: three round trips and a slow processor
	FirstByte time.Duration // from the request until the answer's headers; default 15s, as long as a whole attempt has by default

	// AllowPrivate sends to private addresses, to this machine and by http. For development only.
	AllowPrivate bool
	// Refuse are further addresses that are not sent to: the public address of a load balancer before this node, a
	// network's own NAT64 prefix.
	Refuse []netip.Prefix
	// RootCAs replaces the system's; nil: the system's.
	RootCAs *x509.CertPool

	// PerHost is the most connections to one host and port; default 512: twice what one endpoint may ask for, so that
	// one slow endpoint leaves room for others on the same host. Of HTTP/2 those that are full are not counted.
	PerHost int
	// IdlePerHost is how many stay open; 0: PerHost, for with fewer than were busy at once, the next burst has to shake
	// hands anew, which costs twenty times the request. Idle and IdleFor bound what they hold.
	IdlePerHost int
	// Idle is how many stay open in all; default 4096: a sixteenth of the 65,536 files that a process commonly may open.
	Idle int
	// IdleFor is how long; default 50s: less than the 60 s after which common load balancers close, because a request
	// that meets a closing connection has to be sent twice.
	IdleFor time.Duration
	// HeaderBytes is the most that an answer's headers may have, informational ones included; default 32 KiB.
	HeaderBytes int64
	// Certificates is how many client certificates connections are kept for; default 256. Of more, that which was used
	// longest ago loses its idle connections, and shakes hands anew when it is used again.
	Certificates int
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		to  *time.Duration
		def time.Duration
	}{{&c.DNS, 5 * time.Second}, {&c.Connect, 5 * time.Second}, {&c.TLS, 5 * time.Second}, {&c.FirstByte, 15 * time.Second}, {&c.IdleFor, 50 * time.Second}} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	for _, f := range []struct {
		to  *int
		def int
	}{{&c.PerHost, 2 * domain.MaxConcurrency}, {&c.Idle, 4096}, {&c.Certificates, 256}} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	if c.IdlePerHost == 0 {
		c.IdlePerHost = c.PerHost
	}
	if c.HeaderBytes == 0 {
		c.HeaderBytes = 32 << 10
	}
	return c
}

func (c Config) validate() error {
	const op = "configure outbound"
	for _, f := range []struct {
		field string
		d     time.Duration
	}{{"dns", c.DNS}, {"connect", c.Connect}, {"tls", c.TLS}, {"first_byte", c.FirstByte}, {"idle_for", c.IdleFor}} {
		if f.d < 0 {
			return domain.FailField(op, f.field, "is negative")
		}
	}
	for _, f := range []struct {
		field string
		n     int64
	}{{"per_host", int64(c.PerHost)}, {"idle_per_host", int64(c.IdlePerHost)}, {"idle", int64(c.Idle)}, {"header_bytes", c.HeaderBytes}, {"certificates", int64(c.Certificates)}} {
		if f.n < 1 {
			return domain.FailField(op, f.field, "is less than 1")
		}
	}
	for i, p := range c.Refuse {
		if !p.IsValid() {
			return domain.FailField(op, fmt.Sprintf("refuse[%d]", i), "is no prefix")
		}
	}
	return nil
}

// Resolver looks names up. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Deps is what a Sender works with. Log, Registerer and Clock are needed; nil Resolver, Dial and Own are the
// system's.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Clock      domain.Clock
	Resolver   Resolver
	// Dial connects to a vetted address, "ip:port".
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Own lists this node's addresses.
	Own func() ([]netip.Addr, error)
}

func (d Deps) withDefaults() Deps {
	if d.Resolver == nil {
		d.Resolver = net.DefaultResolver
	}
	if d.Dial == nil {
		// The deadline is the context's. Happy eyeballs are ours: one address is given at a time.
		d.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if d.Own == nil {
		d.Own = interfaceAddresses
	}
	return d
}

func (d Deps) validate() error {
	if d.Log == nil || d.Registerer == nil || d.Clock == nil {
		return domain.Fail("configure outbound", domain.Internal, errors.New("its Log, Registerer and Clock are needed"))
	}
	return nil
}
