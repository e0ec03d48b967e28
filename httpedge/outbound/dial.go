package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxDialled is how many of a name's addresses are tried in one attempt; the next attempt begins anew.
const maxDialled = 4

// fault is an error whose class and words are known where it happens.
type fault struct {
	class  domain.ErrorClass
	reason string
}

func (f *fault) Error() string { return f.reason }

// dial connects to a host: it looks the name up once, judges all addresses, and dials those it has judged. The
// transport calls it for every new connection and has no other way to one.
func (s *Sender) dial(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, &fault{domain.ErrorURL, "the URL has no host and port"}
	}
	a := attemptOf(ctx)
	addrs, err := s.vetted(ctx, a, host)
	if err != nil {
		return nil, err
	}
	return s.connect(ctx, a, network, addrs[:min(len(addrs), maxDialled)], port)
}

// vetted are the addresses of a host, all of which may be sent to. If one may not, none is used: a name that leads
// partly inside is an attack or a mistake, and which address is drawn would be chance.
func (s *Sender) vetted(ctx context.Context, a *attempt, host string) ([]netip.Addr, error) {
	addrs, err := s.lookUp(ctx, a, host)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		if refused := s.vet(host, addr); refused != nil {
			s.metrics.refused.WithLabelValues(string(refused.Rule)).Inc()
			s.refusals.note(host, addr, refused.Rule)
			return nil, refused
		}
	}
	return addrs, nil
}

func (s *Sender) lookUp(ctx context.Context, a *attempt, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	a.dialling(stageDNS, "")
	ctx, cancel := context.WithTimeout(ctx, s.config.DNS)
	defer cancel()
	asked := host
	if !s.config.AllowPrivate {
		asked += "." // as it is, never completed by a search domain of this node
	}
	addrs, err := s.deps.Resolver.LookupNetIP(ctx, "ip", asked)
	if err != nil {
		return nil, s.noAddress(ctx, host, err)
	}
	if len(addrs) == 0 {
		return nil, &fault{domain.ErrorDNS, "no such host: " + host + " has no address"}
	}
	for i, addr := range addrs {
		addrs[i] = addr.Unmap() // resolvers write IPv4 both ways
	}
	return addrs, nil
}

// noAddress leaves out which name server was asked: it is ours.
func (s *Sender) noAddress(ctx context.Context, host string, err error) error {
	var dns *net.DNSError
	switch is := errors.As(err, &dns); {
	case is && dns.IsNotFound:
		return &fault{domain.ErrorDNS, "no such host: " + host}
	case ctx.Err() != nil || is && dns.IsTimeout:
		return &fault{domain.ErrorTimeout, fmt.Sprintf("looking up %s took longer than %v", host, s.config.DNS)}
	case is:
		return &fault{domain.ErrorDNS, fmt.Sprintf("the name servers of %s give no answer (%s)", host, dns.Err)}
	default:
		return &fault{domain.ErrorDNS, host + " could not be looked up"}
	}
}

// vet is what judge says, and this node's own addresses and configuration.
func (s *Sender) vet(host string, addr netip.Addr) *Refusal {
	bad := judge(addr, s.config.AllowPrivate)
	if bad == nil {
		for _, prefix := range s.config.Refuse {
			if prefix.Contains(addr) {
				bad = &network{rule: RuleConfigured, is: "a network of the sender"}
			}
		}
	}
	if bad == nil && !s.config.AllowPrivate && s.own.has(addr) {
		bad = &network{rule: RuleOwn, is: "the sender's own machine"}
	}
	if bad == nil {
		return nil
	}
	return &Refusal{domain.ErrorAddress, bad.rule, fmt.Sprintf("%s leads to %s, which is not sent to", host, bad.is)}
}

// connect tries one address after another, in the resolver's order (RFC 6724). Each but the last has an equal share
// of what time is left.
func (s *Sender) connect(ctx context.Context, a *attempt, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	whole, cancel := context.WithTimeout(ctx, s.config.Connect)
	defer cancel()
	var failed error
	for i, addr := range addrs {
		address := net.JoinHostPort(addr.String(), port)
		a.dialling(stageConnect, address)
		conn, err := s.dialOne(whole, network, address, len(addrs)-i)
		if err == nil {
			return s.metrics.opened(conn), nil
		}
		failed = s.noConnection(whole, address, err)
		if whole.Err() != nil {
			break
		}
	}
	return nil, failed
}

func (s *Sender) dialOne(ctx context.Context, network, address string, left int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return s.deps.Dial(ctx, network, address)
}

func (s *Sender) noConnection(ctx context.Context, address string, err error) error {
	var timeout net.Error
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		return &fault{domain.ErrorTimeout, fmt.Sprintf("connecting to %s took longer than %v", address, s.config.Connect)}
	}
	return &fault{domain.ErrorConnect, fmt.Sprintf("no connection to %s: %s", address, inWords(err))}
}

// counted is a connection that takes itself off the gauge, once.
type counted struct {
	net.Conn

	open   prometheus.Gauge
	closed sync.Once
}

func (c *counted) Close() error {
	c.closed.Do(c.open.Dec)
	return c.Conn.Close()
}
