package identity_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// The keys of the stories: an e-mail, a phone, a click, a visitor.
const (
	jane = "jane@example.com"
	joan = "joan@example.com"
	tel  = "+14155552671"
	vis  = domain.VisitorID("7f1c")
)

var gclid = domain.Click{Kind: "gclid", Value: "EAIaIQ"}

func sha(email string) domain.Key { return domain.Key{Kind: domain.KeySHA256, Value: sum(email)} }

func md5Of(email string) domain.Key {
	return domain.Key{Kind: domain.KeyMD5, Value: identity.HEMs(email)[0].MD5}
}

var (
	visitorKey = domain.Key{Kind: domain.KeyVisitor, Value: string(vis)}
	phoneKey   = domain.Key{Kind: domain.KeyPhone, Value: sum(tel)}
	clickKey   = domain.Key{Kind: domain.KeyClick, Value: "gclid:EAIaIQ"}
)

type links map[domain.Key]domain.PersonID

// all is a hit with every key there is.
func all(identified bool) identity.Evidence {
	return identity.Evidence{
		Account: "acme", Visitor: vis, Identified: identified, HEMs: identity.HEMs(jane), Phone: sum(tel), Clicks: []domain.Click{gclid}, At: noon,
	}
}

func overlayOf(l links) *identity.Overlay {
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	for k, p := range l {
		o.Put([]domain.Link{{Seq: 1, Account: "acme", Key: k, Person: p}})
	}
	return o
}

func matcher(overlay, graph links) *identity.Matcher {
	return identity.NewMatcher(identity.MatcherDeps{Graphs: book{people: graph}, Overlay: overlayOf(overlay), Metrics: identity.NewMetrics(nil)})
}

// The rule, row by row.
func TestMatch(t *testing.T) {
	t.Parallel()
	known := func(e identity.Evidence, p domain.PersonID, by domain.KeyKind, from string) identity.Evidence {
		e.Known, e.KnownMatch = p, domain.Match{Level: domain.PersonMatch, By: by, From: from}
		return e
	}
	self := domain.PersonID("hem-" + sum(jane)[:32])
	crm := domain.PersonOfLead("ghl-1")
	for name, row := range map[string]struct {
		overlay, graph links
		evidence       identity.Evidence
		want           domain.PersonID
		by             domain.KeyKind
		from           string
		conflict       bool
	}{
		"nobody":                                        {nil, nil, identity.Evidence{Account: "acme", Visitor: vis}, "", "", "", false},
		"the graph by a hash":                           {nil, links{sha(jane): "a"}, all(false), "a", "sha256", "graph", false},
		"the graph by any digest":                       {nil, links{md5Of(jane): "a"}, all(false), "a", "md5", "graph", false},
		"the graph by a phone":                          {nil, links{phoneKey: "a"}, all(false), "a", "phone", "graph", false},
		"the graph by a click":                          {nil, links{clickKey: "a"}, all(false), "a", "click", "graph", false},
		"the stronger key of the graph":                 {nil, links{visitorKey: "a", sha(jane): "b"}, all(false), "a", "visitor", "graph", true},
		"an e-mail before a phone":                      {nil, links{phoneKey: "a", md5Of(jane): "b"}, all(false), "b", "md5", "graph", true},
		"a phone before a click":                        {nil, links{phoneKey: "b", clickKey: "a"}, all(false), "b", "phone", "graph", true},
		"within a kind the smaller id":                  {nil, links{md5Of(jane): "a", sha(jane): "b"}, all(false), "a", "md5", "graph", true},
		"the overlay before the graph":                  {links{clickKey: "a"}, links{visitorKey: "b"}, all(false), "a", "click", "overlay", true},
		"overlay and graph of one mind":                 {links{clickKey: "a"}, links{visitorKey: "a"}, all(false), "a", "click", "overlay", false},
		"another account's link is none":                {links{visitorKey: "a"}, nil, identity.Evidence{Account: "other", Visitor: vis}, "", "", "", false},
		"an identify call before a visitor's link":      {links{visitorKey: "b"}, links{sha(jane): "a"}, all(true), "a", "sha256", "identify", true},
		"an identify call by its phone":                 {nil, links{phoneKey: "a"}, all(true), "a", "phone", "identify", false},
		"an identify call nobody knows is itself":       {nil, nil, all(true), self, "sha256", "identify", false},
		"and not whom the visitor was":                  {links{visitorKey: "b"}, nil, all(true), self, "sha256", "identify", true},
		"nor whom a click names":                        {nil, links{clickKey: "b"}, all(true), self, "sha256", "identify", true},
		"the visit's hashes too, if nobody else is":     {nil, nil, all(false), self, "sha256", "identify", false},
		"known before, and nothing new":                 {nil, nil, known(all(false), "b", "click", "graph"), "b", "click", "graph", false},
		"known before by a weaker key":                  {nil, links{sha(jane): "a"}, known(all(false), "b", "click", "graph"), "a", "sha256", "graph", false},
		"known before by a stronger key":                {nil, links{sha(jane): "a"}, known(all(false), "b", "visitor", "graph"), "b", "visitor", "graph", true},
		"known before by as strong a key":               {nil, links{sha(jane): "a"}, known(all(false), "b", "md5", "tier"), "b", "md5", "tier", true},
		"known by an identify call":                     {links{visitorKey: "a"}, nil, known(all(false), "b", "sha256", "identify"), "b", "sha256", "identify", true},
		"until the next one":                            {nil, links{sha(jane): "a"}, known(all(true), "b", "sha256", "identify"), "a", "sha256", "identify", false},
		"the same by a stronger key":                    {links{visitorKey: "b"}, nil, known(all(false), "b", "click", "graph"), "b", "visitor", "overlay", false},
		"a hash gives way to the graph":                 {links{visitorKey: self, sha(jane): self}, links{sha(jane): "a"}, known(all(false), self, "sha256", "identify"), "a", "sha256", "graph", false},
		"in an identify call too":                       {links{visitorKey: self, sha(jane): self}, links{sha(jane): "a"}, all(true), "a", "sha256", "identify", false},
		"but not to a click":                            {links{visitorKey: self, sha(jane): self}, links{clickKey: "a"}, known(all(false), self, "sha256", "identify"), self, "sha256", "identify", true},
		"a hash gives way to the CRM":                   {links{visitorKey: self, sha(jane): crm}, nil, known(all(false), self, "sha256", "identify"), crm, "sha256", "overlay", false},
		"the CRM's lead to the graph":                   {links{sha(jane): crm}, links{phoneKey: "a"}, all(false), "a", "phone", "graph", false},
		"the CRM's lead is somebody":                    {links{sha(jane): crm}, nil, all(true), crm, "sha256", "identify", false},
		"a hash known before stays while nobody better": {links{visitorKey: self}, nil, known(all(false), self, "sha256", "identify"), self, "sha256", "identify", false},
	} {
		got := matcher(row.overlay, row.graph).Match(row.evidence)
		want := domain.Match{By: row.by, From: row.from, Conflict: row.conflict}
		if row.want != "" {
			want.Level = domain.PersonMatch
		}
		require.Equal(t, row.want, got.Person, name)
		require.Equal(t, want, got.Match, name)
		require.Empty(t, got.Ask, name)
	}
}

// Within a kind of key the newest link wins, whatever order the links came in.
func TestMatch_NewestLinkWins(t *testing.T) {
	t.Parallel()
	older := domain.Link{Seq: 5, Account: "acme", Key: md5Of(jane), Person: "a"}
	newer := domain.Link{Seq: 6, Account: "acme", Key: sha(jane), Person: "b"}
	for _, order := range [][]domain.Link{{older, newer}, {newer, older}} {
		o := identity.NewOverlay(identity.OverlayConfig{}, nil)
		o.Learned(order)
		got := identity.NewMatcher(identity.MatcherDeps{Overlay: o}).Match(all(false))
		require.Equal(t, domain.PersonID("b"), got.Person)
		require.True(t, got.Match.Conflict)
	}
}

// An identify call teaches that the visitor, its hashes and its phone are that person; what is known already is
// not learned again, and a click never.
func TestMatch_Learns(t *testing.T) {
	t.Parallel()
	o := overlayOf(links{visitorKey: "b", sha(jane): "a"})
	m := identity.NewMatcher(identity.MatcherDeps{Graphs: none{}, Overlay: o})
	r := m.Match(all(true))
	require.Equal(t, domain.PersonID("a"), r.Person)
	taught := links{}
	for _, l := range r.Learn {
		require.Equal(t, domain.Link{Account: "acme", Key: l.Key, Person: "a", From: "identify", At: noon}, l)
		taught[l.Key] = l.Person
	}
	h := identity.HEMs(jane)[0]
	require.Equal(t, links{visitorKey: "a", {Kind: "sha1", Value: h.SHA1}: "a", {Kind: "md5", Value: h.MD5}: "a", phoneKey: "a"}, taught)
	for i := range r.Learn {
		r.Learn[i].Seq = int64(10 + i)
	}
	o.Learned(r.Learn)
	again := m.Match(all(true))
	require.Equal(t, domain.PersonID("a"), again.Person)
	require.Empty(t, again.Learn)
	require.False(t, again.Match.Conflict)
	require.Equal(t, domain.PersonID("a"), m.Match(identity.Evidence{Account: "acme", Visitor: vis}).Person, "and is known by its visitor alone")
	require.Empty(t, m.Match(all(false)).Learn, "a page view teaches nothing")
}

// When nobody is found, the network may name a company, and no person.
func TestMatch_CompanyByNetwork(t *testing.T) {
	t.Parallel()
	lent := 0
	address := netip.MustParseAddr("192.0.2.1")
	acme := domain.Company{Domain: "acme.example", Name: "Acme"}
	m := identity.NewMatcher(identity.MatcherDeps{Overlay: overlayOf(nil), Graphs: book{
		networks: map[netip.Addr]string{address: "acme.example"}, companies: map[string]domain.Company{"acme.example": acme},
		people:  links{sha(jane): "a"},
		records: map[domain.PersonID]domain.Person{"a": {ID: "a", Company: "other.example"}},
		lent:    &lent,
	}})
	r := m.Match(identity.Evidence{Account: "acme", Visitor: vis, Address: netip.MustParseAddr("::ffff:192.0.2.1")})
	require.Equal(t, identity.Resolution{Company: "acme.example", Match: domain.Match{Level: domain.CompanyMatch, By: "network", From: "graph"}}, r)
	c, ok := m.Company("Acme.Example.")
	require.True(t, ok)
	require.Equal(t, acme, c)
	e := all(false)
	e.Address = address
	r = m.Match(e)
	require.Equal(t, "other.example", r.Company, "a person's company is its record's")
	require.Equal(t, "other.example", r.Record.Company)
	require.Zero(t, lent, "every graph was given back")
}

// A visitor that only the slow tier knows is asked for, and known from then on; what it does not know is not
// asked for again.
func TestMatch_AsksTheSlowTier(t *testing.T) {
	t.Parallel()
	db := &tier{answer: func(_ context.Context, keys []domain.Key) (identity.Known, error) {
		for _, k := range keys {
			if k == sha(jane) {
				return identity.Known{Found: true, Person: domain.Person{ID: "a", Company: "acme.example"}, Company: domain.Company{Domain: "acme.example"}, By: k}, nil
			}
		}
		return identity.Known{}, nil
	}}
	slow := identity.NewSlow(db, identity.SlowConfig{}, newClock(), nil)
	m := identity.NewMatcher(identity.MatcherDeps{Overlay: overlayOf(nil), Slow: slow})

	first := m.Match(all(true))
	require.Empty(t, first.Person, "that it is known by its hash alone is not said yet")
	require.Len(t, first.Ask, 6)
	_, err := slow.Lookup(t.Context(), first.Ask)
	require.NoError(t, err)
	second := all(true)
	second.Asked = true
	r := m.Match(second)
	require.Equal(t, domain.PersonID("a"), r.Person)
	require.Equal(t, domain.Match{Level: domain.PersonMatch, By: "sha256", From: "identify"}, r.Match)
	require.Equal(t, "acme.example", r.Record.Company)
	require.Len(t, r.Learn, 5)
	require.Empty(t, r.Ask)
	record, ok := m.Record("acme", "a")
	require.True(t, ok)
	require.Equal(t, domain.PersonID("a"), record.ID)
	_, ok = m.Company("acme.example")
	require.True(t, ok)

	other := identity.Evidence{Account: "acme", Visitor: vis, Identified: true, HEMs: identity.HEMs(joan)}
	r = m.Match(other)
	require.Empty(t, r.Person)
	known, err := slow.Lookup(t.Context(), r.Ask)
	require.NoError(t, err)
	require.False(t, known.Found)
	r = m.Match(other)
	require.Equal(t, domain.PersonID("hem-"+sum(joan)[:32]), r.Person, "nobody knows it: it is itself")
	require.Equal(t, identity.HEMs(joan), r.Record.HEMs)
	require.Empty(t, r.Ask, "it was asked a moment ago")
}

// While the slow tier is down, an identify call that was asked for in vain is settled without it.
func TestMatch_SettlesWithoutTheSlowTier(t *testing.T) {
	t.Parallel()
	slow := identity.NewSlow(&tier{}, identity.SlowConfig{}, newClock(), nil)
	m := identity.NewMatcher(identity.MatcherDeps{Overlay: overlayOf(nil), Slow: slow})
	e := all(true)
	e.Asked = true
	require.Equal(t, domain.PersonID("hem-"+sum(jane)[:32]), m.Match(e).Person)
}

// A digest alone names a person as well, and every form of the same digest the same one.
func TestMatch_ByADigestAlone(t *testing.T) {
	t.Parallel()
	digest, ok := identity.ReadDigest(sum(jane))
	require.True(t, ok)
	e := identity.Evidence{Account: "acme", Visitor: vis, Identified: true, HEMs: []domain.HEM{digest}}
	require.Equal(t, domain.PersonID("hem-"+sum(jane)[:32]), matcher(nil, nil).Match(e).Person)
	e.HEMs = identity.HEMs("Jane.Doe@gmail.com")
	require.Equal(t, domain.PersonID("hem-"+sum("jane.doe@gmail.com")[:32]), matcher(nil, nil).Match(e).Person)
	e.HEMs[0], e.HEMs[1] = e.HEMs[1], e.HEMs[0]
	require.Equal(t, domain.PersonID("hem-"+sum("jane.doe@gmail.com")[:32]), matcher(nil, nil).Match(e).Person, "whatever order they come in")
}

func TestMatch_Counts(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := identity.NewMatcher(identity.MatcherDeps{Graphs: book{people: links{visitorKey: "a", sha(jane): "b"}}, Overlay: overlayOf(nil), Metrics: identity.NewMetrics(reg)})
	require.Len(t, metric(t, reg, "leadwire_match_total"), 6, "born at zero")
	m.Match(all(false))
	m.Match(identity.Evidence{Account: "acme", Visitor: "nobody"})
	require.Equal(t, 1.0, metric(t, reg, "leadwire_match_total")["graph person"])
	require.Equal(t, 1.0, metric(t, reg, "leadwire_match_total")[" none"])
	require.Equal(t, 1.0, metric(t, reg, "leadwire_match_conflicts_total")["graph"])
}

// A CRM's lead leads to whom the graph knows by its e-mail or its phone, and else to itself.
func TestLinksOfContact(t *testing.T) {
	t.Parallel()
	contact := domain.Contact{Email: "Jane@example.com", Phone: tel}
	clicks := []domain.Click{gclid}
	for name, row := range map[string]struct {
		graph identity.Graph
		want  domain.PersonID
	}{
		"without a graph":                    {nil, "lead-ghl-1"},
		"a graph that does not know it":      {book{}, "lead-ghl-1"},
		"a graph that knows its e-mail":      {book{people: links{md5Of(jane): "a", phoneKey: "b"}}, "a"},
		"a graph that knows its phone":       {book{people: links{phoneKey: "b"}}, "b"},
		"a graph that knows who clicked too": {book{people: links{clickKey: "c"}}, "lead-ghl-1"},
	} {
		got := identity.LinksOfContact("acme", "ghl-1", contact, clicks, row.graph)
		require.Len(t, got, 5, name)
		for _, l := range got {
			require.NoError(t, identity.CheckKey(l.Key), name)
			require.Equal(t, domain.Link{Account: "acme", Key: l.Key, Person: row.want, From: "crm"}, l, name)
		}
	}
	require.Empty(t, identity.LinksOfContact("acme", "ghl-1", domain.Contact{Name: "Jane", Phone: "415 555"}, nil, book{}), "no key, no link")
}

// Links that hits before this one made in the same step count like those that memory has, as the newest.
func TestMatch_LearnedInTheSameStep(t *testing.T) {
	t.Parallel()
	link := func(k domain.Key, p domain.PersonID) domain.Link {
		return domain.Link{Account: "acme", Key: k, Person: p}
	}
	m := matcher(links{visitorKey: "old"}, nil)
	e := identity.Evidence{Account: "acme", Visitor: vis, At: noon, Learned: []domain.Link{link(md5Of(jane), "jane"), link(visitorKey, "jane")}}
	r := m.Match(e)
	require.Equal(t, domain.PersonID("jane"), r.Person)
	require.False(t, r.Match.Conflict, "the older link of the same key is gone")

	e.Identified, e.HEMs = true, []domain.HEM{{Variant: identity.Lower, MD5: md5Of(jane).Value}}
	r = m.Match(e)
	require.Equal(t, domain.PersonID("jane"), r.Person, "by the hash that the hit before it taught")
	require.Empty(t, r.Learn, "which need not be learned again")
	e.Learned = nil
	require.NotEqual(t, domain.PersonID("jane"), m.Match(e).Person)
}
