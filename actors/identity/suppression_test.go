package identity_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// global makes a suppression for everybody.
func global(t testing.TB, kind domain.SuppressionKind, value string) domain.Suppression {
	t.Helper()
	s, err := identity.NewSuppression(domain.GlobalScope, "", "", kind, value, "", noon)
	require.NoError(t, err, "%s %q", kind, value)
	return s
}

func suppressing(t testing.TB, all ...domain.Suppression) *identity.Suppressions {
	t.Helper()
	s := identity.NewSuppressions(nil)
	s.Take(1, all)
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	hems := func(email string) identity.Subject { return identity.Subject{HEMs: identity.HEMs(email)} }
	company := func(name string) identity.Subject { return identity.Subject{Companies: []string{name}} }
	region := func(country, state string) identity.Subject {
		return identity.Subject{Regions: []identity.Region{{Country: country, State: state}}}
	}
	from := func(a string) identity.Subject { return identity.Subject{Address: netip.MustParseAddr(a)} }
	at := func(path string) identity.Subject { return identity.Subject{Paths: []string{path}} }
	phone, _ := identity.PhoneHash("+14155552671")
	for name, row := range map[string]struct {
		kind    domain.SuppressionKind
		value   string
		subject identity.Subject
		want    bool
	}{
		"somebody known by its hash":        {domain.SuppressEmail, "jane@example.com", identity.Subject{Person: "hem-" + domain.PersonID(sum("jane@example.com")[:32])}, true},
		"by its MD5":                        {domain.SuppressEmail, "jane@example.com", identity.Subject{Person: "hem-" + domain.PersonID(identity.HEMs("jane@example.com")[0].MD5)}, true},
		"by half its SHA-1":                 {domain.SuppressEmail, "jane@example.com", identity.Subject{Person: "hem-" + domain.PersonID(identity.HEMs("jane@example.com")[0].SHA1[:32])}, true},
		"by its hash, suppressed by digest": {domain.SuppressEmail, sum("jane@example.com"), identity.Subject{Person: "hem-" + domain.PersonID(sum("jane@example.com")[:32])}, true},
		"by the hash of another e-mail":     {domain.SuppressEmail, "joan@example.com", identity.Subject{Person: "hem-" + domain.PersonID(sum("jane@example.com")[:32])}, false},
		"a graph's person of such digits":   {domain.SuppressEmail, "jane@example.com", identity.Subject{Person: domain.PersonID(sum("jane@example.com")[:32])}, false},
		"an e-mail":                         {domain.SuppressEmail, "jane@example.com", hems(" JANE@example.com"), true},
		"another":                           {domain.SuppressEmail, "jane@example.com", hems("joan@example.com"), false},
		"a dotted form of a Google mailbox": {domain.SuppressEmail, "jane.doe+news@gmail.com", hems("j.anedoe@gmail.com"), true},
		"its other name":                    {domain.SuppressEmail, "janedoe@gmail.com", hems("janedoe@googlemail.com"), true},
		"its other name, dotted":            {domain.SuppressEmail, "jane.doe@googlemail.com", hems("j.a.nedoe+x@gmail.com"), true},
		"a digest alone":                    {domain.SuppressEmail, strings.ToUpper(sum("jane@example.com")), hems("jane@example.com"), true},
		"a digest of the canonical form":    {domain.SuppressEmail, sum("janedoe@gmail.com"), hems("jane.doe@gmail.com"), true},
		"a phone":                           {domain.SuppressPhone, "+1 (415) 555-2671", identity.Subject{Phones: []string{phone}}, true},
		"another phone":                     {domain.SuppressPhone, "+14155552672", identity.Subject{Phones: []string{phone}}, false},
		"a person":                          {domain.SuppressPerson, "p-1", identity.Subject{Person: "p-1"}, true},
		"another person":                    {domain.SuppressPerson, "p-1", identity.Subject{Person: "p-11"}, false},
		"a company":                         {domain.SuppressCompany, "Example.com", company("example.com"), true},
		"a company with its dot":            {domain.SuppressCompany, "www.example.com", company("EXAMPLE.com."), true},
		"a domain below":                    {domain.SuppressCompany, "example.com", company("mail.eu.example.com"), true},
		"a domain that ends alike":          {domain.SuppressCompany, "example.com", company("badexample.com"), false},
		"a domain above":                    {domain.SuppressCompany, "eu.example.com", company("example.com"), false},
		"a country":                         {domain.SuppressRegion, "de", region("DE", "BY"), true},
		"another country":                   {domain.SuppressRegion, "DE", region("US", "DE"), false},
		"a state":                           {domain.SuppressRegion, "US-CA", region("US", "CA"), true},
		"a state by its name":               {domain.SuppressRegion, "US-CA", region("United States", "California"), true},
		"a state with its country":          {domain.SuppressRegion, "US-CA", region("", "US-CA"), true},
		"a state whose country is not said": {domain.SuppressRegion, "US-WV", region("", "West Virginia"), true},
		"the country of that":               {domain.SuppressRegion, "US", region("", "wv"), true},
		"another state":                     {domain.SuppressRegion, "US-CA", region("US", "CO"), false},
		"a state that is a name's end":      {domain.SuppressRegion, "US-VA", region("US", "West Virginia"), false},
		"a state of another country":        {domain.SuppressRegion, "US-CA", region("IT", "CA"), false},
		"a country by its other code":       {domain.SuppressRegion, "UK", region("GB", ""), true},
		"an address":                        {domain.SuppressNetwork, "192.0.2.7", from("192.0.2.7"), true},
		"its neighbour":                     {domain.SuppressNetwork, "192.0.2.7", from("192.0.2.8"), false},
		"a range":                           {domain.SuppressNetwork, "192.0.2.9/24", from("192.0.2.255"), true},
		"an IPv4 address written as IPv6":   {domain.SuppressNetwork, "192.0.2.0/24", from("::ffff:192.0.2.1"), true},
		"a range written as IPv6":           {domain.SuppressNetwork, "::ffff:192.0.2.0/120", from("192.0.2.1"), true},
		"IPv6":                              {domain.SuppressNetwork, "2001:db8::/32", from("2001:db8:1::1%eth0"), true},
		"IPv6 elsewhere":                    {domain.SuppressNetwork, "2001:db8::/32", from("2001:db9::1"), false},
		"a path":                            {domain.SuppressPath, "/account/**", at("/account/mail"), true},
		"another path":                      {domain.SuppressPath, "/account/**", at("/pricing"), false},
		"one who asks for it":               {domain.SuppressPerson, "p-2", identity.Subject{GPC: true}, true},
		"nobody":                            {domain.SuppressPerson, "p-2", identity.Subject{}, false},
	} {
		s := suppressing(t, global(t, row.kind, row.value))
		rule, got := s.Check(row.subject)
		require.Equal(t, row.want, got, name)
		switch {
		case row.subject.GPC:
			require.Equal(t, "gpc", rule, name)
		case row.want:
			require.Equal(t, "global:"+string(row.kind), rule, name)
			require.Contains(t, identity.Rules(), rule)
		default:
			require.Empty(t, rule, name)
		}
	}
}

// A suppression reaches as far as its scope, in the store's list and in the catalog's alike.
func TestCheck_Scopes(t *testing.T) {
	t.Parallel()
	scoped := func(scope domain.SuppressionScope, account domain.AccountID, pixel domain.PixelID, person string) domain.Suppression {
		s, err := identity.NewSuppression(scope, account, pixel, domain.SuppressPerson, person, "", noon)
		require.NoError(t, err)
		return s
	}
	stored := suppressing(t, scoped(domain.GlobalScope, "", "", "everywhere"), scoped(domain.AccountScope, "acme", "", "account"),
		scoped(domain.PixelScope, "acme", "shop", "pixel"))
	written := identity.NewSuppressions(nil)
	written.SetCatalog(domain.Catalog{
		Suppress: []domain.CatalogSuppression{{Person: "everywhere"}},
		Accounts: []domain.Account{{ID: "acme", Suppress: []domain.CatalogSuppression{{Person: "account"}, {Person: "pixel", Pixel: "shop"}}}},
	})
	for _, s := range []*identity.Suppressions{stored, written} {
		for _, row := range []struct {
			person  domain.PersonID
			account domain.AccountID
			pixel   domain.PixelID
			want    string
		}{
			{"everywhere", "acme", "shop", "global:person"}, {"everywhere", "other", "", "global:person"},
			{"account", "acme", "blog", "account:person"}, {"account", "acme", "", "account:person"}, {"account", "other", "shop", ""},
			{"pixel", "acme", "shop", "pixel:person"}, {"pixel", "acme", "blog", ""}, {"pixel", "other", "shop", ""}, {"pixel", "", "", ""},
		} {
			rule, _ := s.Check(identity.Subject{Account: row.account, Pixel: row.pixel, Person: row.person})
			require.Equal(t, row.want, rule, "%v", row)
		}
	}
	written.SetCatalog(domain.Catalog{})
	_, still := written.Check(identity.Subject{Person: "everywhere"})
	require.False(t, still, "a catalog replaces the one before")
}

// Two suppressions that share a hash are lifted one by one.
func TestTake_AddsOnceAndRemoves(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := identity.NewSuppressions(reg)
	one, two := global(t, domain.SuppressEmail, "jane.doe@gmail.com"), global(t, domain.SuppressEmail, "janedoe+x@gmail.com")
	jane := identity.Subject{HEMs: identity.HEMs("janedoe@gmail.com")}
	held := func() (found bool) { _, found = s.Check(jane); return found }
	s.Take(3, []domain.Suppression{one, two, one})
	require.Equal(t, int64(3), s.Revision())
	require.True(t, held())
	s.Take(4, []domain.Suppression{{ID: one.ID, Removed: true}, {ID: one.ID, Removed: true}})
	require.True(t, held(), "the other one still says so")
	s.Take(2, []domain.Suppression{{ID: two.ID, Removed: true}, {ID: "never there", Removed: true}})
	require.False(t, held())
	require.Equal(t, int64(4), s.Revision(), "it never falls")
	s.Take(5, []domain.Suppression{two})
	require.True(t, held(), "and may come again")
	require.Len(t, metric(t, reg, "leadwire_suppression_entries"), 3*len(domain.SuppressionKinds()), "born at zero, every scope and kind")
	require.Equal(t, 1.0, metric(t, reg, "leadwire_suppression_entries")["email global"])
	s.SetCatalog(domain.Catalog{Suppress: []domain.CatalogSuppression{{Email: "a@b.c"}, {Email: "jane"}}})
	require.Equal(t, 2.0, metric(t, reg, "leadwire_suppression_entries")["email global"])
	require.Equal(t, 1.0, metric(t, reg, "leadwire_suppression_catalog_unread")[""], "what nobody checked is seen")
}

// A seeded life of adding and removing agrees with a list that is searched from end to end.
func TestTake_AgreesWithAPlainList(t *testing.T) {
	t.Parallel()
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	s := identity.NewSuppressions(nil)
	values := map[domain.SuppressionKind][]string{
		domain.SuppressEmail:   {"a.b@gmail.com", "ab@gmail.com", "ab@example.com", sum("ab@gmail.com"), sum("a.b@gmail.com")},
		domain.SuppressCompany: {"example.com", "mail.example.com", "example.org"},
		domain.SuppressNetwork: {"192.0.2.0/24", "192.0.0.0/16", "192.0.2.1", "2001:db8::/32"},
		domain.SuppressPath:    {"/a*", "/**/b", "/c"},
	}
	subjects := []identity.Subject{
		{HEMs: identity.HEMs("a.b@gmail.com")}, {HEMs: identity.HEMs("ab@gmail.com")}, {HEMs: identity.HEMs("ab@example.com")},
		{Companies: []string{"x.mail.example.com"}}, {Companies: []string{"example.org"}},
		{Address: netip.MustParseAddr("192.0.2.1")}, {Address: netip.MustParseAddr("192.0.3.1")}, {Paths: []string{"/a/b", "/c"}},
	}
	inForce := map[string]domain.Suppression{}
	for step := range 500 {
		kind := domain.SuppressionKinds()[r.IntN(len(domain.SuppressionKinds()))]
		of := values[kind]
		if of == nil {
			continue
		}
		change := global(t, kind, of[r.IntN(len(of))])
		if change.Removed = r.IntN(2) == 0; change.Removed {
			delete(inForce, change.ID)
			change = domain.Suppression{ID: change.ID, Removed: true}
		} else {
			inForce[change.ID] = change
		}
		s.Take(int64(step), []domain.Suppression{change})
		for i, subject := range subjects {
			alone := false
			for _, one := range inForce {
				_, found := suppressing(t, one).Check(subject)
				alone = alone || found
			}
			_, got := s.Check(subject)
			require.Equal(t, alone, got, "seed %d, step %d, subject %d", seed, step, i)
		}
	}
}

// Whatever form an e-mail is suppressed in and met in, no record comes of it.
func TestEveryFormOfAnEmailMeets(t *testing.T) {
	t.Parallel()
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	for range 300 {
		local, host := randomLocal(r), []string{"gmail.com", "googlemail.com", "example.com"}[r.IntN(3)]
		known, met := formOf(r, local, host), formOf(r, local, host)
		s := suppressing(t, global(t, domain.SuppressEmail, known))
		_, found := s.Check(identity.Subject{HEMs: identity.HEMs(met)})
		require.True(t, found, "suppressed as %q, met as %q", known, met)
		for _, h := range identity.HEMs(met) { // its canonical variant is the last, and any one digest of it does
			for _, digest := range []string{h.MD5, h.SHA1, h.SHA256} {
				last := identity.HEMs(met)[len(identity.HEMs(met))-1]
				if h != last {
					continue
				}
				_, found := s.Check(identity.Subject{HEMs: identity.ReadEmail(strings.ToUpper(digest))})
				require.True(t, found, "suppressed as %q, met as a digest of %q", known, met)
			}
		}
		if host == "example.com" || !sameHost(known, met) {
			continue
		}
		keys := map[domain.Key]bool{}
		for _, k := range identity.KeysOf("", identity.HEMs(known), "", nil) {
			keys[k] = true
		}
		shared := 0
		for _, k := range identity.KeysOf("", identity.HEMs(met), "", nil) {
			if keys[k] {
				shared++
			}
		}
		require.Positive(t, shared, "a graph that indexed %q finds %q", known, met)
	}
}

func sameHost(a, b string) bool {
	_, ha, _ := strings.Cut(strings.ToLower(strings.TrimSpace(a)), "@")
	_, hb, _ := strings.Cut(strings.ToLower(strings.TrimSpace(b)), "@")
	return ha == hb
}

func randomLocal(r *rand.Rand) string {
	b := make([]byte, 3+r.IntN(8))
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789_"[r.IntN(37)]
	}
	return string(b)
}

// formOf writes an e-mail as somebody might: in any case, with spaces around; Google's with dots, a suffix, and
// either name.
func formOf(r *rand.Rand, local, host string) string {
	if host != "example.com" {
		for i := len(local) - 1; i > 0; i-- {
			if r.IntN(3) == 0 {
				local = local[:i] + "." + local[i:]
			}
		}
		if r.IntN(2) == 0 {
			local += fmt.Sprintf("+x.%d", r.IntN(100))
		}
		host = []string{"gmail.com", "googlemail.com"}[r.IntN(2)]
	}
	text := []byte(local + "@" + host)
	for i := range text {
		if r.IntN(2) == 0 {
			text[i] = strings.ToUpper(string(text[i]))[0]
		}
	}
	return []string{"", " ", "\t"}[r.IntN(3)] + string(text) + []string{"", " ", "\r\n"}[r.IntN(3)]
}

func TestSubjectOf(t *testing.T) {
	t.Parallel()
	jane := domain.Person{
		ID: "p-1", BusinessEmail: "Jane@Acme.Example", PersonalEmail: "jane.doe@gmail.com", Phones: []string{"+1 415 555 2671", "no phone"},
		State: "California", Country: "US", Company: "parent.example", HEMs: []domain.HEM{{Variant: "lower", MD5: strings.Repeat("a", 32)}},
	}
	for kind, values := range map[domain.SuppressionKind][]string{
		domain.SuppressEmail:   {"jane@acme.example", "janedoe@googlemail.com", strings.Repeat("A", 32), sum("jane@acme.example")},
		domain.SuppressPhone:   {"+14155552671"},
		domain.SuppressPerson:  {"p-1"},
		domain.SuppressCompany: {"parent.example", "acme.example"},
		domain.SuppressRegion:  {"US", "US-CA"},
	} {
		for _, value := range values {
			rule, found := suppressing(t, global(t, kind, value)).Check(identity.SubjectOf(jane))
			require.True(t, found, "%s %s", kind, value)
			require.Equal(t, "global:"+string(kind), rule)
		}
	}
	_, found := suppressing(t, global(t, domain.SuppressCompany, "gmail.com")).Check(identity.SubjectOf(jane))
	require.False(t, found, "a private mailbox says nothing of a company")
	require.Len(t, jane.HEMs, 1, "the record is not written to")
}

func TestNewSuppression_RefusesByFieldAndRule(t *testing.T) {
	t.Parallel()
	type call struct {
		scope   domain.SuppressionScope
		account domain.AccountID
		pixel   domain.PixelID
		kind    domain.SuppressionKind
		value   string
		reason  string
	}
	for name, row := range map[string]struct {
		call  call
		field string
	}{
		"no scope":                {call{kind: "email", value: "a@b.c"}, "scope"},
		"global with an account":  {call{"global", "acme", "", "email", "a@b.c", ""}, "account"},
		"global with a pixel":     {call{"global", "", "shop", "email", "a@b.c", ""}, "pixel"},
		"an account without one":  {call{"account", "", "", "email", "a@b.c", ""}, "account"},
		"an account with a pixel": {call{"account", "acme", "shop", "email", "a@b.c", ""}, "pixel"},
		"a pixel without one":     {call{"pixel", "acme", "", "email", "a@b.c", ""}, "pixel"},
		"a pixel of nobody":       {call{"pixel", "", "shop", "email", "a@b.c", ""}, "account"},
		"no kind":                 {call{"global", "", "", "device", "a", ""}, "kind"},
		"no e-mail":               {call{"global", "", "", "email", "jane", ""}, "value"},
		"nothing":                 {call{"global", "", "", "email", " ", ""}, "value"},
		"a phone of no country":   {call{"global", "", "", "phone", "415 555 2671", ""}, "value"},
		"a person with a space":   {call{"global", "", "", "person", "a b", ""}, "value"},
		"a top-level domain":      {call{"global", "", "", "company", "com", ""}, "value"},
		"an address":              {call{"global", "", "", "company", "https://example.com", ""}, "value"},
		"empty labels":            {call{"global", "", "", "company", "a..b", ""}, "value"},
		"a region that is none":   {call{"global", "", "", "region", "EU", ""}, "value"},
		"a subdivision too long":  {call{"global", "", "", "region", "US-CALI", ""}, "value"},
		"no range":                {call{"global", "", "", "network", "192.0.2.0/33", ""}, "value"},
		"all of IPv4 in IPv6":     {call{"global", "", "", "network", "::ffff:0.0.0.0/95", ""}, "value"},
		"no path":                 {call{"global", "", "", "path", "pricing", ""}, "value"},
		"a long reason":           {call{"global", "", "", "path", "/a", strings.Repeat("a", 201)}, "reason"},
	} {
		_, err := identity.NewSuppression(row.call.scope, row.call.account, row.call.pixel, row.call.kind, row.call.value, row.call.reason, noon)
		var fault *domain.Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, domain.Invalid, fault.Code, name)
		require.Equal(t, row.field, fault.Field, name)
	}
}

// The same thing said twice is one suppression; what reaches further is another.
func TestNewSuppression_ID(t *testing.T) {
	t.Parallel()
	id := func(kind domain.SuppressionKind, value string) string { return global(t, kind, value).ID }
	require.Len(t, id(domain.SuppressPath, "/a"), 32)
	require.Equal(t, id(domain.SuppressEmail, " Jane@example.com"), id(domain.SuppressEmail, "jane@EXAMPLE.com"))
	require.Equal(t, id(domain.SuppressPhone, "+1 415 555 2671"), id(domain.SuppressPhone, sum("+14155552671")))
	require.Equal(t, id(domain.SuppressNetwork, "192.0.2.9/24"), id(domain.SuppressNetwork, "::ffff:192.0.2.0/120"))
	require.Equal(t, id(domain.SuppressRegion, "uk"), id(domain.SuppressRegion, "GB"))
	require.NotEqual(t, id(domain.SuppressEmail, "jane@example.com"), id(domain.SuppressEmail, sum("jane@example.com")))
	require.NotEqual(t, id(domain.SuppressPerson, "example.com"), id(domain.SuppressCompany, "example.com"))
	account, err := identity.NewSuppression(domain.AccountScope, "acme", "", domain.SuppressPath, "/a", "", noon)
	require.NoError(t, err)
	require.NotEqual(t, id(domain.SuppressPath, "/a"), account.ID)
}

// Nothing in clear is kept.
func TestNewSuppression_KeepsNoEmailAndNoPhone(t *testing.T) {
	t.Parallel()
	for _, s := range []domain.Suppression{global(t, domain.SuppressEmail, "Jane.Doe@gmail.com"), global(t, domain.SuppressPhone, "+1 415 555 2671")} {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		for _, clear := range []string{"jane", "Jane", "gmail.com", "415", "2671"} {
			if clear == "415" || clear == "2671" {
				require.NotContains(t, string(text), "1"+clear)
				continue
			}
			require.NotContains(t, string(text), clear)
		}
	}
}

func TestCheckCatalog(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		catalog domain.Catalog
		field   string
	}{
		"good": {domain.Catalog{Suppress: []domain.CatalogSuppression{{Email: "a@b.c"}, {Network: "192.0.2.0/24"}}}, ""},
		"a bad e-mail of an account": {domain.Catalog{Accounts: []domain.Account{{ID: "x"}, {ID: "acme", Suppress: []domain.CatalogSuppression{
			{Person: "p"}, {Email: "jane"}}}}}, "accounts[1].suppress[1].email"},
		"two at once":       {domain.Catalog{Suppress: []domain.CatalogSuppression{{Email: "a@b.c", Person: "p"}}}, "suppress[0]"},
		"none":              {domain.Catalog{Suppress: []domain.CatalogSuppression{{Reason: "why"}}}, "suppress[0]"},
		"a pixel of nobody": {domain.Catalog{Suppress: []domain.CatalogSuppression{{Path: "/a", Pixel: "shop"}}}, "suppress[0].account"},
	} {
		err := identity.CheckCatalog(row.catalog)
		if row.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var fault *domain.Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, row.field, fault.Field, name)
	}
}

// Checks run while changes come in.
func TestSuppressions_ManyAtOnce(t *testing.T) {
	t.Parallel()
	s := identity.NewSuppressions(prometheus.NewRegistry())
	jane := global(t, domain.SuppressEmail, "jane@example.com")
	s.Take(1, []domain.Suppression{jane})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				if _, found := s.Check(identity.Subject{HEMs: jane.HEMs}); !found {
					t.Error("it was in force all the time")
					return
				}
			}
		})
	}
	all.Go(func() {
		for n := range 2000 {
			s.Take(int64(n), []domain.Suppression{{ID: fmt.Sprintf("%032x", n), Kind: domain.SuppressPerson, Value: fmt.Sprint(n)}})
		}
	})
	all.Wait()
}

func FuzzNewSuppression(f *testing.F) {
	for i, s := range []string{"Jane.Doe+x@Gmail.com", "+1 (415) 555-2671", "p-1", "www.example.com.", "us-ca", "::ffff:1.2.3.4/100", "/a/**"} {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		kind := domain.SuppressionKinds()[int(which)%len(domain.SuppressionKinds())]
		s, err := identity.NewSuppression(domain.GlobalScope, "", "", kind, value, "", noon)
		if err != nil {
			return
		}
		require.Len(t, s.ID, 32)
		subject := identity.Subject{HEMs: s.HEMs, Address: s.Network.Addr()}
		switch kind {
		case domain.SuppressPhone:
			subject.Phones = []string{s.Value}
		case domain.SuppressPerson:
			subject.Person = domain.PersonID(s.Value)
		case domain.SuppressCompany:
			subject.Companies = []string{"a." + s.Value}
		case domain.SuppressRegion:
			country, state, _ := strings.Cut(s.Value, "-")
			subject.Regions = []identity.Region{{Country: country, State: state}}
		case domain.SuppressPath:
			subject.Paths = []string{strings.NewReplacer("*", "").Replace(s.Value)}
		}
		_, found := suppressing(t, s).Check(subject)
		require.True(t, found, "what was said is suppressed: %+v", s)
	})
}
