package ghl_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/ghl"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/stretchr/testify/require"
)

func open(t testing.TB) source.Inbound {
	t.Helper()
	s, err := ghl.Open(domain.Source{ID: "ghl", Kind: ghl.Kind})
	require.NoError(t, err)
	return s
}

// parse reads a body that must be good.
func parse(t *testing.T, body string) (source.Draft, domain.Contact) {
	t.Helper()
	drafts, err := open(t).Parse([]byte(body))
	require.NoError(t, err)
	require.Len(t, drafts, 1)
	contact, err := domain.ParseContact(drafts[0].Contact)
	require.NoError(t, err)
	return drafts[0], contact
}

func TestParse_ReadsAContact(t *testing.T) {
	t.Parallel()
	d, contact := parse(t, usual)
	require.Equal(t, "ve9EPM428h8vShlRW1KT", d.Tenant)
	require.Zero(t, d.Cut)
	require.Equal(t, domain.Event{
		Source: "ghl", ID: "7c2f1d1a-5f7e-4a0a-9a7b-0d0a4e6f9b11", Type: "ContactCreate", Effect: domain.Open,
		Lead: "ghl-nmFmQEsNgz6AVpgLVUJ0", Contact: d.Contact, Body: []byte(usual),
		OccurredAt: time.Date(2026, 11, 22, 10, 15, 30, 456e6, time.UTC),
	}, d.Event)
	require.Equal(t, domain.Contact{
		FirstName: "John", LastName: "Deo", Name: "John Deo", Email: "john.deo@example.com", Phone: "+18832327657",
		Company: "Loan service", Address: "3535 1st St N", City: "ruDsb", State: "AL", PostalCode: "35061", Country: "US",
		Website: "https://www.example.com/", Channel: "facebook lead form", Tags: []string{"id magna sed", "Dolor", "hot über"},
		Fields: map[string]string{"BcdmQEsNgz6AVpgLVUJ0": "XYZ Corp", "AcdmQEsNgz6AVpgLVUJ1": "42", "CcdmQEsNgz6AVpgLVUJ2": `["a","b"]`},
	}, contact)
}

// Both shapes of one event are the same event but for their bodies.
func TestParse_ReadsBothShapes(t *testing.T) {
	t.Parallel()
	flat, _ := parse(t, `{"type":"ContactUpdate","webhookId":"w1","timestamp":"2026-11-22T10:00:00Z","locationId":"L","id":"c1","email":"a@b.c"}`)
	for why, body := range map[string]string{
		"everything the type adds is nested": `{"type":"ContactUpdate","webhookId":"w1","timestamp":"2026-11-22T10:00:00Z","data":{"locationId":"L","id":"c1","email":"a@b.c"}}`,
		"the location stays outside":         `{"type":"ContactUpdate","webhookId":"w1","timestamp":"2026-11-22T10:00:00Z","locationId":"L","data":{"id":"c1","email":"a@b.c"}}`,
		"all is nested":                      `{"data":{"type":"ContactUpdate","webhookId":"w1","timestamp":"2026-11-22T10:00:00Z","locationId":"L","id":"c1","email":"a@b.c"}}`,
		"data that is no object is no shape": `{"type":"ContactUpdate","webhookId":"w1","timestamp":"2026-11-22T10:00:00Z","locationId":"L","id":"c1","email":"a@b.c","data":null}`,
	} {
		nested, _ := parse(t, body)
		nested.Body = flat.Body
		require.Equal(t, flat, nested, why)
	}
	outer, _ := parse(t, `{"type":"ContactUpdate","id":"the-event","locationId":"L","data":{"id":"c1"}}`)
	require.Equal(t, domain.LeadID("ghl-c1"), outer.Lead, "nested, the contact's id is the inner one")
}

func TestParse_KnowsWhatATypeMayDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		kind   string
		rest   string
		effect domain.Effect
		lead   domain.LeadID
	}{
		{"ContactCreate", `"id":"c1"`, domain.Open, "ghl-c1"},
		{"ContactUpdate", `"id":"c1"`, domain.Open, "ghl-c1"},
		{"ContactTagUpdate", `"id":"c1"`, domain.Open, "ghl-c1"},
		{"ContactDndUpdate", `"id":"c1"`, domain.Open, "ghl-c1"},
		{"ContactDelete", `"id":"c1"`, domain.Amend, "ghl-c1"},
		{"OpportunityCreate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityUpdate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityStageUpdate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityStatusUpdate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityMonetaryValueUpdate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityAssignedToUpdate", `"id":"o1","contactId":"c1"`, domain.Open, "ghl-c1"},
		{"OpportunityDelete", `"id":"o1","contactId":"c1"`, domain.Amend, "ghl-c1"},
		{"AppointmentCreate", `"appointment":{"id":"a1","contactId":"c1"}`, domain.Record, ""},
		{"InboundMessage", `"contactId":"c1","body":"hi"`, domain.Record, ""},
		{"OutboundMessage", `"contactId":"c1"`, domain.Record, ""},
		{"INSTALL", `"appId":"x"`, domain.Record, ""},
		{"UNINSTALL", `"appId":"x"`, domain.Record, ""},
		{"NobodyKnowsThisType", `"id":7`, domain.Record, ""},
	} {
		d, _ := parse(t, fmt.Sprintf(`{"type":%q,"locationId":"L","webhookId":"w",%s}`, row.kind, row.rest))
		require.Equal(t, row.effect, d.Effect, row.kind)
		require.Equal(t, row.lead, d.Lead, row.kind)
		require.Equal(t, row.kind, d.Type)
		if row.effect == domain.Record || row.kind == "OpportunityDelete" {
			require.JSONEq(t, `{}`, string(d.Contact), "%s says nothing of the contact", row.kind)
		}
	}
}

func TestParse_ReadsAnOpportunity(t *testing.T) {
	t.Parallel()
	_, contact := parse(t, `{"type":"OpportunityStatusUpdate","locationId":"L","id":"o1","contactId":"c1","name":"Roof, 40 m²","status":"won","monetaryValue":1234.5,"source":"form"}`)
	require.Equal(t, domain.Contact{Opportunity: "Roof, 40 m²", Status: "won", Value: 1234.5, Channel: "form"}, contact)
	for value, want := range map[string]struct {
		value float64
		cut   int
	}{
		`"99.5"`: {99.5, 0}, `null`: {0, 0}, `1e999`: {0, 1}, `"NaN"`: {0, 1}, `"Inf"`: {0, 1}, `{}`: {0, 1}, `"lots"`: {0, 1},
	} {
		d, contact := parse(t, `{"type":"OpportunityUpdate","locationId":"L","id":"o1","contactId":"c1","monetaryValue":`+value+`}`)
		require.Equal(t, want.value, contact.Value, value)
		require.Equal(t, want.cut, d.Cut, value)
	}
}

func TestParse_MarksADeletedContact(t *testing.T) {
	t.Parallel()
	_, contact := parse(t, `{"type":"ContactDelete","locationId":"L","id":"c1"}`)
	require.Equal(t, domain.Contact{Status: "deleted"}, contact)
}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, row := range []struct {
		why, body, field, rule string
	}{
		{"nothing at all", ``, "", source.JSON},
		{"half a body", `{"type":"ContactCreate"`, "", source.JSON},
		{"a form", `type=ContactCreate&id=1`, "", source.JSON},
		{"data behind the event", `{"type":"ContactCreate","locationId":"L","id":"c"}{}`, "", source.JSON},
		{"an array", `[{"type":"ContactCreate"}]`, "", source.Type},
		{"a string", `"ContactCreate"`, "", source.Type},
		{"null", `null`, "", source.Type},
		{"bytes that are no UTF-8", "{\"type\":\"ContactCreate\",\"name\":\"\xff\"}", "", source.UTF8},
		{"a contact with two ids", `{"type":"ContactCreate","locationId":"L","id":"c1","id":"c2"}`, "id", source.Duplicate},
		{"a duplicate in a field nobody reads", `{"type":"ContactCreate","locationId":"L","id":"c1","x":{"y":1,"y":1}}`, "y", source.Duplicate},
		{"nested too deep", `{"type":"ContactCreate","locationId":"L","id":"c1","x":` + deep + `}`, "", source.Depth},
		{"too many values", `{"type":"ContactCreate","locationId":"L","id":"c1","x":[` + strings.Repeat("1,", 20000) + `1]}`, "", source.Count},
		{"no type", `{"locationId":"L","id":"c1"}`, "type", source.Required},
		{"an empty type", `{"type":"","locationId":"L","id":"c1"}`, "type", source.Required},
		{"a type that is a number", `{"type":1,"locationId":"L","id":"c1"}`, "type", source.Type},
		{"a type with spaces", `{"type":"Contact Create","locationId":"L","id":"c1"}`, "type", source.Form},
		{"a type of a thousand letters", `{"type":"` + strings.Repeat("x", 1000) + `","locationId":"L"}`, "type", source.Form},
		{"nobody's event", `{"type":"ContactCreate","id":"c1"}`, "locationId", source.Required},
		{"a location that is a number", `{"type":"ContactCreate","locationId":7,"id":"c1"}`, "locationId", source.Type},
		{"a company that is a list", `{"type":"INSTALL","companyId":["x"]}`, "companyId", source.Type},
		{"a contact without an id", `{"type":"ContactCreate","locationId":"L"}`, "id", source.Required},
		{"a contact whose id is null", `{"type":"ContactCreate","locationId":"L","id":null}`, "id", source.Required},
		{"a contact whose id is a number", `{"type":"ContactCreate","locationId":"L","id":12}`, "id", source.Type},
		{"an opportunity without a contact", `{"type":"OpportunityCreate","locationId":"L","id":"o1"}`, "contactId", source.Required},
		{"an opportunity whose contact is an object", `{"type":"OpportunityCreate","locationId":"L","id":"o1","contactId":{}}`, "contactId", source.Type},
		{"an event id that is a number", `{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":1}`, "webhookId", source.Type},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			drafts, err := open(t).Parse([]byte(row.body))
			require.Empty(t, drafts)
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.Invalid, e.Code)
			require.Equal(t, row.field, e.Field)
			var rule source.Rule
			require.ErrorAs(t, err, &rule)
			require.Equal(t, row.rule, rule.Name)
			require.Contains(t, source.Rules(), rule.Name, "its counter is born at zero")
			require.NotEmpty(t, rule.Detail)
		})
	}
}

// A refusal is a lost lead, so what is merely odd is taken as far as it goes, and counted.
func TestParse_TakesWhatIsOdd(t *testing.T) {
	t.Parallel()
	base := `{"type":"ContactCreate","locationId":"L","id":"c1",`
	long := strings.Repeat("ü", 400) // 800 bytes
	for _, row := range []struct {
		why, rest string
		cut       int
		check     func(c domain.Contact) any
		want      any
	}{
		{"a number where text was", `"postalCode":35061`, 0, func(c domain.Contact) any { return c.PostalCode }, "35061"},
		{"null where text was", `"email":null`, 0, func(c domain.Contact) any { return c.Email }, ""},
		{"an object where text was", `"website":{"url":"x"}`, 1, func(c domain.Contact) any { return c.Website }, ""},
		{"space around text", `"name":"  Zoë "`, 0, func(c domain.Contact) any { return c.Name }, "Zoë"},
		{"text that is too long is cut between characters", `"name":"` + long + `"`, 1, func(c domain.Contact) any { return c.Name }, strings.Repeat("ü", 254) + "…"},
		{"a NUL, which Postgres keeps nowhere", `"name":"a\u0000b"`, 0, func(c domain.Contact) any { return c.Name }, "a\uFFFDb"},
		{"half an emoji", `"name":"a\ud83d"`, 0, func(c domain.Contact) any { return c.Name }, "a\uFFFD"},
		{"tags that are text", `"tags":"a,b"`, 0, func(c domain.Contact) any { return len(c.Tags) }, 0},
		{"a tag that is an object", `"tags":["a",{},"b"]`, 1, func(c domain.Contact) any { return c.Tags }, []string{"a", "b"}},
		{"tags without end", `"tags":["t"` + strings.Repeat(`,"t"`, 99) + `]`, 1, func(c domain.Contact) any { return len(c.Tags) }, 64},
		{"a custom field without an id", `"customFields":[{"value":"x"},{"id":"f","value":"y"}]`, 1, func(c domain.Contact) any { return c.Fields }, map[string]string{"f": "y"}},
		{"a custom field that was emptied", `"customFields":[{"id":"f","value":null}]`, 0, func(c domain.Contact) any { return c.Fields }, map[string]string{"f": ""}},
		{"a custom field that is a truth", `"customFields":[{"id":"f","value":true}]`, 0, func(c domain.Contact) any { return c.Fields }, map[string]string{"f": "true"}},
		{"custom fields that are no list", `"customFields":{"f":1}`, 0, func(c domain.Contact) any { return len(c.Fields) }, 0},
		{"elements that are no custom fields", `"customFields":[1,"x",null]`, 3, func(c domain.Contact) any { return len(c.Fields) }, 0},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d, contact := parse(t, base+row.rest+`}`)
			require.Equal(t, row.want, row.check(contact))
			require.Equal(t, row.cut, d.Cut)
		})
	}
}

// An empty list of tags is news: the last one was taken away. No list says nothing.
func TestParse_TellsNoTagsFromNoWord(t *testing.T) {
	t.Parallel()
	base := `{"type":"ContactTagUpdate","locationId":"L","id":"c1"`
	before := domain.Contact{Tags: []string{"hot"}}
	_, silent := parse(t, base+`}`)
	require.Equal(t, []string{"hot"}, before.Merge(silent).Tags)
	_, emptied := parse(t, base+`,"tags":[]}`)
	require.Empty(t, before.Merge(emptied).Tags)
}

func TestParse_NamesEvents(t *testing.T) {
	t.Parallel()
	id := func(body string) (domain.EventID, bool) {
		d, _ := parse(t, body)
		require.True(t, domain.CheckForeignID(string(d.ID)), d.ID)
		return d.ID, d.WeakID
	}
	named, weak := id(`{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":"w-1"}`)
	require.Equal(t, domain.EventID("w-1"), named)
	require.False(t, weak)

	odd, weak := id(`{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":"a/b c"}`)
	require.Regexp(t, `^sha256-[0-9a-f]{64}$`, odd)
	require.False(t, weak, "it is still the source's own id")
	again, _ := id(`{"type":"ContactUpdate","locationId":"M","id":"c2","webhookId":"a/b c"}`)
	require.Equal(t, odd, again, "the same id has the same hash, whatever is around it")
	other, _ := id(`{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":"a/b d"}`)
	require.NotEqual(t, odd, other)
	long, _ := id(`{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":"` + strings.Repeat("w", 201) + `"}`)
	require.Regexp(t, `^sha256-`, long)

	body := `{"type":"ContactCreate","locationId":"L","id":"c1","timestamp":"2026-11-22T10:00:00Z"}`
	first, weak := id(body)
	require.True(t, weak)
	require.Regexp(t, `^weak-[0-9a-f]{64}$`, first)
	repeat, _ := id(body)
	require.Equal(t, first, repeat, "a byte-for-byte repeat is the same event")
	later, _ := id(strings.Replace(body, "10:00", "10:01", 1))
	require.NotEqual(t, first, later)
	empty, weak := id(`{"type":"ContactCreate","locationId":"L","id":"c1","webhookId":""}`)
	require.True(t, weak)
	require.Regexp(t, `^weak-`, empty)
}

func TestParse_NamesLeads(t *testing.T) {
	t.Parallel()
	lead := func(id string) domain.LeadID {
		quoted, err := json.Marshal(id)
		require.NoError(t, err)
		d, _ := parse(t, `{"type":"ContactCreate","locationId":"L","id":`+string(quoted)+`}`)
		require.True(t, domain.CheckForeignID(string(d.Lead)), d.Lead)
		return d.Lead
	}
	require.Equal(t, domain.LeadID("ghl-c1"), lead("c1"))
	require.Regexp(t, `^ghl-sha256-[0-9a-f]{64}$`, lead("c/1"))
	require.Equal(t, lead("c/1"), lead("c/1"))
	require.NotEqual(t, lead("c/1"), lead("c/2"))
	require.Equal(t, domain.LeadID("ghl-"+strings.Repeat("c", 196)), lead(strings.Repeat("c", 196)))
	require.Regexp(t, `^ghl-sha256-`, lead(strings.Repeat("c", 197)), "with its prefix it would be too long")
}

// The sender's clock is a hint: what cannot be read is no time at all.
func TestParse_ReadsTimes(t *testing.T) {
	t.Parallel()
	ten := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for rest, want := range map[string]time.Time{
		`"timestamp":"2026-11-22T10:00:00Z"`:                      ten,
		`"timestamp":"2026-11-22T12:00:00+02:00"`:                 ten,
		`"dateUpdated":"2026-11-22T10:00:00.000Z"`:                ten,
		`"timestamp":"soon","dateUpdated":"2026-11-22T10:00:00Z"`: ten,
		`"timestamp":1763805600`:                                  {},
		`"timestamp":"0001-01-01T00:00:00Z"`:                      {},
		`"timestamp":"9999-01-01T00:00:00Z"`:                      {},
		`"x":1`:                                                   {},
	} {
		d, _ := parse(t, `{"type":"ContactCreate","locationId":"L","id":"c1",`+rest+`}`)
		require.Equal(t, want, d.OccurredAt, rest)
	}
}

// A source is used by all requests at once.
func TestParse_AtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	done := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for n := range 200 {
				id := fmt.Sprintf("c%d-%d", i, n)
				drafts, e := s.Parse([]byte(`{"type":"ContactCreate","locationId":"L","id":"` + id + `","name":"` + id + `"}`))
				if e != nil || drafts[0].Lead != domain.LeadID("ghl-"+id) || !strings.Contains(string(drafts[0].Contact), `"`+id+`"`) {
					err = fmt.Errorf("event %s came out as %v, %w", id, drafts, e)
				}
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}

// Whatever a body holds, a draft that comes of it can be stored.
func FuzzParse(f *testing.F) {
	f.Add([]byte(usual))
	f.Add([]byte(`{"type":"OpportunityUpdate","webhookId":"a/b","data":{"locationId":"L","contactId":"c\u0000","monetaryValue":"1e5"}}`))
	f.Add([]byte(`{"type":"ContactDelete","locationId":"L","id":"\ud83d","tags":[],"customFields":[{"id":"\u0000","value":{}}]}`))
	s, err := ghl.Open(domain.Source{ID: "ghl", Kind: ghl.Kind})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		drafts, err := s.Parse(body)
		if err != nil {
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
			var rule source.Rule
			require.ErrorAs(t, err, &rule)
			require.Contains(t, source.Rules(), rule.Name)
			return
		}
		require.Len(t, drafts, 1)
		d := drafts[0]
		require.True(t, domain.CheckForeignID(string(d.ID)))
		require.True(t, domain.CheckID(d.Type))
		require.NotEmpty(t, d.Tenant)
		require.Equal(t, d.Effect == domain.Record, d.Lead == "")
		require.True(t, d.Lead == "" || domain.CheckForeignID(string(d.Lead)))
		require.NotContains(t, string(d.Contact), `\u0000`)
		_, err = domain.ParseContact(d.Contact)
		require.NoError(t, err)
		again, err := s.Parse(body)
		require.NoError(t, err)
		require.Equal(t, d, again[0], "the same body is the same event")
	})
}
