package domain

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// withEndpoints is a valid catalog that uses everything an endpoint may say.
func withEndpoints() Catalog {
	c := withPixels()
	c.Accounts[0].Endpoints = []Endpoint{{
		ID: "crm", Name: "The CRM", URL: "https://hooks.shop.example/leads?from=leadwire", Events: AnnouncementTypes(), Pixels: []PixelID{"shop"},
		Shape: "own", Omit: []string{"person.phones"}, Tier: TierHigh, Headers: map[string]string{"X-Team": "sales"}, Concurrency: 4, Rate: 12.5,
		Timeout: 5 * time.Second, Schedule: []time.Duration{time.Second, time.Minute}, Terminal: time.Hour, Hold: time.Minute, DisableAfter: 2 * time.Hour,
	}, {ID: "plain", URL: "http://localhost:9000"}}
	c.Accounts[0].Operations = "plain"
	return c
}

// Every rule of an endpoint names the field that broke it.
func TestCatalog_ValidateEndpoints(t *testing.T) {
	t.Parallel()
	const at = "accounts[0].endpoints[0]"
	crm := func(harm func(*Endpoint)) func(*Catalog) {
		return func(c *Catalog) { harm(&c.Accounts[0].Endpoints[0]) }
	}
	url := func(u string) func(*Catalog) { return crm(func(e *Endpoint) { e.URL = u }) }
	batch := func(b Batch) func(*Catalog) { return crm(func(e *Endpoint) { e.Batch = b }) }
	header := func(name, value string) func(*Catalog) {
		return crm(func(e *Endpoint) { e.Headers = map[string]string{name: value} })
	}
	for name, row := range map[string]struct {
		harm  func(*Catalog)
		field string // at fault; empty: none
		rule  string // part of it
	}{
		"everything at once is fine":        {harm: func(*Catalog) {}},
		"the default schedule fits its day": {harm: crm(func(e *Endpoint) { e.Schedule, e.Terminal = nil, 0 })},
		"an id stands in URLs":              {crm(func(e *Endpoint) { e.ID = "a/b" }), at + ".id", "a-z"},
		"an id is there once":               {func(c *Catalog) { c.Accounts[0].Endpoints[1].ID = "crm" }, "accounts[0].endpoints[1].id", "twice"},
		"a URL is given":                    {url(""), at + ".url", "given"},
		"a URL is whole":                    {url("hooks.example.com/leads"), at + ".url", "https://"},
		"a URL is of the web":               {url("ftp://hooks.example.com"), at + ".url", "https://"},
		"a URL holds no password":           {url("https://me:pw@hooks.example.com"), at + ".url", "password"},
		"a URL has no fragment":             {url("https://hooks.example.com/#x"), at + ".url", "fragment"},
		"a URL has an end":                  {url("https://hooks.example.com/" + strings.Repeat("x", MaxURL)), at + ".url", "at most"},
		"an event is one of ours":           {crm(func(e *Endpoint) { e.Events = []AnnouncementType{"lead.sold"} }), at + ".events[0]", "one of"},
		"an event is there once":            {crm(func(e *Endpoint) { e.Events = []AnnouncementType{LeadAssignedEvent, LeadAssignedEvent} }), at + ".events[1]", "twice"},
		"an operational event is not asked for": {
			crm(func(e *Endpoint) { e.Events = []AnnouncementType{EndpointDisabledEvent} }), at + ".events[0]", "operations endpoint",
		},
		"nobody need be told":                 {harm: func(c *Catalog) { c.Accounts[0].Operations = "" }},
		"who is told is one of the endpoints": {func(c *Catalog) { c.Accounts[0].Operations = "pager" }, "accounts[0].operations", "not an endpoint"},
		"a pixel is the account's":            {crm(func(e *Endpoint) { e.Pixels = []PixelID{"blog"} }), at + ".pixels[0]", "not a pixel"},
		"a shape is the account's":            {crm(func(e *Endpoint) { e.Shape = "theirs" }), at + ".shape", "not a shape"},
		"what is left out is a path":          {crm(func(e *Endpoint) { e.Omit = []string{"person..phones"} }), at + ".omit[0]", "path"},
		"a tier is one of three":              {crm(func(e *Endpoint) { e.Tier = "gold" }), at + ".tier", "one of"},
		"concurrency has an end":              {crm(func(e *Endpoint) { e.Concurrency = MaxConcurrency + 1 }), at + ".concurrency", "to 256"},
		"concurrency is not negative":         {crm(func(e *Endpoint) { e.Concurrency = -1 }), at + ".concurrency", "0 (the default)"},
		"a rate has an end":                   {crm(func(e *Endpoint) { e.Rate = MaxRate + 1 }), at + ".rate", "a second"},
		"a rate is more than one in a minute": {crm(func(e *Endpoint) { e.Rate = 0.001 }), at + ".rate", "a second"},
		"a batch needs its count alone":       {harm: batch(Batch{Count: 50})},
		"a batch is of several":               {batch(Batch{Count: 1}), at + ".batch.count", "2 to 50"},
		"a batch without a count is a slip":   {batch(Batch{Delay: time.Second}), at + ".batch.count", "2 to 50"},
		"a batch has an end":                  {batch(Batch{Count: 51}), at + ".batch.count", "2 to 50"},
		"a batch has room":                    {batch(Batch{Count: 2, Bytes: 100}), at + ".batch.bytes", "1024 to"},
		"a batch waits for a minute at most":  {batch(Batch{Count: 2, Delay: time.Hour}), at + ".batch.delay", "1m"},
		"batches fit in memory": {
			crm(func(e *Endpoint) { e.Batch.Count, e.Concurrency = 50, 21 }), at + ".batch.count", "at most 1024 events at once",
		},
		"a timeout has bounds":           {crm(func(e *Endpoint) { e.Timeout = time.Hour }), at + ".timeout", "1m"},
		"a hold has bounds":              {crm(func(e *Endpoint) { e.Hold = 48 * time.Hour }), at + ".hold", "24h"},
		"an end has bounds":              {crm(func(e *Endpoint) { e.Terminal = time.Second }), at + ".terminal", "1m"},
		"patience has bounds":            {crm(func(e *Endpoint) { e.DisableAfter = time.Minute }), at + ".disable_after", "1h"},
		"a pause is a second at least":   {crm(func(e *Endpoint) { e.Schedule = []time.Duration{time.Millisecond} }), at + ".schedule[0]", "1s"},
		"a schedule ends before its end": {crm(func(e *Endpoint) { e.Schedule = []time.Duration{time.Minute, 58 * time.Minute} }), at + ".schedule[1]", "terminal"},
		"a schedule is not endless":      {crm(func(e *Endpoint) { e.Schedule = make([]time.Duration, MaxPauses+1) }), at + ".schedule", "at most 32"},
		"a header's name is a name":      {header("X Team", "a"), at + ".headers", "no name"},
		"a header of ours is ours":       {header("webhook-ID", "a"), at + ".headers.webhook-ID", "set by us"},
		"a secret is no header":          {header("Authorization", "Bearer x"), at + ".headers.Authorization", "set by us"},
		"a header is one line":           {header("X-Team", "a\r\nb"), at + ".headers.X-Team", "printable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := withEndpoints()
			row.harm(&c)
			err := c.Validate(nil)
			if row.field == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.field+": ")
			require.ErrorContains(t, err, row.rule)
		})
	}
}

// The default pauses fit before the terminal time with the most of jitter there can be.
func TestEndpoint_WithDefaults(t *testing.T) {
	t.Parallel()
	e := Endpoint{}.WithDefaults()
	var sum time.Duration
	for _, p := range e.Schedule {
		sum += p + p/10
	}
	require.Less(t, sum, e.Terminal)
	require.Equal(t, TierStandard, e.Tier)
	require.Zero(t, e.Batch)
	require.Equal(t, Batch{Count: 2, Bytes: DefaultBatchBytes, Delay: DefaultBatchDelay}, Endpoint{Batch: Batch{Count: 2}}.WithDefaults().Batch)
	require.Equal(t, 16, e.Concurrency)

	own := withEndpoints().Accounts[0].Endpoints[0]
	require.Equal(t, own, own.WithDefaults())
}

// An empty list means everything; a lead's event comes from no pixel and is not narrowed by one.
func TestEndpoint_Wants(t *testing.T) {
	t.Parallel()
	all := Endpoint{}
	require.True(t, all.Wants(LeadAssignedEvent, ""))
	require.True(t, all.Wants(VisitorIdentifiedEvent, "shop"))
	some := Endpoint{Events: []AnnouncementType{LeadAssignedEvent, VisitorIdentifiedEvent}, Pixels: []PixelID{"shop"}}
	require.True(t, some.Wants(LeadAssignedEvent, ""))
	require.True(t, some.Wants(VisitorIdentifiedEvent, "shop"))
	require.False(t, some.Wants(VisitorIdentifiedEvent, "blog"))
	require.False(t, some.Wants(LeadUpdatedEvent, ""))
}

// Operational events go to the operations endpoint alone, and of the rest it gets only what it asks for.
func TestAccount_Sends(t *testing.T) {
	t.Parallel()
	crm, pager := Endpoint{ID: "crm"}, Endpoint{ID: "pager"}
	a := Account{Operations: "pager"}
	for _, typ := range OperationalTypes() {
		require.True(t, typ.Operational())
		require.True(t, a.Sends(&pager, typ, ""), typ)
		require.False(t, a.Sends(&crm, typ, ""), "%s: an endpoint that lists nothing gets what is about people", typ)
		require.False(t, (&Account{}).Sends(&crm, typ, ""), "%s: nobody is told", typ)
	}
	for _, typ := range AnnouncementTypes() {
		require.False(t, typ.Operational())
		require.True(t, a.Sends(&crm, typ, ""), typ)
		require.False(t, a.Sends(&pager, typ, ""), typ)
	}
	pager.Events = []AnnouncementType{LeadAssignedEvent}
	require.True(t, a.Sends(&pager, LeadAssignedEvent, ""))
	require.False(t, a.Sends(&pager, LeadReceivedEvent, ""))
	require.True(t, a.Sends(&pager, EndpointFailingEvent, ""))
}
