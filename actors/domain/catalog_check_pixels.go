package domain

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a pixel's rules may ask for. What costs memory for each person is bounded; the rest is
// bounded so that a slip of the unit ("30h" for "30m") is found before it is in force.
const (
	MinSessionIdle = time.Minute
	MaxSessionIdle = 24 * time.Hour
	MaxMinDuration = 24 * time.Hour       // the script measures no longer
	MaxFrequency   = 100                  // an acquaintance keeps as many times: some 3 KB
	MaxPer         = 366 * 24 * time.Hour // leads are kept 400 days
	MaxCoalesce    = time.Hour
	MaxGlob        = 256  // bytes; package glob knows why
	MaxGlobs       = 100  // of one list: the script carries allow and deny
	MaxOrigins     = 100  // of one pixel
	MaxValues      = 1000 // of one filter
)

// graph: a relative path would be another file on every node, by where it was started.
func (k *catalogCheck) graph(path string) {
	if path != "" && (!filepath.IsAbs(path) || filepath.Clean(path) != path) {
		k.fault("graph", "%q must be an absolute path without \"..\", the same on every node", path)
	}
}

func (k *catalogCheck) pixelParts(path string, a Account, campaigns unique) {
	pixels := unique{}
	for i, p := range a.Pixels {
		k.pixel(fmt.Sprintf("%s.pixels[%d]", path, i), p, campaigns)
		pixels[string(p.ID)] = true
	}
	k.suppressions(path+".suppress", a.Suppress, pixels)
	shapes := unique{}
	for i, s := range a.Shapes {
		k.shape(fmt.Sprintf("%s.shapes[%d]", path, i), s, shapes)
	}
	k.endpoints(path, a)
	for i, t := range a.Announce {
		field := fmt.Sprintf("%s.announce[%d]", path, i)
		switch {
		case t != LeadReceivedEvent && t != LeadAssignedEvent && t != LeadUpdatedEvent:
			k.fault(field, "%q must be one of: %s, %s, %s", t, LeadReceivedEvent, LeadAssignedEvent, LeadUpdatedEvent)
		case slices.Index(a.Announce, t) < i:
			k.fault(field, "%q is there twice", t)
		}
	}
}

// pixel ids are unique among all accounts: a page names its pixel and nothing else.
func (k *catalogCheck) pixel(path string, p Pixel, campaigns unique) {
	k.id(path+".id", string(p.ID), k.pixels)
	if len(p.Origins) == 0 || len(p.Origins) > MaxOrigins {
		k.fault(path+".origins", "must list 1 to %d pages' origins, as \"https://shop.example\"", MaxOrigins)
	}
	for i, o := range p.Origins {
		if !checkOrigin(o) {
			k.fault(fmt.Sprintf("%s.origins[%d]", path, i), "%q must be http:// or https:// with a host in lower case, without a path; * may stand for its first label", o)
		}
	}
	k.globs(path+".allow", p.Allow)
	k.globs(path+".deny", p.Deny)
	if p.Consent != "" && p.Consent != ConsentRequired {
		k.fault(path+".consent", "%q must be left out or %q", p.Consent, ConsentRequired)
	}
	k.within(path+".session_idle", p.SessionIdle, MinSessionIdle, MaxSessionIdle)
	if p.Rate < 0 {
		k.fault(path+".rate", "%d must be 0 (the default) or more", p.Rate)
	}
	if p.RatePerAddress < 0 {
		k.fault(path+".rate_per_address", "%d must be 0 (the default) or more", p.RatePerAddress)
	}
	if p.Campaign != "" && !campaigns[string(p.Campaign)] {
		k.fault(path+".campaign", "%q is not a campaign of this account", p.Campaign)
	}
	k.announce(path+".announce", p.Announce)
}

func (k *catalogCheck) announce(path string, a Announce) {
	for i, t := range a.Types {
		if !slices.Contains(HitTypes(), t) {
			k.fault(fmt.Sprintf("%s.types[%d]", path, i), "%q must be one of: %s", t, join(HitTypes()))
		}
	}
	k.globs(path+".pages", a.Pages)
	k.within(path+".min_duration", a.MinDuration, 0, MaxMinDuration)
	k.within(path+".coalesce", a.Coalesce, 0, MaxCoalesce)
	switch f := a.Frequency; {
	case f.Max < 0 || f.Max > MaxFrequency:
		k.fault(path+".frequency.max", "%d must be 0 (no cap) to %d", f.Max, MaxFrequency)
	case f.Max == 0 && f.Per != 0:
		k.fault(path+".frequency.per", "is of no use while max is 0")
	case f.Max > 0 && (f.Per <= 0 || f.Per > MaxPer):
		k.fault(path+".frequency.per", "%v must be over 0 and at most %v", f.Per, MaxPer)
	}
	for i, f := range a.Segments {
		k.filter(fmt.Sprintf("%s.segments[%d]", path, i), f)
	}
}

// filter checks a filter's form: that it has what its comparison needs, and nothing that would be overlooked.
func (k *catalogCheck) filter(path string, f Filter) {
	if !checkPath(f.Field) {
		k.fault(path+".field", "%q must be a path in the envelope, as \"company.employee_count\"", f.Field)
	}
	value, values, bounds := f.Value != "", len(f.Values) > 0, f.Min != nil || f.Max != nil
	var whole bool
	var needs string
	switch f.Op {
	case Equals, Prefix:
		whole, needs = value && !values && !bounds, "value"
	case In:
		whole, needs = values && !value && !bounds, "values"
	case Range:
		whole, needs = bounds && !value && !values, "min or max, or both"
	case Exists:
		whole, needs = !value && !values && !bounds, "neither value, values, min nor max"
	default:
		k.fault(path+".op", "%q must be one of: %s", f.Op, join([]FilterOp{Equals, In, Range, Prefix, Exists}))
		return
	}
	switch {
	case !whole:
		k.fault(path, "%s takes %s, and nothing else", f.Op, needs)
	case len(f.Values) > MaxValues:
		k.fault(path+".values", "has %d, must have at most %d", len(f.Values), MaxValues)
	case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
		k.fault(path+".min", "%v must be at most max, %v", *f.Min, *f.Max)
	}
}

// suppressions checks their form. What a value means is checked where it is understood, in package identity.
func (k *catalogCheck) suppressions(path string, all []CatalogSuppression, pixels unique) {
	seen := map[CatalogSuppression]bool{}
	for i, s := range all {
		field := fmt.Sprintf("%s[%d]", path, i)
		if n := len(s.keys()); n != 1 {
			k.fault(field, "has %d of email, phone, person, company, region, network and path, must have exactly one", n)
		}
		switch {
		case s.Pixel != "" && pixels == nil:
			k.fault(field+".pixel", "the whole platform's suppressions have no pixel: write it below the pixel's account")
		case s.Pixel != "" && !pixels[string(s.Pixel)]:
			k.fault(field+".pixel", "%q is not a pixel of this account", s.Pixel)
		}
		s.Reason = ""
		if seen[s] {
			k.fault(field, "is there twice")
		}
		seen[s] = true
	}
}

// Key is what the suppression is about: the first key that is given.
func (s CatalogSuppression) Key() (kind SuppressionKind, value string) {
	for _, one := range s.keys() {
		return one.kind, one.value
	}
	return "", ""
}

type suppressionKey struct {
	kind  SuppressionKind
	value string
}

// keys lists those that are given.
func (s CatalogSuppression) keys() []suppressionKey {
	all := []suppressionKey{
		{SuppressEmail, s.Email}, {SuppressPhone, s.Phone}, {SuppressPerson, s.Person}, {SuppressCompany, s.Company},
		{SuppressRegion, s.Region}, {SuppressNetwork, s.Network}, {SuppressPath, s.Path},
	}
	return slices.DeleteFunc(all, func(one suppressionKey) bool { return one.value == "" })
}

func (k *catalogCheck) shape(path string, s Shape, seen unique) {
	k.id(path+".id", s.ID, seen)
	if s.Preset != "" && len(s.Fields) > 0 {
		k.fault(path, "has a preset and fields, must have one of them at most")
	}
	if s.Preset == "" && len(s.Fields) == 0 && len(s.Omit) == 0 {
		k.fault(path, "must have a preset, fields, or something to omit")
	}
	for name, from := range s.Fields {
		if name == "" {
			k.fault(path+".fields", "an outgoing name is empty")
		}
		for one := range strings.SplitSeq(from, "|") {
			if !checkPath(strings.TrimSpace(one)) {
				k.fault(path+".fields."+name, "%q must be a path in the envelope, as \"person.first_name\", or several with | between them", from)
				break
			}
		}
	}
	for i, o := range s.Omit {
		if !checkPath(o) {
			k.fault(fmt.Sprintf("%s.omit[%d]", path, i), "%q must be a path in the envelope, as \"person.phones\"", o)
		}
	}
}

// globs checks patterns of a page's path.
func (k *catalogCheck) globs(path string, globs []string) {
	if len(globs) > MaxGlobs {
		k.fault(path, "has %d, must have at most %d", len(globs), MaxGlobs)
	}
	for i, g := range globs {
		if len(g) > MaxGlob || (!strings.HasPrefix(g, "/") && !strings.HasPrefix(g, "*")) {
			k.fault(fmt.Sprintf("%s[%d]", path, i), "%q must be a pattern of a page's path that begins with / or *, at most %d bytes", g, MaxGlob)
		}
	}
}

// within: 0 is the default and always fine.
func (k *catalogCheck) within(field string, d, from, to time.Duration) {
	if d != 0 && (d < from || d > to) {
		k.fault(field, "%v must be %v to %v", d, from, to)
	}
}

// checkOrigin says whether a pixel's origin is one that a browser could send, or a pattern of such.
func checkOrigin(origin string) bool {
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok || (scheme != "http" && scheme != "https") {
		return false
	}
	if rest, wild := strings.CutPrefix(host, "*."); wild {
		host = rest
		if !strings.Contains(host, ".") && host != "localhost" {
			return false // every page below a top level
		}
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.Host != host || host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "*@ ") {
		return false
	}
	if port := u.Port(); port != "" {
		n, err := strconv.Atoi(port)
		return err == nil && n > 0 && n < 1<<16 && u.Hostname() != ""
	}
	return u.Hostname() != "" && !strings.HasSuffix(host, ":")
}

// checkPath says whether a name of a field in the envelope is well formed: words of a-z 0-9 _ with dots
// between them.
func checkPath(path string) bool {
	if len(path) > 200 {
		return false
	}
	for word := range strings.SplitSeq(path, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			if c := word[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
				return false
			}
		}
	}
	return true
}

func join[S ~string](all []S) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
