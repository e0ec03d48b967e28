package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// trick is a way to have us send where we should not.
type trick struct {
	name  string
	url   string
	leads string // what the name server answers for the host, if it is asked
	rule  Rule
	says  string // in the receipt
}

var tricks = []trick{
	// An address as it is.
	{"loopback", "https://127.0.0.1/", "", RuleLoopback, "the sender's own machine"},
	{"loopback, not its first address", "https://127.255.254.253:8443/x", "", RuleLoopback, "the sender's own machine"},
	{"loopback of IPv6", "https://[::1]/", "", RuleLoopback, "the sender's own machine (::1)"},
	{"loopback of IPv6 at length", "https://[0:0:0:0:0:0:0:1]/", "", RuleLoopback, "the sender's own machine (::1)"},
	{"any address", "https://0.0.0.0/", "", RuleUnspecified, "this network"},
	{"any address of IPv6", "https://[::]/", "", RuleUnspecified, "no address at all"},
	{"this network", "https://0.1.2.3/", "", RuleUnspecified, "this network"},
	{"private, 10", "https://10.1.2.3/", "", RulePrivate, "a private network (10.0.0.0/8)"},
	{"private, 172.16, its last", "https://172.31.255.255/", "", RulePrivate, "a private network (172.16.0.0/12)"},
	{"private, 192.168", "https://192.168.1.1/", "", RulePrivate, "a private network (192.168.0.0/16)"},
	{"private of IPv6", "https://[fd12:3456:789a::1]/", "", RulePrivate, "a private network (fc00::/7)"},
	{"site-local of IPv6", "https://[fec0::1]/", "", RulePrivate, "a site-local network"},
	{"carrier's NAT", "https://100.64.0.1/", "", RuleCGNAT, "a provider's shared network"},
	{"carrier's NAT, its last", "https://100.127.255.255/", "", RuleCGNAT, "a provider's shared network"},
	{"link-local", "https://169.254.1.1/", "", RuleLinkLocal, "a link-local network"},
	{"link-local of IPv6", "https://[fe80::1]/", "", RuleLinkLocal, "a link-local network"},
	{"metadata", "https://169.254.169.254/latest/meta-data/", "", RuleMetadata, "the metadata service of a cloud"},
	{"metadata of containers", "https://169.254.170.2/v2/credentials", "", RuleMetadata, "the metadata service"},
	{"metadata of IPv6", "https://[fd00:ec2::254]/", "", RuleMetadata, "the metadata service"},
	{"metadata at a public address", "https://168.63.129.16/", "", RuleMetadata, "the metadata service"},
	{"metadata in a carrier's range", "https://100.100.100.200/", "", RuleMetadata, "the metadata service"},
	{"metadata in a protocol's range", "https://192.0.0.192/", "", RuleMetadata, "the metadata service"},
	{"documentation", "https://192.0.2.1/", "", RuleDocumentation, "documentation"},
	{"documentation, the third", "https://203.0.113.9/", "", RuleDocumentation, "documentation"},
	{"documentation of IPv6", "https://[2001:db8::1]/", "", RuleDocumentation, "documentation"},
	{"documentation of IPv6, the new one", "https://[3fff::1]/", "", RuleDocumentation, "documentation"},
	{"benchmarks", "https://198.19.0.1/", "", RuleBenchmark, "benchmarks"},
	{"multicast", "https://224.0.0.1/", "", RuleMulticast, "a multicast group"},
	{"multicast of IPv6", "https://[ff02::1]/", "", RuleMulticast, "a multicast group"},
	{"class E", "https://240.0.0.1/", "", RuleClassE, "a reserved network"},
	{"broadcast", "https://255.255.255.255/", "", RuleClassE, "a reserved network"},
	{"6to4 relay", "https://192.88.99.1/", "", Rule6to4, "a 6to4 relay"},
	{"outside of all that was given out", "https://[4000::1]/", "", RuleUnassigned, "nobody has been given"},

	// An address of IPv4 inside IPv6.
	{"mapped", "https://[::ffff:127.0.0.1]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"mapped, in hex", "https://[::ffff:7f00:1]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"mapped, at length", "https://[0:0:0:0:0:ffff:a9fe:a9fe]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"mapped, of a public one", "https://[::ffff:8.8.8.8]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"compatible", "https://[::127.0.0.1]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"translated", "https://[::ffff:0:127.0.0.1]/", "", RuleMapped, "an IPv4 address inside IPv6"},
	{"NAT64", "https://[64:ff9b::127.0.0.1]/", "", RuleNAT64, "behind NAT64"},
	{"NAT64, a network's own", "https://[64:ff9b:1::a00:1]/", "", RuleNAT64, "behind NAT64"},
	{"6to4", "https://[2002:7f00:1::]/", "", Rule6to4, "a 6to4 tunnel"},
	{"Teredo", "https://[2001:0:7f00:1::1]/", "", RuleTeredo, "a Teredo tunnel"},
	{"ISATAP", "https://[2a00:1450::5efe:7f00:1]/", "", RuleISATAP, "ISATAP"},

	// An address in another notation.
	{"one decimal number", "https://2130706433/", "", RuleURL, "ends in a number"},
	{"one hexadecimal number", "https://0x7f000001/", "", RuleURL, "ends in a number"},
	{"one octal number", "https://017700000001/", "", RuleURL, "ends in a number"},
	{"octal parts", "https://0177.0.0.1/", "", RuleURL, "ends in a number"},
	{"hexadecimal parts", "https://0x7f.0x0.0x0.0x1/", "", RuleURL, "ends in a number"},
	{"hexadecimal in capitals", "https://0X7F.1/", "", RuleURL, "ends in a number"},
	{"a bare 0x", "https://127.0.0.0x/", "", RuleURL, "ends in a number"},
	{"mixed parts", "https://0x7f.0.01/", "", RuleURL, "ends in a number"},
	{"short", "https://127.1/", "", RuleURL, "ends in a number"},
	{"shorter", "https://0/", "", RuleURL, "ends in a number"},
	{"leading zeros", "https://010.000.000.001/", "", RuleURL, "ends in a number"},
	{"five parts", "https://1.2.3.4.5/", "", RuleURL, "ends in a number"},
	{"a part that is too large", "https://256.256.256.256/", "", RuleURL, "ends in a number"},
	{"a large decimal number", "https://99999999999/", "", RuleURL, "ends in a number"},
	{"a name and a number", "https://hooks.example.127/", "", RuleURL, "ends in a number"},
	{"a dot behind an address", "https://127.0.0.1./", "", RuleURL, "ends with a dot"},
	{"percent signs", "https://%31%32%37.0.0.1/", "", RuleURL, `"%" in its host`},
	{"an encoded dot", "https://127%2e0%2e0%2e1/", "", RuleURL, `"%" in its host`},
	{"IPv6 without brackets", "https://::1/", "", RuleURL, "cannot be read"},
	{"IPv4 in brackets", "https://[127.0.0.1]/", "", RuleURL, "cannot be read"},
	{"a version of the future in brackets", "https://[v1.fe80::a]/", "", RuleURL, "cannot be read"},

	// Other letters.
	{"digits in circles", "https://①②⑦.⓪.⓪.①/", "", RuleURL, "no valid name"},
	{"wide digits", "https://１２７.０.０.１/", "", RuleURL, "no valid name"},
	{"wide letters", "https://ｌｏｃａｌｈｏｓｔ/", "", RuleURL, "no valid name"},
	{"a full stop of Chinese", "https://127。0。0。1/", "", RuleURL, "no valid name"},
	{"a dot of half width", "https://hooks｡example/", "", RuleURL, "no valid name"},
	{"a letter that folds", "https://ℓocalhost/", "", RuleURL, "no valid name"},
	{"a soft hyphen", "https://local\u00adhost/", "", RuleURL, "no valid name"},
	{"a blank of no width", "https://local\u200bhost/", "", RuleURL, "no valid name"},
	{"letters of both directions", "https://\u202ehooks.example/", "", RuleURL, "no valid name"},
	{"punycode that is none", "https://xn--a.example/", "", RuleURL, "no valid name"},
	{"an underscore", "https://a_b.example/", "", RuleURL, "no valid name"},

	// Names of what is near.
	{"localhost", "https://localhost/", "127.0.0.1", RuleName, "a name of the sender's own network"},
	{"localhost in capitals", "https://LOCALHOST/", "127.0.0.1", RuleName, "a name of the sender's own network"},
	{"a name below localhost", "https://hooks.localhost/", "127.0.0.1", RuleName, "the sender's own machine"},
	{"a name of one part", "https://db/", "10.0.0.1", RuleName, "a name of the sender's own network"},
	{"metadata by name", "https://metadata.google.internal/", "169.254.169.254", RuleName, ".internal"},
	{"a printer", "https://printer.local/", "192.168.1.9", RuleName, ".local"},
	{"a service of a cluster", "https://api.default.svc.cluster.local/", "10.96.0.1", RuleName, ".local"},
	{"reverse look-up", "https://1.0.0.127.in-addr.arpa/", "127.0.0.1", RuleName, ".arpa"},
	{"a dot behind a name", "https://localhost./", "127.0.0.1", RuleURL, "ends with a dot"},

	// Names that lead where they should not.
	{"a public name of loopback", "https://localtest.example.org/", "127.0.0.1", RuleLoopback, "the sender's own machine"},
	{"a public name of a private address", "https://10.0.0.1.nip.example/", "10.0.0.1", RulePrivate, "a private network"},
	{"a public name of metadata", "https://meta.example.org/", "169.254.169.254", RuleMetadata, "the metadata service"},
	{"one good address, one bad", "https://both.example.org/", "93.184.216.34,10.0.0.1", RulePrivate, "a private network"},
	{"one bad address, one good", "https://both.example.org/", "10.0.0.1,93.184.216.34", RulePrivate, "a private network"},
	{"a good IPv4, a bad IPv6", "https://both.example.org/", "93.184.216.34,::1", RuleLoopback, "the sender's own machine"},
	{"mapped by the name server", "https://mapped.example.org/", "::ffff:10.0.0.1", RulePrivate, "a private network"},
	{"a zone by the name server", "https://zone.example.org/", "fe80::1%eth0", RuleZone, "an interface of the sender"},
	{"NAT64 by the name server", "https://nat64.example.org/", "64:ff9b::a9fe:a9fe", RuleNAT64, "behind NAT64"},
	{"this node's public address", "https://self.example.org/", "198.45.66.7", RuleOwn, "the sender's own machine"},
	{"this node's public address as it is", "https://198.45.66.7/", "", RuleOwn, "the sender's own machine"},
	{"the load balancer before it", "https://edge.example.org/", "198.45.67.1", RuleConfigured, "a network of the sender"},

	// A URL that is read in two ways.
	{"a user", "https://hooks.example@127.0.0.1/", "", RuleURL, "a user or password"},
	{"a user and password", "https://a:b@hooks.example/", "", RuleURL, "a user or password"},
	{"an empty user", "https://@hooks.example/", "", RuleURL, "a user or password"},
	{"a backslash", `https://hooks.example\@127.0.0.1/`, "", RuleURL, `read as "/"`},
	{"a fragment before a user", "https://hooks.example#@127.0.0.1/", "", RuleURL, "a fragment"},
	{"a fragment", "https://hooks.example/#x", "", RuleURL, "a fragment"},
	{"a line end", "https://hooks.example/\r\nHost: 127.0.0.1", "", RuleURL, "control character"},
	{"a tab in the host", "https://127.0.\t0.1/", "", RuleURL, "control character"},
	{"a blank before", " https://hooks.example/", "", RuleURL, "a blank"},
	{"a zone", "https://[fe80::1%25lo]/", "", RuleURL, "a zone"},
	{"a zone that is not encoded", "https://[fe80::1%lo]/", "", RuleURL, `"%" in its host`},
	{"no slashes", "https:127.0.0.1/", "", RuleURL, "does not begin with https://"},
	{"three slashes", "https:///127.0.0.1/", "", RuleURL, "has no host"},
	{"no scheme", "//hooks.example/", "", RuleURL, "does not begin with https://"},
	{"an empty part", "https://hooks..example/", "", RuleURL, "an empty part"},
	{"a dot before", "https://.hooks.example/", "", RuleURL, "an empty part"},
	{"nothing", "", "", RuleURL, "is empty"},
	{"too long", "https://hooks.example/" + strings.Repeat("x", domain.MaxURL), "", RuleURL, "longer than"},
	{"a part that is too long", "https://" + strings.Repeat("x", 64) + ".example/", "", RuleURL, "no valid name"},

	// Other schemes and ports.
	{"plain http", "http://hooks.example/", "", RuleURL, "does not begin with https://"},
	{"a file", "file:///etc/passwd", "", RuleURL, "does not begin with https://"},
	{"gopher", "gopher://hooks.example:70/_x", "", RuleURL, "does not begin with https://"},
	{"a socket", "unix:///var/run/docker.sock", "", RuleURL, "does not begin with https://"},
	{"SSH", "https://hooks.example:22/", "", RuleURL, "has port 22"},
	{"mail", "https://hooks.example:25/", "", RuleURL, "has port 25"},
	{"chat", "https://hooks.example:6667/", "", RuleURL, "another protocol's"},
	{"port 0", "https://hooks.example:0/", "", RuleURL, "plain number"},
	{"a port beyond", "https://hooks.example:65979/", "", RuleURL, "plain number"}, // 443 in sixteen bits
	{"a port with zeros", "https://hooks.example:0443/", "", RuleURL, "plain number"},
	{"a port with a sign", "https://hooks.example:+443/", "", RuleURL, "cannot be read"},
	{"no port behind the colon", "https://hooks.example:/", "", RuleURL, "without a port"},
}

// Every trick ends in a receipt that says why, before anything is dialled.
func TestSend_RefusesTricks(t *testing.T) {
	t.Parallel()
	require.Greater(t, len(tricks), 60)
	for _, row := range tricks {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{Refuse: []netip.Prefix{netip.MustParsePrefix("198.45.67.0/24")}}, nil)
			w.mine = []netip.Addr{netip.MustParseAddr("198.45.66.7")}
			if row.leads != "" {
				for _, host := range []string{"localhost", hostOf(row.url)} {
					w.names.is(host, row.leads)
				}
			}
			sent := w.post(row.url)
			class := domain.ErrorAddress
			if row.rule == RuleURL {
				class = domain.ErrorURL
			}
			require.Equal(t, class, sent.Error, sent.Reason)
			require.Contains(t, sent.Reason, row.says)
			require.Empty(t, w.dialled)
			require.Empty(t, sent.Address)
			require.Equal(t, 1, w.refused(row.rule))
			for addr := range strings.SplitSeq(row.leads, ",") {
				if addr != "" && !strings.Contains(row.url, addr) && addr != "::1" {
					require.NotContains(t, sent.Reason, addr, "what the name server said is not passed on")
				}
			}
			// What can be told without a name server is told when the endpoint is configured.
			err := CheckURL(row.url, false)
			if row.leads != "" && row.rule != RuleName && row.rule != RuleURL || row.rule == RuleOwn {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.says)
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
			var refused *Refusal
			require.ErrorAs(t, err, &refused)
			require.Equal(t, row.rule, refused.Rule)
		})
	}
}

func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

func TestCheckURL_TakesWhatIsPlain(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://hooks.example/leads":              "https://hooks.example/leads",
		"https://HOOKS.Example:443/A?b=c&d":        "https://hooks.example/A?b=c&d",
		"https://hooks.example:8443":               "https://hooks.example:8443",
		"https://hooks.example/a%2Fb?x=%23":        "https://hooks.example/a%2Fb?x=%23",
		"https://hooks.example/p@th?a=b@c":         "https://hooks.example/p@th?a=b@c",
		"https://bücher.example/":                  "https://xn--bcher-kva.example/",
		"https://xn--bcher-kva.example/":           "https://xn--bcher-kva.example/",
		"https://straße.example/":                  "https://xn--strae-oqa.example/",
		"https://8.8.8.8/":                         "https://8.8.8.8/",
		"https://[2606:4700:4700:0::1111]:8443/":   "https://[2606:4700:4700::1111]:8443/",
		"https://[2606:4700:4700::1111]/":          "https://[2606:4700:4700::1111]/",
		"https://1e100.example/":                   "https://1e100.example/",
		"https://0x7f.example/":                    "https://0x7f.example/",
		"https://127.0.0.1.example/":               "https://127.0.0.1.example/",
		"https://hooks.example/%E2%82%AC?q=a+b%20": "https://hooks.example/%E2%82%AC?q=a+b%20",
	} {
		require.NoError(t, CheckURL(raw, false), raw)
		to, refused := parse(raw, false)
		require.Nil(t, refused)
		require.Equal(t, want, to.url.String())
	}
	for _, raw := range []string{"http://localhost:3000/x", "http://receiver:8080/", "https://10.0.0.1:22/", "http://[::1]:9/", "http://172.17.0.1/"} {
		require.NoError(t, CheckURL(raw, true), raw)
		require.Error(t, CheckURL(raw, false), raw)
	}
	for _, raw := range []string{"http://169.254.169.254/", "http://0/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "ftp://localhost/", "http://a:b@localhost/"} {
		require.Error(t, CheckURL(raw, true), "%s: no developer's receiver either", raw)
	}
}

// A name server that changes its mind after the first answer: the name is looked up once, and what was vetted is
// what is dialled.
func TestSend_Rebinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{}, func(context.Context, string) (net.Conn, error) { return nil, errors.New("far enough") })
	w.names.is("rebind.example.org", public.String(), "127.0.0.1")
	sent := w.post("https://rebind.example.org/")
	require.Equal(t, domain.ErrorConnect, sent.Error)
	require.Equal(t, []string{"rebind.example.org."}, w.names.asked, "once, and from the root: no search domain completes it")
	require.Equal(t, []string{"93.184.216.34:443"}, w.dialled)
	require.Equal(t, "93.184.216.34:443", sent.Address)

	sent = w.post("https://rebind.example.org/")
	require.Equal(t, domain.ErrorAddress, sent.Error, "the next attempt looks again, and judges again")
	require.Len(t, w.dialled, 1)
}

// A redirect is an answer. Where it leads is said, and nobody goes there.
func TestSend_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://169.254.169.254/latest/", "http://127.0.0.1/", "/elsewhere", "//10.0.0.1/", "gopher://x"} {
			visits := 0
			w, _ := receiver(t, false, Config{}, func(out http.ResponseWriter, _ *http.Request) {
				visits++
				out.Header().Set("Location", to)
				out.WriteHeader(code)
			})
			sent := w.post("https://example.com/")
			require.Equal(t, domain.ErrorRedirect, sent.Error)
			require.Contains(t, sent.Reason, " to "+to+": redirects are not followed")
			require.Equal(t, code, sent.Status)
			require.Equal(t, 1, visits)
			require.Len(t, w.dialled, 1)
		}
	}
}

// For development: private addresses and plain http, said aloud. Clouds' metadata stays out of reach.
func TestSend_AllowPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{AllowPrivate: true}, func(context.Context, string) (net.Conn, error) { return nil, errors.New("far enough") })
	require.Contains(t, w.log.String(), "PRIVATE ADDRESSES ARE ALLOWED")
	w.mine = []netip.Addr{netip.MustParseAddr("192.168.1.5")}
	w.names.is("receiver", "192.168.1.5")
	w.names.is("meta.example.org", "169.254.169.254")
	require.Equal(t, domain.ErrorConnect, w.post("http://receiver:3000/").Error)
	require.Equal(t, domain.ErrorConnect, w.post("https://127.0.0.1:3000/").Error)
	require.Equal(t, []string{"192.168.1.5:3000", "127.0.0.1:3000"}, w.dialled)
	require.Equal(t, domain.ErrorAddress, w.post("http://meta.example.org/").Error)
	quiet := newWorld(t, Config{}, nil)
	require.Empty(t, quiet.log.String())
}

// This node's addresses are listed again now and then; when they cannot be, the last list holds.
func TestOwn_KeepsWhatItKnew(t *testing.T) {
	t.Parallel()
	clock := &handClock{}
	var listed []netip.Addr
	var fails error
	w := newWorld(t, Config{}, nil)
	w.own.clock, w.own.list = clock, func() ([]netip.Addr, error) { return listed, fails }
	mine := netip.MustParseAddr("198.45.66.7")
	require.False(t, w.own.has(mine))
	listed = []netip.Addr{netip.MustParseAddr("::ffff:198.45.66.7"), netip.MustParseAddr("fe80::1%eth0")}
	require.False(t, w.own.has(mine))
	clock.advance(ownFor)
	require.True(t, w.own.has(mine))
	fails = errors.New("no netlink")
	clock.advance(ownFor)
	require.True(t, w.own.has(mine))
	require.Contains(t, w.log.String(), "no netlink")

	addrs, err := interfaceAddresses()
	require.NoError(t, err)
	require.Contains(t, addrs, netip.MustParseAddr("127.0.0.1"), "the real list")
}

// The log has what receipts leave out, and cannot be flooded.
func TestRefusals_AreLoggedOnceASecond(t *testing.T) {
	t.Parallel()
	clock := &handClock{}
	w := newWorld(t, Config{}, nil)
	w.refusals.clock = clock
	w.names.is("inside.example.org", "10.0.0.7")
	for range 100 {
		require.Equal(t, domain.ErrorAddress, w.post("https://inside.example.org/").Error)
	}
	require.Equal(t, 100, w.refused(RulePrivate))
	require.Equal(t, 1, strings.Count(w.log.String(), "refused an address"))
	require.Contains(t, w.log.String(), "host=inside.example.org address=10.0.0.7 rule=private")
	clock.advance(time.Second)
	w.post("https://inside.example.org/")
	require.Contains(t, w.log.String(), "others_since=99")
}

// Whatever a URL is, taking it apart does not panic, and what is accepted reads the same the second time.
func FuzzParse(f *testing.F) {
	for _, row := range tricks {
		f.Add(row.url)
	}
	f.Add("https://bücher.example:8443/a%2Fb?c")
	f.Fuzz(func(t *testing.T, raw string) {
		to, refused := parse(raw, false)
		if refused != nil {
			require.NotEmpty(t, refused.Reason)
			return
		}
		require.Equal(t, "https", to.url.Scheme)
		if to.addr.IsValid() {
			require.Nil(t, judge(to.addr, false))
		} else {
			_, err := netip.ParseAddr(to.name)
			require.Error(t, err, "an address that was taken for a name")
		}
		again, refused := parse(to.url.String(), false)
		require.Nil(t, refused)
		require.Equal(t, to.name, again.name)
		require.Equal(t, to.port, again.port)
		require.Equal(t, to.url.RequestURI(), again.url.RequestURI())
	})
}
