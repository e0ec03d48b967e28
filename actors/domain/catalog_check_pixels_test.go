package domain

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// withPixels is a valid catalog that uses everything a pixel brings with it.
func withPixels() Catalog {
	c := validCatalog()
	ten, thousand := 10.0, 1000.0
	c.Graph = "/var/lib/leadwire/graph.lwg"
	c.Suppress = []CatalogSuppression{{Region: "DE", Reason: "no consent"}, {Network: "10.0.0.0/8"}}
	a := &c.Accounts[0]
	a.Pixels = []Pixel{{
		ID: "shop", Origins: []string{"https://shop.example", "https://*.shop.example", "http://localhost:8080"},
		Allow: []string{"/**"}, Deny: []string{"/account/**"}, Consent: ConsentRequired, SessionIdle: 30 * time.Minute, Campaign: "solar",
		Announce: Announce{
			Types: HitTypes(), Pages: []string{"/pricing*"}, MinDuration: 10 * time.Second, Coalesce: time.Minute,
			Frequency: Frequency{Max: 3, Per: 24 * time.Hour},
			Segments: []Filter{
				{Field: "company.employee_count", Op: Range, Min: &ten, Max: &thousand}, {Field: "person.state", Op: In, Values: []string{"CA"}},
				{Field: "person.title", Op: Prefix, Value: "head"}, {Field: "person.phones", Op: Exists}, {Field: "person.country", Op: Equals, Value: "US", Not: true},
			},
		},
	}}
	a.Suppress = []CatalogSuppression{{Email: "ada@shop.example"}, {Path: "/legal/**", Pixel: "shop"}}
	a.Shapes = []Shape{{ID: "old", Preset: "rb2b"}, {ID: "own", Fields: map[string]string{"Name": "person.first_name", "E-mail": "person.business_email | person.personal_email"}, Omit: []string{"person.phones"}}}
	a.Announce = []AnnouncementType{LeadReceivedEvent, LeadAssignedEvent, LeadUpdatedEvent}
	return c
}

// Every rule of a pixel and of what belongs to it names the field that broke it.
func TestCatalog_ValidatePixels(t *testing.T) {
	t.Parallel()
	acme := func(c *Catalog) *Account { return &c.Accounts[0] }
	shop := func(c *Catalog) *Pixel { return &c.Accounts[0].Pixels[0] }
	rules := func(c *Catalog) *Announce { return &c.Accounts[0].Pixels[0].Announce }
	filter := func(f Filter) func(*Catalog) {
		return func(c *Catalog) { rules(c).Segments = []Filter{f} }
	}
	origin := func(o string) func(*Catalog) { return func(c *Catalog) { shop(c).Origins = []string{o} } }
	const at, segment = "accounts[0].pixels[0]", "accounts[0].pixels[0].announce.segments[0]"
	low, high := 1.0, 2.0
	proveRules(t, withPixels, nil, map[string]catalogRule{
		"everything at once is fine":         {harm: func(*Catalog) {}},
		"an origin may have a port":          {harm: origin("https://shop.example:8443")},
		"an origin may be an address":        {harm: origin("http://127.0.0.1:8080")},
		"an origin may be an IPv6 address":   {harm: origin("http://[::1]:8080")},
		"one bound is enough for a range":    {harm: filter(Filter{Field: "visit.pages", Op: Range, Min: &low})},
		"a graph's path starts at the root":  {func(c *Catalog) { c.Graph = "graph.lwg" }, "graph", "absolute"},
		"a graph's path is clean":            {func(c *Catalog) { c.Graph = "/var/../etc/graph.lwg" }, "graph", "absolute"},
		"a pixel's id stands in a URL":       {func(c *Catalog) { shop(c).ID = "sh op" }, at + ".id", "a-z"},
		"a pixel's id is one among accounts": {func(c *Catalog) { c.Accounts = append(c.Accounts, Account{ID: "b", Pixels: acme(c).Pixels}) }, "accounts[1].pixels[0].id", "twice"},
		"a pixel has pages":                  {func(c *Catalog) { shop(c).Origins = nil }, at + ".origins", "must list"},
		"an origin has a scheme":             {origin("shop.example"), at + ".origins[0]", "http://"},
		"an origin is of the web":            {origin("ftp://shop.example"), at + ".origins[0]", "http://"},
		"an origin has no path":              {origin("https://shop.example/"), at + ".origins[0]", "without a path"},
		"an origin has no query":             {origin("https://shop.example?a"), at + ".origins[0]", "without a path"},
		"an origin has no user":              {origin("https://me@shop.example"), at + ".origins[0]", "host"},
		"an origin has a host":               {origin("https://"), at + ".origins[0]", "host"},
		"an origin's port is a number":       {origin("https://shop.example:99999"), at + ".origins[0]", "host"},
		"an origin's port is there":          {origin("https://shop.example:"), at + ".origins[0]", "host"},
		"browsers send hosts in lower case":  {origin("https://Shop.example"), at + ".origins[0]", "lower case"},
		"a star is a first label":            {origin("https://shop.*.example"), at + ".origins[0]", "first label"},
		"a star is a whole label":            {origin("https://*shop.example"), at + ".origins[0]", "first label"},
		"a star is one label only":           {origin("https://*.*.shop.example"), at + ".origins[0]", "first label"},
		"a star is not everybody":            {origin("https://*"), at + ".origins[0]", "first label"},
		"a star is not a whole top level":    {origin("https://*.com"), at + ".origins[0]", "first label"},
		"an allowed path begins like one":    {func(c *Catalog) { shop(c).Allow[0] = "pricing" }, at + ".allow[0]", "begins with /"},
		"a denied path is not empty":         {func(c *Catalog) { shop(c).Deny[0] = "" }, at + ".deny[0]", "begins with /"},
		"the script carries a hundred paths": {func(c *Catalog) { shop(c).Deny = make([]string, MaxGlobs+1) }, at + ".deny", "at most 100"},
		"consent is a known word":            {func(c *Catalog) { shop(c).Consent = "maybe" }, at + ".consent", "required"},
		"a session lasts a minute at least":  {func(c *Catalog) { shop(c).SessionIdle = 30 }, at + ".session_idle", "1m0s to 24h0m0s"},
		"a session lasts a day at most":      {func(c *Catalog) { shop(c).SessionIdle = 25 * time.Hour }, at + ".session_idle", "1m0s to 24h0m0s"},
		"a rate is not negative":             {func(c *Catalog) { shop(c).Rate = -1 }, at + ".rate", "0 (the default) or more"},
		"nor is that of an address":          {func(c *Catalog) { shop(c).RatePerAddress = -1 }, at + ".rate_per_address", "0 (the default) or more"},
		"a pixel's campaign exists":          {func(c *Catalog) { shop(c).Campaign = "roof" }, at + ".campaign", "not a campaign of this account"},
		"a hit's type is known":              {func(c *Catalog) { rules(c).Types = []HitType{"click"} }, at + ".announce.types[0]", "page_view"},
		"a page's pattern begins like one":   {func(c *Catalog) { rules(c).Pages[0] = "https://shop.example" }, at + ".announce.pages[0]", "begins with /"},
		"a visit lasts no negative time":     {func(c *Catalog) { rules(c).MinDuration = -1 }, at + ".announce.min_duration", "0s to 24h"},
		"updates wait an hour at most":       {func(c *Catalog) { rules(c).Coalesce = 2 * time.Hour }, at + ".announce.coalesce", "0s to 1h"},
		"a cap is kept in memory":            {func(c *Catalog) { rules(c).Frequency.Max = 101 }, at + ".announce.frequency.max", "0 (no cap) to 100"},
		"a cap is over some time":            {func(c *Catalog) { rules(c).Frequency.Per = 0 }, at + ".announce.frequency.per", "over 0"},
		"a time without a cap does nothing":  {func(c *Catalog) { rules(c).Frequency.Max = 0 }, at + ".announce.frequency.per", "max is 0"},
		"a filter has a field":               {filter(Filter{Op: Exists}), segment + ".field", "path in the envelope"},
		"a filter's field is a path":         {filter(Filter{Field: "Person Name", Op: Exists}), segment + ".field", "path in the envelope"},
		"a filter's comparison is known":     {filter(Filter{Field: "a", Op: "like"}), segment + ".op", "equals, in, range"},
		"equals needs a value":               {filter(Filter{Field: "a", Op: Equals}), segment, "takes value"},
		"equals would overlook values":       {filter(Filter{Field: "a", Op: Equals, Value: "x", Values: []string{"y"}}), segment, "nothing else"},
		"in needs values":                    {filter(Filter{Field: "a", Op: In, Value: "x"}), segment, "takes values"},
		"in has an end":                      {filter(Filter{Field: "a", Op: In, Values: make([]string, MaxValues+1)}), segment + ".values", "at most 1000"},
		"a range needs a bound":              {filter(Filter{Field: "a", Op: Range}), segment, "min or max"},
		"a range is the right way round":     {filter(Filter{Field: "a", Op: Range, Min: &high, Max: &low}), segment + ".min", "at most max"},
		"exists asks nothing else":           {filter(Filter{Field: "a", Op: Exists, Value: "x"}), segment, "neither"},
		"a suppression is about something":   {func(c *Catalog) { c.Suppress[0] = CatalogSuppression{Reason: "x"} }, "suppress[0]", "exactly one"},
		"a suppression is about one thing":   {func(c *Catalog) { acme(c).Suppress[0].Phone = "+15551234567" }, "accounts[0].suppress[0]", "exactly one"},
		"a suppression's pixel exists":       {func(c *Catalog) { acme(c).Suppress[1].Pixel = "blog" }, "accounts[0].suppress[1].pixel", "not a pixel of this account"},
		"the platform has no pixel":          {func(c *Catalog) { c.Suppress[0].Pixel = "shop" }, "suppress[0].pixel", "below the pixel's account"},
		"a suppression is there once":        {func(c *Catalog) { c.Suppress[1] = CatalogSuppression{Region: "DE", Reason: "else"} }, "suppress[1]", "twice"},
		"a shape's id is well formed":        {func(c *Catalog) { acme(c).Shapes[0].ID = "" }, "accounts[0].shapes[0].id", "1 to 64"},
		"shapes are told apart":              {func(c *Catalog) { acme(c).Shapes[1].ID = "old" }, "accounts[0].shapes[1].id", "twice"},
		"a shape has one origin":             {func(c *Catalog) { acme(c).Shapes[1].Preset = "rb2b" }, "accounts[0].shapes[1]", "one of them"},
		"a shape changes something":          {func(c *Catalog) { acme(c).Shapes[0].Preset = "" }, "accounts[0].shapes[0]", "must have"},
		"a shape's field is a path":          {func(c *Catalog) { acme(c).Shapes[1].Fields["Name"] = "$.x" }, "accounts[0].shapes[1].fields.Name", "path in the envelope"},
		"a shape's outgoing name is one":     {func(c *Catalog) { acme(c).Shapes[1].Fields[""] = "person.id" }, "accounts[0].shapes[1].fields", "empty"},
		"what is left out is a path":         {func(c *Catalog) { acme(c).Shapes[1].Omit[0] = "" }, "accounts[0].shapes[1].omit[0]", "path in the envelope"},
		"visitors leave by their pixel":      {func(c *Catalog) { acme(c).Announce[0] = VisitorIdentifiedEvent }, "accounts[0].announce[0]", "lead.received"},
		"an event leaves once":               {func(c *Catalog) { acme(c).Announce[1] = LeadReceivedEvent }, "accounts[0].announce[1]", "twice"},
	})
}

// The diff shows pixels and what belongs to them, with times as people write them.
func TestCatalog_DiffPixels(t *testing.T) {
	t.Parallel()
	shop := func(c *Catalog) *Pixel { return &c.Accounts[0].Pixels[0] }
	for name, row := range map[string]struct {
		edit func(*Catalog)
		want []string
	}{
		"nothing":             {func(*Catalog) {}, nil},
		"another graph":       {func(c *Catalog) { c.Graph = "/b" }, []string{`~ graph: path "/var/lib/leadwire/graph.lwg" -> "/b"`}},
		"no graph":            {func(c *Catalog) { c.Graph = "" }, []string{"- graph"}},
		"a time":              {func(c *Catalog) { shop(c).SessionIdle = 0 }, []string{`~ account acme / pixel shop: session_idle "30m0s" -> (unset)`}},
		"a rule":              {func(c *Catalog) { shop(c).Announce.Frequency.Max = 5 }, []string{"~ account acme / pixel shop: announce.frequency.max 3 -> 5"}},
		"what leaves":         {func(c *Catalog) { c.Accounts[0].Announce = nil }, []string{`~ account acme: announce ["lead.received","lead.assigned","lead.updated"] -> (unset)`}},
		"a reason":            {func(c *Catalog) { c.Suppress[0].Reason = "GDPR" }, []string{`~ suppress region DE: reason "no consent" -> "GDPR"`}},
		"a suppression more":  {func(c *Catalog) { c.Suppress = append(c.Suppress, CatalogSuppression{Company: "rival.example"}) }, []string{"+ suppress company rival.example"}},
		"one of an account":   {func(c *Catalog) { c.Accounts[0].Suppress = c.Accounts[0].Suppress[:1] }, []string{"- account acme / suppress path /legal/** on pixel shop"}},
		"a shape":             {func(c *Catalog) { c.Accounts[0].Shapes[0].Omit = []string{"hems"} }, []string{`~ account acme / shape old: omit (unset) -> ["hems"]`}},
		"empty for absent":    {func(c *Catalog) { c.Accounts[0].Shapes[0].Fields = map[string]string{} }, nil},
		"a pixel taken away":  {func(c *Catalog) { c.Accounts[0].Pixels = nil }, []string{"- account acme / pixel shop"}},
		"a pixel that is new": {func(c *Catalog) { c.Accounts[0].Pixels = append(c.Accounts[0].Pixels, Pixel{ID: "blog", Rate: 9}) }, []string{"+ account acme / pixel blog: rate=9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := withPixels()
			row.edit(&next)
			var lines []string
			for _, change := range withPixels().Diff(next) {
				lines = append(lines, change.String())
			}
			require.Equal(t, row.want, lines)
		})
	}
}
