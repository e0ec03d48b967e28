package delivery_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/schema"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every envelope there is, from a judge and from a lead's decisions. The same files stand in docs/payload.md.
func TestEnvelopes(t *testing.T) {
	t.Parallel()
	for name, a := range envelopes(t) {
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, a.Payload, "", "  "))
		pretty.WriteByte('\n')
		golden(t, name+".json", pretty.Bytes())

		var head struct {
			ID   domain.EventID          `json:"id"`
			Type domain.AnnouncementType `json:"type"`
		}
		require.NoError(t, json.Unmarshal(a.Payload, &head))
		require.Equal(t, a.ID, head.ID, name)
		require.Equal(t, a.Type, head.Type, name)
		require.NoError(t, validate(t, compile(t, false), a), name)
		require.NoError(t, validate(t, compile(t, true), a), "%s: every field that is sent is described", name)
	}
}

// A schema that took anything would prove nothing.
func TestSchemas_Refuse(t *testing.T) {
	t.Parallel()
	schemas := compile(t, false)
	good := string(envelopes(t)["visitor.identified"].Payload)
	for sentence, row := range map[string][2]string{
		"another type":                {`"type":"visitor.identified"`, `"type":"visitor.updated"`},
		"another version":             {`"version":"1"`, `"version":"2"`},
		"a time without milliseconds": {`"created_at":"2026-11-25T12:00:11.000Z"`, `"created_at":"2026-11-25T12:00:11Z"`},
		"no account":                  {`"account":"acme",`, ``},
		"a level nobody knows":        {`"level":"person"`, `"level":"household"`},
		"a hash that is none":         {`"md5":"0bc83cb571cd1c50ba6f3e8a78ef1346"`, `"md5":"ada@mail.example"`},
		"a page without its duration": {`,"duration_seconds":1.5}`, `}`},
	} {
		bad := strings.Replace(good, row[0], row[1], 1)
		require.NotEqual(t, good, bad, sentence)
		require.Error(t, validate(t, schemas, domain.Announcement{Type: domain.VisitorIdentifiedEvent, Payload: []byte(bad)}), sentence)
		extra := strings.Replace(good, `"account":`, `"later":{"added":1},"account":`, 1)
		require.NoError(t, validate(t, schemas, domain.Announcement{Type: domain.VisitorIdentifiedEvent, Payload: []byte(extra)}), "fields may be added")
	}
}

// There is a schema for every type, and nothing else is served.
func TestSchemas_AreComplete(t *testing.T) {
	t.Parallel()
	want := []string{"v1/defs.json", "v1/batch.json"}
	for _, typ := range everyType() {
		want = append(want, "v1/"+string(typ)+".json")
	}
	require.ElementsMatch(t, want, schema.Names())
	for _, name := range []string{"", "v1", "v1/", "v1/none.json", "../schema.go", "schema.go", "v1/../v1/defs.json", "/v1/defs.json"} {
		_, ok := schema.Read(name)
		require.False(t, ok, name)
	}
}

// The page that says what is sent says it of every field, and shows what the tests have seen.
func TestDocs_DescribeEveryField(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/payload.md")
	require.NoError(t, err)
	for name := range envelopes(t) {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		require.NoError(t, err)
		if name == "visitor.identified" || name == "lead.assigned" || name == "endpoint.failing" {
			require.Contains(t, string(page), string(text), "the example of %s", name)
		}
	}
	for _, path := range described(t) {
		require.Contains(t, string(page), "`"+path+"`", "a field without a row")
		require.True(t, delivery.Known(path), path)
	}
	for _, v := range delivery.Verdicts() {
		require.Contains(t, string(page), "`"+string(v)+"`", "a verdict without a word")
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"id", "person", "person.state", "company.employee_count", "visit.pages.path", "visit.pages", "hems.md5", "contact.fields.Roof type", "contact.first_name", "occurred_at"} {
		require.True(t, delivery.Known(path), path)
	}
	for _, path := range []string{"", ".", "person.", "person..state", "person.shoe_size", "Person", "id.x", "occurred_at.Time", "contact.shoe_size", "visit.page.referer"} {
		require.False(t, delivery.Known(path), path)
	}
}

// envelopes makes one of each kind.
func envelopes(t *testing.T) map[string]domain.Announcement {
	t.Helper()
	all := map[string]domain.Announcement{}
	o := newOffice(domain.Announce{Companies: true})
	full := sighting(11)
	full.Type, full.Name, full.Upgraded = domain.Custom, "quote.asked", 1
	full.Page.Referrer = "https://shop.example/p/10"
	full.Match.Conflict = true
	full.Visit.Number, full.Visit.Views, full.Visit.Duration = 3, 2, 42*time.Second+125*time.Millisecond
	full.Visit.Pages = append([]domain.PageSeen{{
		URL: "https://shop.example/?utm_source=news&gclid=EAIaIQ", Path: "/", Title: "Shop", At: noon, Duration: 40*time.Second + 625*time.Millisecond,
	}}, full.Visit.Pages...)
	full.Visit.Referrer = "https://search.example/"
	full.Visit.UTM = domain.UTM{Source: "news", Medium: "email", Campaign: "autumn", Term: "pump", Content: "top"}
	full.Visit.Clicks = []domain.Click{{Kind: "gclid", Value: "EAIaIQ"}}
	full.Visit.HEMs = []domain.HEM{ada.HEMs[0], {Variant: "lower", SHA256: strings.Repeat("ab", 32), SHA1: strings.Repeat("cd", 20)}}
	c := newCrew(t, o)
	d := only[delivery.Decide](t, c.Sighted(noon.Add(11*time.Second), full)).Judgement
	all["visitor.identified"] = d.Announce[0]
	c.done(noon.Add(11*time.Second), d)
	all["visitor.updated"] = only[delivery.Decide](t, c.Sighted(noon.Add(time.Minute), sighting(12), sighting(13))).Judgement.Announce[0]

	company := sighting(1)
	company.Lead, company.Person = domain.LeadOfCompany("pumps.example"), ""
	company.Match = domain.Match{Level: domain.CompanyMatch, By: domain.KeyNetwork, From: "graph"}
	company.OccurredAt = time.Time{}
	j := delivery.NewJudge(company.Key(), fence, o.deps())
	all["visitor.identified.company"] = only[delivery.Decide](t, j.Sighted(noon.Add(time.Second), company)).Judgement.Announce[0]

	for _, a := range leadEvents(t) {
		all[string(a.Type)] = a
	}
	for _, typ := range domain.OperationalTypes() {
		all[string(typ)] = *delivery.Operations(&watched, toPager, occurrence(typ))
	}
	return all
}

func everyType() []domain.AnnouncementType {
	return slices.Concat(domain.AnnouncementTypes(), domain.OperationalTypes())
}

// leadEvents are those of a lead that waits, is assigned, and changes.
func leadEvents(t *testing.T) []domain.Announcement {
	t.Helper()
	contact := json.RawMessage(`{"first_name":"Jo","email":"jo@example.com","tags":["roof"],"value":1200.5,"fields":{"Roof type":"tile"}}`)
	d := domain.Decision{
		Verb: domain.Hold, Lead: domain.LeadKey{Account: "acme", Lead: "ghl-1"}, Source: "ghl", EventID: "evt-1", Campaign: "solar",
		Contact: contact, ReceivedAt: noon, At: noon.Add(3 * time.Millisecond),
	}
	e := domain.Event{ID: "evt-1", Source: "ghl", Type: "ContactCreate", OccurredAt: noon.Add(-time.Second)}
	received, err := delivery.LeadEvents(domain.AnnouncementTypes(), nil, d, nil, e)
	require.NoError(t, err)
	require.Len(t, received, 1)

	before := domain.Lead{State: domain.Waiting, Revision: 1, ReceivedAt: noon}
	d.Verb, d.Expect, d.Buyer, d.At = domain.Assign, 1, "ann", noon.Add(time.Second)
	assigned, err := delivery.LeadEvents(domain.AnnouncementTypes(), nil, d, &before, e)
	require.NoError(t, err)
	require.Len(t, assigned, 1)

	before = domain.Lead{State: domain.Assigned, Buyer: "ann", Revision: 2, ReceivedAt: noon, AssignedAt: d.At}
	d.Verb, d.Expect, d.Buyer, d.EventID, d.At, d.ReceivedAt = domain.Update, 2, "", "evt-2", noon.Add(time.Minute), noon.Add(time.Minute)
	changed, err := delivery.LeadEvents(domain.AnnouncementTypes(), nil, d, &before, domain.Event{ID: "evt-2", Source: "ghl", Type: "ContactUpdate"})
	require.NoError(t, err)
	require.Len(t, changed, 1)
	return append(append(received, assigned...), changed...)
}

// Which events a decision has, and that an account gets those it asked for.
func TestLeadEvents(t *testing.T) {
	t.Parallel()
	all := domain.AnnouncementTypes()
	for sentence, row := range map[string]struct {
		d    domain.Decision
		out  []domain.AnnouncementType
		want []domain.AnnouncementType
	}{
		"a new lead with a buyer":        {domain.Decision{Verb: domain.Assign}, all, []domain.AnnouncementType{domain.LeadReceivedEvent, domain.LeadAssignedEvent}},
		"a new lead without":             {domain.Decision{Verb: domain.Hold}, all, []domain.AnnouncementType{domain.LeadReceivedEvent}},
		"a waiting lead that finds one":  {domain.Decision{Verb: domain.Assign, Expect: 2}, all, []domain.AnnouncementType{domain.LeadAssignedEvent}},
		"a change":                       {domain.Decision{Verb: domain.Update, Expect: 2}, all, []domain.AnnouncementType{domain.LeadUpdatedEvent}},
		"an event of nobody":             {domain.Decision{Verb: domain.Ignore}, all, nil},
		"an account that wants nothing":  {domain.Decision{Verb: domain.Assign}, nil, nil},
		"an account that wants only one": {domain.Decision{Verb: domain.Assign}, all[1:2], []domain.AnnouncementType{domain.LeadAssignedEvent}},
	} {
		row.d.Contact = []byte(`{}`)
		got, err := delivery.LeadEvents(row.out, nil, row.d, nil, domain.Event{})
		require.NoError(t, err, sentence)
		var types []domain.AnnouncementType
		for _, a := range got {
			types = append(types, a.Type)
		}
		require.Equal(t, row.want, types, sentence)
	}
	d := domain.Decision{Verb: domain.Assign, Contact: []byte(`{}`), EventID: "e"}
	one, err := delivery.LeadEvents(all, nil, d, nil, domain.Event{})
	require.NoError(t, err)
	again, err := delivery.LeadEvents(all, nil, d, nil, domain.Event{})
	require.NoError(t, err)
	require.Equal(t, one, again, "made again after a lost answer it is the same")
	require.NotEqual(t, one[0].ID, one[1].ID)
	d.Lead.Account = "other"
	others, err := delivery.LeadEvents(all, nil, d, nil, domain.Event{})
	require.NoError(t, err)
	require.NotEqual(t, one[0].ID, others[0].ID)
}

// What a visitor's browser says of itself does not leave.
func TestEnvelopes_LeaveOutWhatNobodyNeeds(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"visit.ip", "visit.address", "visit.user_agent", "visit.visitor", "person.hems"} {
		if path == "person.hems" { // they are in one place, for people and pages alike
			require.NotContains(t, string(envelopes(t)["visitor.updated"].Payload), `"person":{"hems"`)
			continue
		}
		require.False(t, delivery.Known(path), path)
	}
}

// compile reads the schemas, strictly: then a field that no schema describes is a fault.
func compile(t *testing.T, strict bool) map[domain.AnnouncementType]*jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, name := range schema.Names() {
		text, ok := schema.Read(name)
		require.True(t, ok)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err, name)
		if strict {
			closeObjects(doc)
		}
		require.NoError(t, compiler.AddResource("https://leadwire.example/schemas/"+name, doc))
	}
	all := map[domain.AnnouncementType]*jsonschema.Schema{}
	for _, typ := range append(everyType(), delivery.BatchType) {
		s, err := compiler.Compile("https://leadwire.example/schemas/v1/" + string(typ) + ".json")
		require.NoError(t, err, typ)
		all[typ] = s
	}
	return all
}

func closeObjects(doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		if _, ok := doc["properties"].(map[string]any); ok && doc["type"] == "object" {
			doc["additionalProperties"] = false
		}
		for _, v := range doc {
			closeObjects(v)
		}
	case []any:
		for _, v := range doc {
			closeObjects(v)
		}
	}
}

func validate(t *testing.T, schemas map[domain.AnnouncementType]*jsonschema.Schema, a domain.Announcement) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.Payload))
	require.NoError(t, err)
	return schemas[a.Type].Validate(doc)
}

// described lists the paths of every field that a schema has.
func described(t *testing.T) []string {
	t.Helper()
	read := func(name string) map[string]any {
		text, ok := schema.Read("v1/" + name)
		require.True(t, ok, name)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(text, &doc))
		return doc
	}
	defs, _ := read("defs.json")["$defs"].(map[string]any)
	seen := map[string]bool{}
	var paths []string
	var walk func(s map[string]any, at string)
	walk = func(s map[string]any, at string) {
		if to, ok := s["$ref"].(string); ok {
			def, _ := defs[to[strings.LastIndex(to, "/")+1:]].(map[string]any)
			walk(def, at)
			return
		}
		if items, ok := s["items"].(map[string]any); ok {
			walk(items, at)
			return
		}
		properties, _ := s["properties"].(map[string]any)
		for name, sub := range properties {
			path := strings.TrimPrefix(at+"."+name, ".")
			if !seen[path] {
				seen[path] = true
				paths = append(paths, path)
			}
			one, _ := sub.(map[string]any)
			walk(one, path)
		}
	}
	for _, typ := range everyType() {
		walk(read(string(typ)+".json"), "")
	}
	require.Greater(t, len(paths), 80)
	return paths
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// The way of one sighting from the lane to its announcement: rules, suppression, envelope, judgement.
func BenchmarkJudge(b *testing.B) {
	for name, rules := range map[string]domain.Announce{
		"plain":    {},
		"segments": {Segments: []domain.Filter{{Field: "company.name", Op: domain.Exists}}},
	} {
		b.Run(name, func(b *testing.B) {
			o := newOffice(rules)
			o.suppressed = func(identity.Subject) bool { return false }
			deps := o.deps()
			s := sighting(11)
			for range 4 {
				s.Visit.Pages = append(s.Visit.Pages, s.Visit.Pages[0])
			}
			b.ReportAllocs()
			for b.Loop() {
				steps := delivery.NewJudge(key, fence, deps).Sighted(noon, s)
				if d, ok := steps[0].(delivery.Decide); !ok || len(d.Judgement.Announce) != 1 {
					b.Fatal("it is a first match")
				}
			}
		})
	}
}
