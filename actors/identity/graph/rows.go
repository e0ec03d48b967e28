package graph

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// PersonRow is one row about a person: what is known of it, and the keys it can be found by beside those that
// follow from its e-mails, HEMs and phones.
type PersonRow struct {
	domain.Person
	Emails   []string       // further e-mails, plain or as digests
	Visitors []string       // visitor ids
	Clicks   []domain.Click // click ids
	SeenAt   time.Time      // when this was found to be so; zero is before any other time
}

// CompanyRow is one row about a company.
type CompanyRow struct {
	domain.Company
	SeenAt time.Time
}

// NetworkRow says that a network belongs to a company.
type NetworkRow struct {
	Network netip.Prefix
	Domain  string
	SeenAt  time.Time
}

// Limits of a row, so that a record stays under maxRecord and a file of nonsense is refused row by row.
const (
	maxText = 1 << 10 // a profile's URL has 100 bytes
	maxKeys = 256     // what one row may give: more is no person but a machine that many share
)

// refuse is why a row is not taken.
func refuse(field, rule string) error { return domain.FailField("read row", field, rule) }

// canonical brings a row into the form that is kept, and collects its keys' fingerprints.
func (r *PersonRow) canonical() (keys []fingerprint, err error) {
	if err := identity.CheckPerson(r.ID); err != nil {
		return nil, err
	}
	if len(r.Emails)+len(r.HEMs)+len(r.Phones)+len(r.Visitors)+len(r.Clicks) > maxKeys {
		return nil, refuse("id", fmt.Sprintf("has more than %d keys: many people share it", maxKeys))
	}
	if err := checkPerson(&r.Person); err != nil {
		return nil, err
	}
	r.Company = strings.ToLower(strings.TrimSuffix(r.Company, "."))
	c := collector{}
	for _, e := range [...]struct{ field, email string }{{"business_email", r.BusinessEmail}, {"personal_email", r.PersonalEmail}} {
		hems := identity.HEMs(e.email)
		if e.email != "" && hems == nil {
			return nil, refuse(e.field, "must be an e-mail address")
		}
		c.hems(e.field, hems)
	}
	for i, hem := range r.HEMs {
		if r.HEMs[i], err = canonicalHEM(hem); err != nil {
			return nil, err
		}
	}
	c.hems("hems", r.HEMs)
	for _, email := range r.Emails {
		hems := identity.ReadEmail(email)
		if hems == nil {
			return nil, refuse("emails", "must be e-mail addresses, or their MD5, SHA-1 or SHA-256 in hex")
		}
		c.hems("emails", hems)
		r.HEMs = append(r.HEMs, hems...)
	}
	phones := slices.Clone(r.Phones)
	for i, phone := range r.Phones {
		hash, ok := identity.PhoneHash(phone)
		if !ok {
			return nil, refuse("phones", "must be in international form, +14155550100, or its SHA-256 in hex")
		}
		c.key("phones", domain.Key{Kind: domain.KeyPhone, Value: hash})
		if _, digest := identity.ReadDigest(phone); digest { // nothing to tell, but what a suppression may know it by
			phones[i] = hash
		}
	}
	r.Phones = phones
	for _, visitor := range r.Visitors {
		c.key("visitors", domain.Key{Kind: domain.KeyVisitor, Value: visitor})
	}
	for _, click := range r.Clicks {
		c.key("clicks", domain.Key{Kind: domain.KeyClick, Value: click.Kind + ":" + click.Value})
	}
	return c.keys, c.err
}

func canonicalHEM(h domain.HEM) (domain.HEM, error) {
	out := domain.HEM{Variant: h.Variant}
	for _, part := range []struct {
		text string
		to   *string
		of   func(domain.HEM) string
	}{
		{h.MD5, &out.MD5, func(d domain.HEM) string { return d.MD5 }},
		{h.SHA1, &out.SHA1, func(d domain.HEM) string { return d.SHA1 }},
		{h.SHA256, &out.SHA256, func(d domain.HEM) string { return d.SHA256 }},
	} {
		if part.text == "" {
			continue
		}
		digest, ok := identity.ReadDigest(part.text)
		if *part.to = part.of(digest); !ok || *part.to == "" {
			return out, refuse("hems", "must be digests in hex: md5 of 32 digits, sha1 of 40, sha256 of 64")
		}
	}
	switch {
	case out.MD5+out.SHA1+out.SHA256 == "":
		return out, refuse("hems", "must have a digest each")
	case out.Variant != "" && out.Variant != identity.Lower && out.Variant != identity.GmailCanonical:
		return out, refuse("hems", `have the variants "lower" and "gmail_canonical"`)
	}
	return out, nil
}

// collector gathers fingerprints and the first thing that is wrong.
type collector struct {
	keys []fingerprint
	err  error
}

func (c *collector) hems(field string, hems []domain.HEM) {
	for _, hem := range hems {
		for _, k := range [...]domain.Key{{Kind: domain.KeyMD5, Value: hem.MD5}, {Kind: domain.KeySHA1, Value: hem.SHA1}, {Kind: domain.KeySHA256, Value: hem.SHA256}} {
			if k.Value != "" {
				c.key(field, k)
			}
		}
	}
}

func (c *collector) key(field string, k domain.Key) {
	if c.err != nil {
		return
	}
	if err := identity.CheckKey(k); err != nil {
		c.err = refuse(field, err.Error())
		return
	}
	print, ok := fingerprintOfKey(k)
	if !ok {
		c.err = refuse(field, "has a key that cannot be looked up")
		return
	}
	for _, known := range c.keys {
		if known == print {
			return
		}
	}
	c.keys = append(c.keys, print)
}

func (r *CompanyRow) canonical() error {
	var err error
	if r.Domain, err = canonicalDomain(r.Domain); err != nil {
		return err
	}
	switch {
	case r.Employees < 0:
		return refuse("employee_count", "must not be negative")
	case r.Founded < 0 || r.Founded > math.MaxInt16:
		return refuse("year_founded", "must be a year")
	}
	texts := companyTexts(&r.Company)
	return checkTexts(companyNames[:], texts[:])
}

func (r *NetworkRow) canonical() error {
	var err error
	if r.Domain, err = canonicalDomain(r.Domain); err != nil {
		return err
	}
	if a := r.Network.Addr(); a.Is4In6() && r.Network.Bits() >= 96 {
		r.Network = netip.PrefixFrom(a.Unmap(), r.Network.Bits()-96)
	}
	switch {
	case !r.Network.IsValid():
		return refuse("network", "must be a network, as 192.0.2.0/24 or 2001:db8::/32, or an address")
	case r.Network != r.Network.Masked():
		return refuse("network", fmt.Sprintf("has bits after its prefix: %s is meant, or a single address", r.Network.Masked()))
	}
	return nil
}

// canonicalDomain is lower case and without a final dot.
func canonicalDomain(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if len(name) > 253 || !strings.Contains(name, ".") || strings.ContainsAny(name, " /@:\x00") {
		return "", refuse("domain", "must be a domain, as example.com")
	}
	return name, checkText("domain", name)
}

// The texts' names, in the order of personTexts and companyTexts.
var (
	personNames = [13]string{
		"first_name", "last_name", "title", "seniority", "department", "business_email", "personal_email",
		"linkedin_url", "city", "state", "postal_code", "country", "company",
	}
	companyNames = [9]string{"name", "website", "industry", "sector", "revenue_range", "city", "state", "country", "linkedin_url"}
)

func checkPerson(p *domain.Person) error {
	texts := personTexts(p)
	return checkTexts(personNames[:], texts[:])
}

func checkTexts(names []string, texts []*string) error {
	for i, name := range names {
		text := texts[i]
		*text = strings.TrimSpace(*text)
		if err := checkText(name, *text); err != nil {
			return err
		}
	}
	return nil
}

func checkText(name, text string) error {
	switch {
	case len(text) > maxText:
		return refuse(name, "must be "+strconv.Itoa(maxText)+" bytes at most")
	case !utf8.ValidString(text):
		return refuse(name, "must be UTF-8")
	}
	return nil
}

// readTime takes RFC 3339, a date, or seconds since 1970.
func readTime(text string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 40); err == nil {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, refuse("seen_at", "must be a time as 2026-01-31T12:00:00Z, a date, or seconds since 1970")
}

// readNetwork takes a prefix or an address.
func readNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, refuse("network", "must be a network, as 192.0.2.0/24 or 2001:db8::/32, or an address")
	}
	return p, nil
}

// readClick takes "gclid:EAIaIQ...".
func readClick(text string) (domain.Click, error) {
	kind, value, ok := strings.Cut(text, ":")
	if !ok || kind == "" || value == "" {
		return domain.Click{}, refuse("clicks", `must be a kind and a value, as "gclid:EAIaIQ..."`)
	}
	return domain.Click{Kind: strings.ToLower(kind), Value: value}, nil
}
