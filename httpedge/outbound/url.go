package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/leadwire/leadwire/actors/domain"
)

// RuleURL counts URLs that are refused for how they are written.
const RuleURL Rule = "url"

// The schemes: plain HTTP is for development.
const (
	secure    = "https"
	plainHTTP = "http"
)

// target is a URL that can be read in one way only, taken apart.
type target struct {
	url  *url.URL // host and port in their plainest form
	name string   // the host: a name in ASCII and lower case, or an address
	addr netip.Addr
	port string
}

// CheckURL says whether events can be sent to a URL, as far as that can be told without looking its host up. Its
// error is Invalid, for the field "url", and has a *Refusal within.
func CheckURL(raw string, allowPrivate bool) error {
	if _, refused := parse(raw, allowPrivate); refused != nil {
		return &domain.Error{Op: "check url", Code: domain.Invalid, Field: "url", Err: refused}
	}
	return nil
}

// parse takes a URL apart. What different programs would understand differently is refused: it is how something that
// was judged becomes something else when it is dialled.
func parse(raw string, allowPrivate bool) (target, *Refusal) {
	if reason := form(raw); reason != "" {
		return target{}, badURL(reason)
	}
	u, err := url.Parse(raw)
	if err != nil {
		if inner, is := errors.AsType[*url.Error](err); is {
			err = inner.Err // without the URL: it may hold a token
		}
		return target{}, badURL("cannot be read: " + err.Error())
	}
	switch {
	case u.Scheme != secure && (u.Scheme != plainHTTP || !allowPrivate):
		return target{}, badURL("does not begin with https://")
	case u.Opaque != "" || u.Host == "":
		return target{}, badURL("has no host")
	case u.User != nil:
		return target{}, badURL("has a user or password: give credentials as the endpoint's secret")
	}
	t := target{port: map[string]string{secure: "443", plainHTTP: "80"}[u.Scheme]}
	host, port, reason := splitHost(u.Host)
	if reason != "" {
		return target{}, badURL(reason)
	}
	if port != "" {
		if reason := checkPort(port, u.Scheme, allowPrivate); reason != "" {
			return target{}, badURL(reason)
		}
		t.port = port
	}
	if refused := t.setHost(host, allowPrivate); refused != nil {
		return target{}, refused
	}
	t.url = &url.URL{Scheme: u.Scheme, Host: t.hostPort(u.Scheme), Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}
	return t, nil
}

func badURL(reason string) *Refusal {
	return &Refusal{domain.ErrorURL, RuleURL, "the URL " + reason}
}

// form is about the text as a whole.
func form(raw string) string {
	switch {
	case raw == "":
		return "is empty"
	case len(raw) > domain.MaxURL:
		return fmt.Sprintf("is longer than %d bytes", domain.MaxURL)
	}
	for i := range len(raw) {
		switch c := raw[i]; {
		case c <= ' ' || c == 0x7f:
			return "has a blank or a control character"
		case c == '\\':
			return `has a "\", which some programs read as "/"`
		case c == '#':
			return `has a fragment ("#"), which is never sent`
		}
	}
	_, rest, found := strings.Cut(raw, "://")
	if !found {
		return "does not begin with https://"
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	switch {
	case strings.Contains(authority, "@"):
		return "has a user or password: give credentials as the endpoint's secret"
	case strings.Contains(authority, "%25"):
		return "has a zone in its host, which is an interface of the sender"
	case strings.Contains(authority, "%"):
		return `has a "%" in its host`
	}
	return ""
}

// splitHost separates host and port as they are written. An address of IPv6 keeps its brackets; url.Parse has seen to
// it that they are a pair, and that ":" and digits follow if anything does.
func splitHost(authority string) (host, port, reason string) {
	end := strings.LastIndexByte(authority, ':')
	if end < strings.LastIndexByte(authority, ']') || end < 0 {
		return authority, "", ""
	}
	host, port = authority[:end], authority[end+1:]
	switch {
	case port == "":
		return "", "", `has a ":" without a port`
	case strings.Contains(host, ":") && host[0] != '[':
		return "", "", "has an address of IPv6 without brackets"
	}
	return host, port, ""
}

// otherPorts are those from 1024 on that browsers do not send to either (WHATWG fetch, "port blocking"): another
// protocol lives there, which a request could be made to speak.
var otherPorts = []int{
	1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
}

func checkPort(port, scheme string, allowPrivate bool) string {
	n, err := strconv.Atoi(port)
	switch {
	case err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port:
		return "has a port that is not a plain number from 1 to 65535"
	case allowPrivate || n == 443:
		return ""
	case n < 1024:
		return fmt.Sprintf("has port %d: below 1024 only 443 is sent to by %s", n, scheme)
	case slices.Contains(otherPorts, n):
		return fmt.Sprintf("has port %d, which is another protocol's", n)
	}
	return ""
}

// setHost finds out whether the host is an address or a name.
func (t *target) setHost(host string, allowPrivate bool) *Refusal {
	if inner, v6 := strings.CutPrefix(host, "["); v6 {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		if err != nil || !addr.Is6() {
			return badURL("has brackets around what is no address of IPv6")
		}
		return t.setAddr(addr, allowPrivate)
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return t.setAddr(addr, allowPrivate)
	}
	return t.setName(host, allowPrivate)
}

func (t *target) setAddr(addr netip.Addr, allowPrivate bool) *Refusal {
	if bad := judge(addr, allowPrivate); bad != nil {
		return &Refusal{domain.ErrorAddress, bad.rule, fmt.Sprintf("%s is %s, which is not sent to", addr, bad.is)}
	}
	t.addr, t.name = addr, addr.String()
	return nil
}

// strict takes a name of other letters as IDNA 2008 writes it, and does not map what merely looks alike: "①②⑦" and
// "。" are mistakes here, not digits and a dot.
var strict = idna.New(idna.ValidateForRegistration(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

func (t *target) setName(host string, allowPrivate bool) *Refusal {
	switch {
	case strings.HasSuffix(host, "."):
		return badURL("has a host that ends with a dot")
	case strings.HasPrefix(host, ".") || strings.Contains(host, ".."):
		return badURL("has a host with an empty part")
	}
	name, err := strict.ToASCII(lower(host))
	if err != nil {
		return badURL("has a host that is no valid name")
	}
	labels := strings.Split(name, ".")
	if last := labels[len(labels)-1]; numeric(last) {
		// Decimal, octal, hexadecimal or short: inet_aton reads it as an address, and others as a name.
		return badURL("has a host that ends in a number, but is no address as four decimal numbers")
	}
	if !allowPrivate {
		if near := nearby(labels); near != "" {
			return &Refusal{domain.ErrorAddress, RuleName, fmt.Sprintf("%s is %s, which is not sent to", name, near)}
		}
	}
	t.name = name
	return nil
}

// lower changes the letters of ASCII only: which others have a small form is the strict profile's to say.
func lower(host string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, host)
}

// numeric is how the URL standard tells that a host was meant as an address: its last part is digits, or 0x and hex.
func numeric(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	allowed := "0123456789"
	if hex {
		allowed += "abcdef"
	}
	return strings.Trim(digits, allowed) == ""
}

// nearby says what names mean that exist in one network only.
func nearby(labels []string) string {
	if len(labels) == 1 {
		return "a name of the sender's own network"
	}
	switch last := labels[len(labels)-1]; last {
	case "localhost":
		return "the sender's own machine"
	case "local", "internal", "intranet", "private", "corp", "home", "lan":
		return "a name of the sender's own network (." + last + ")"
	case "arpa", "onion", "alt", "invalid":
		return "no name of a web server (." + last + ")"
	}
	return ""
}

// hostPort leaves the port out where it goes without saying, as the Host header wants it.
func (t *target) hostPort(scheme string) string {
	if scheme == secure && t.port == "443" || scheme == plainHTTP && t.port == "80" {
		if t.addr.Is6() {
			return "[" + t.name + "]"
		}
		return t.name
	}
	return net.JoinHostPort(t.name, t.port)
}
