package httpedge

import (
	"net/netip"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/valyala/fasthttp"
)

// client is where a request came from, behind the proxies that we trust.
type client struct {
	address        netip.Addr
	https          bool // as the outermost trusted proxy says
	country, state string
	userAgent      string
}

// clientOf believes X-Forwarded-For, X-Forwarded-Proto and the headers with a place only when the
// connection comes from a trusted proxy: otherwise anybody could write them.
func (s *Server) clientOf(ctx *fasthttp.RequestCtx) client {
	h := &ctx.Request.Header
	agent, _ := pixel.Clip(strings.ToValidUTF8(string(h.UserAgent()), "\uFFFD"), pixel.MaxUserAgent)
	c := client{userAgent: agent}
	if a, ok := netip.AddrFromSlice(ctx.RemoteIP()); ok {
		c.address = a.Unmap()
	}
	if !s.trusts(c.address) {
		return c
	}
	c.address = s.forwardedFor(c.address, h.PeekAll(fasthttp.HeaderXForwardedFor))
	c.https = strings.EqualFold(string(h.Peek(fasthttp.HeaderXForwardedProto)), "https")
	if s.cfg.CountryHeader != "" {
		c.country, _ = pixel.Country(string(h.Peek(s.cfg.CountryHeader)))
	}
	if s.cfg.RegionHeader != "" {
		c.state, _ = pixel.State(string(h.Peek(s.cfg.RegionHeader)))
	}
	return c
}

// forwardedFor walks the addresses from the nearest outwards: each is what the one before it saw, so the
// first that is no proxy of ours is the client, and what stands beyond it is its own invention.
func (s *Server) forwardedFor(nearest netip.Addr, headers [][]byte) netip.Addr {
	for i := len(headers) - 1; i >= 0; i-- {
		hops := strings.Split(string(headers[i]), ",")
		for j := len(hops) - 1; j >= 0; j-- {
			a, ok := hop(strings.TrimSpace(hops[j]))
			if !ok {
				return nearest
			}
			if nearest = a; !s.trusts(a) {
				return nearest
			}
		}
	}
	return nearest
}

// hop reads an address; some proxies write its port too.
func hop(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// readProxies reads Config.TrustedProxies: ranges or single addresses.
func readProxies(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, single := netip.ParseAddr(text)
			if single != nil {
				return nil, domain.FailField("check edge config", "trusted_proxies", "must be address ranges, as 10.0.0.0/8")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
