package outbound

import (
	"net/netip"

	"github.com/leadwire/leadwire/actors/domain"
)

// Rule names why an address, or a URL, is not sent to. It labels a metric.
type Rule string

// The rules about addresses.
const (
	RuleUnspecified   Rule = "unspecified"
	RuleLoopback      Rule = "loopback"
	RulePrivate       Rule = "private"
	RuleCGNAT         Rule = "cgnat"
	RuleLinkLocal     Rule = "link_local"
	RuleMetadata      Rule = "metadata"
	RuleProtocol      Rule = "protocol"
	RuleDocumentation Rule = "documentation"
	RuleBenchmark     Rule = "benchmark"
	RuleMulticast     Rule = "multicast"
	RuleClassE        Rule = "class_e"
	RuleMapped        Rule = "v4_in_v6"
	RuleNAT64         Rule = "nat64"
	Rule6to4          Rule = "6to4"
	RuleTeredo        Rule = "teredo"
	RuleISATAP        Rule = "isatap"
	RuleUnassigned    Rule = "unassigned"
	RuleZone          Rule = "zone"
	RuleOwn           Rule = "own"
	RuleConfigured    Rule = "configured"
	RuleName          Rule = "name" // a name that means somewhere near, like localhost
)

// addressRules lists them for counters that are born at zero.
var addressRules = []Rule{
	RuleUnspecified, RuleLoopback, RulePrivate, RuleCGNAT, RuleLinkLocal, RuleMetadata, RuleProtocol, RuleDocumentation, RuleBenchmark,
	RuleMulticast, RuleClassE, RuleMapped, RuleNAT64, Rule6to4, RuleTeredo, RuleISATAP, RuleUnassigned, RuleZone, RuleOwn, RuleConfigured, RuleName,
}

// network is a range that is not sent to. The first that an address is in decides.
type network struct {
	prefix netip.Prefix
	rule   Rule
	is     string // completes "hooks.example leads to ..."
	lifted bool   // by AllowPrivate: somebody's own machine, container or office
}

const metadata = "the metadata service of a cloud"

// networks follow the special-purpose registries of IANA (RFC 6890 and what came after it). What they call globally
// reachable is listed all the same where nobody runs a web server in it: relays, anycast services, benchmarks.
var networks = []network{
	{p("169.254.169.254/32"), RuleMetadata, metadata, false},
	{p("169.254.170.0/24"), RuleMetadata, metadata, false},    // ECS, EKS
	{p("100.100.100.200/32"), RuleMetadata, metadata, false},  // Alibaba
	{p("168.63.129.16/32"), RuleMetadata, metadata, false},    // Azure's wire server: a public address
	{p("192.0.0.192/32"), RuleMetadata, metadata, false},      // Oracle
	{p("fd00:ec2::/32"), RuleMetadata, metadata, false},       // EC2
	{p("fd20:ce::/32"), RuleMetadata, metadata, false},        // Google
	{p("fd00:42::42/128"), RuleMetadata, metadata, false},     // Scaleway
	{p("fe80::a9fe:a9fe/128"), RuleMetadata, metadata, false}, // OpenStack

	{p("0.0.0.0/8"), RuleUnspecified, "this network (0.0.0.0/8)", false},
	{p("10.0.0.0/8"), RulePrivate, "a private network (10.0.0.0/8)", true},
	{p("100.64.0.0/10"), RuleCGNAT, "a provider's shared network (100.64.0.0/10)", true},
	{p("127.0.0.0/8"), RuleLoopback, "the sender's own machine (127.0.0.0/8)", true},
	{p("169.254.0.0/16"), RuleLinkLocal, "a link-local network (169.254.0.0/16)", false},
	{p("172.16.0.0/12"), RulePrivate, "a private network (172.16.0.0/12)", true},
	{p("192.0.0.0/24"), RuleProtocol, "a network for protocols (192.0.0.0/24)", false},
	{p("192.0.2.0/24"), RuleDocumentation, "a network for documentation (192.0.2.0/24)", false},
	{p("192.31.196.0/24"), RuleProtocol, "a network for protocols (192.31.196.0/24)", false},
	{p("192.52.193.0/24"), RuleProtocol, "a network for protocols (192.52.193.0/24)", false},
	{p("192.88.99.0/24"), Rule6to4, "a 6to4 relay (192.88.99.0/24)", false},
	{p("192.168.0.0/16"), RulePrivate, "a private network (192.168.0.0/16)", true},
	{p("192.175.48.0/24"), RuleProtocol, "a network for protocols (192.175.48.0/24)", false},
	{p("198.18.0.0/15"), RuleBenchmark, "a network for benchmarks (198.18.0.0/15)", true}, // container networks use it
	{p("198.51.100.0/24"), RuleDocumentation, "a network for documentation (198.51.100.0/24)", false},
	{p("203.0.113.0/24"), RuleDocumentation, "a network for documentation (203.0.113.0/24)", false},
	{p("224.0.0.0/4"), RuleMulticast, "a multicast group (224.0.0.0/4)", false},
	{p("240.0.0.0/4"), RuleClassE, "a reserved network (240.0.0.0/4)", false},

	{p("::/128"), RuleUnspecified, "no address at all (::)", false},
	{p("::1/128"), RuleLoopback, "the sender's own machine (::1)", true},
	{p("::/96"), RuleMapped, "an IPv4 address inside IPv6 (::/96)", false},
	{p("::ffff:0:0:0/96"), RuleMapped, "an IPv4 address inside IPv6 (::ffff:0:0:0/96)", false}, // SIIT
	{p("64:ff9b::/96"), RuleNAT64, "an IPv4 address behind NAT64 (64:ff9b::/96)", false},
	{p("64:ff9b:1::/48"), RuleNAT64, "an IPv4 address behind NAT64 (64:ff9b:1::/48)", false},
	{p("100::/64"), RuleProtocol, "nowhere (100::/64)", false},
	{p("2001::/32"), RuleTeredo, "a Teredo tunnel (2001::/32)", false},
	{p("2001:2::/48"), RuleBenchmark, "a network for benchmarks (2001:2::/48)", false},
	{p("2001::/23"), RuleProtocol, "a network for protocols (2001::/23)", false},
	{p("2001:db8::/32"), RuleDocumentation, "a network for documentation (2001:db8::/32)", false},
	{p("2002::/16"), Rule6to4, "a 6to4 tunnel (2002::/16)", false},
	{p("2620:4f:8000::/48"), RuleProtocol, "a network for protocols (2620:4f:8000::/48)", false},
	{p("3fff::/20"), RuleDocumentation, "a network for documentation (3fff::/20)", false},
	{p("5f00::/16"), RuleProtocol, "a network for segment routing (5f00::/16)", false},
	{p("fc00::/7"), RulePrivate, "a private network (fc00::/7)", true},
	{p("fe80::/10"), RuleLinkLocal, "a link-local network (fe80::/10)", false},
	{p("fec0::/10"), RulePrivate, "a site-local network (fec0::/10)", false},
	{p("ff00::/8"), RuleMulticast, "a multicast group (ff00::/8)", false},
}

// global is what IANA has given out for unicast so far. An address outside of it leads nowhere that is known.
var global = p("2000::/3")

func p(text string) netip.Prefix { return netip.MustParsePrefix(text) }

// Refusal is why something is not sent to.
type Refusal struct { //nolint:errname // said aloud: an outbound.Refusal
	Class  domain.ErrorClass // ErrorURL or ErrorAddress
	Rule   Rule
	Reason string // in words, without the address: a name server's private view must not be readable in receipts
}

func (r *Refusal) Error() string { return r.Reason }

// judge says why an address is not sent to; nil: it may be. It knows no node and no configuration.
func judge(addr netip.Addr, allowPrivate bool) *network {
	if addr.Zone() != "" {
		return &network{rule: RuleZone, is: "an interface of the sender (a zone)"}
	}
	if addr.Is4In6() {
		return &network{rule: RuleMapped, is: "an IPv4 address inside IPv6 (::ffff:0:0/96)"}
	}
	for i := range networks {
		if networks[i].prefix.Contains(addr) {
			if allowPrivate && networks[i].lifted {
				return nil
			}
			return &networks[i]
		}
	}
	if addr.Is4() {
		return nil
	}
	if !global.Contains(addr) {
		return &network{rule: RuleUnassigned, is: "a network that nobody has been given"}
	}
	if b := addr.As16(); b[8]&0xfd == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		return &network{rule: RuleISATAP, is: "an IPv4 address inside IPv6 (ISATAP)"}
	}
	return nil
}
