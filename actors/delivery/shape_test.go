package delivery_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/segment"
)

// The preset, of a person, of a company, and of a CRM's lead.
func TestShape_Preset(t *testing.T) {
	t.Parallel()
	shape, err := delivery.NewShape(domain.Shape{ID: "old", Preset: "rb2b"})
	require.NoError(t, err)
	require.Equal(t, []string{"rb2b"}, delivery.Presets())
	all := envelopes(t)
	for _, name := range []string{"visitor.identified", "visitor.identified.company", "lead.assigned"} {
		out, err := shape.Apply(all[name].Payload)
		require.NoError(t, err)
		var pretty bytes.Buffer
		require.NoError(t, json.Indent(&pretty, out, "", "  "))
		pretty.WriteByte('\n')
		golden(t, "rb2b."+name+".json", pretty.Bytes())
	}
}

func TestShape_Apply(t *testing.T) {
	t.Parallel()
	const envelope = `{"id":"1","person":{"first_name":"Ada","phones":["+1","+2"],"city":""},"company":{"employee_count":120},
		"visit":{"duration_seconds":42.125,"pages":[{"path":"/a","url":"https://x.example/a?b=1&c=2"},{"path":"/b"}]},"hems":[]}`
	for sentence, row := range map[string]struct {
		shape domain.Shape
		want  string
	}{
		"fields by their names, in alphabetical order":  {domain.Shape{Fields: map[string]string{"Who": "person.first_name", "Id": "id"}}, `{"Id":"1","Who":"Ada"}`},
		"numbers keep their digits":                     {domain.Shape{Fields: map[string]string{"n": "company.employee_count", "d": "visit.duration_seconds"}}, `{"d":42.125,"n":120}`},
		"what is not there is null":                     {domain.Shape{Fields: map[string]string{"t": "person.title"}}, `{"t":null}`},
		"what is empty is null":                         {domain.Shape{Fields: map[string]string{"c": "person.city", "h": "hems.md5"}}, `{"c":null,"h":null}`},
		"the first that says something":                 {domain.Shape{Fields: map[string]string{"c": "person.city|company.city | person.first_name"}}, `{"c":"Ada"}`},
		"a list as it is":                               {domain.Shape{Fields: map[string]string{"p": "person.phones"}}, `{"p":["+1","+2"]}`},
		"a list of what its elements say":               {domain.Shape{Fields: map[string]string{"u": "visit.pages.path"}}, `{"u":["/a","/b"]}`},
		"elements that say nothing are left out":        {domain.Shape{Fields: map[string]string{"u": "visit.pages.url"}}, `{"u":["https://x.example/a?b=1&c=2"]}`},
		"a part of the envelope":                        {domain.Shape{Fields: map[string]string{"c": "company"}}, `{"c":{"employee_count":120}}`},
		"left out of the envelope":                      {domain.Shape{Omit: []string{"person", "visit", "hems"}}, `{"company":{"employee_count":120},"id":"1"}`},
		"left out of every element":                     {domain.Shape{Omit: []string{"person", "visit.pages.url", "hems", "company"}}, `{"id":"1","visit":{"duration_seconds":42.125,"pages":[{"path":"/a"},{"path":"/b"}]}}`},
		"left out, whatever else says it goes":          {domain.Shape{Fields: map[string]string{"p": "person.phones", "all": "person"}, Omit: []string{"person.phones"}}, `{"all":{"city":"","first_name":"Ada"},"p":null}`},
		"leaving out what is not there changes nothing": {domain.Shape{Fields: map[string]string{"id": "id"}, Omit: []string{"contact.email", "lead.id"}}, `{"id":"1"}`},
	} {
		shape, err := delivery.NewShape(row.shape)
		require.NoError(t, err, sentence)
		out, err := shape.Apply(json.RawMessage(envelope))
		require.NoError(t, err, sentence)
		require.Equal(t, row.want, string(out), sentence)
	}
	shape, err := delivery.NewShape(domain.Shape{ID: "plain"})
	require.NoError(t, err)
	out, err := shape.Apply(json.RawMessage(envelope))
	require.NoError(t, err)
	require.Equal(t, envelope, string(out), "a shape that says nothing changes nothing")
	require.Empty(t, shape.Fields())
}

func TestNewShape_Refuses(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 201 {
		many[strings.Repeat("x", 1+i%90)+strings.Repeat("y", i/90)] = "id"
	}
	for sentence, row := range map[string]struct {
		shape domain.Shape
		field string
	}{
		"a preset nobody made":      {domain.Shape{Preset: "rb3b"}, "preset"},
		"a preset out of its place": {domain.Shape{Preset: "../presets/rb2b"}, "preset"},
		"fields beside a preset":    {domain.Shape{Preset: "rb2b", Fields: map[string]string{"a": "id"}}, "fields"},
		"a path that is none":       {domain.Shape{Fields: map[string]string{"a": "person.shoe_size"}}, "fields.a"},
		"a choice with one missing": {domain.Shape{Fields: map[string]string{"a": "person.title|"}}, "fields.a"},
		"a field without a name":    {domain.Shape{Fields: map[string]string{"": "id"}}, "fields"},
		"a name too long":           {domain.Shape{Fields: map[string]string{strings.Repeat("a", 101): "id"}}, "fields"},
		"too many fields":           {domain.Shape{Fields: many}, "fields"},
		"an omission misspelt":      {domain.Shape{Omit: []string{"person.phones", "person.fones"}}, "omit[1]"},
		"too many omissions":        {domain.Shape{Omit: make([]string, 101)}, "omit"},
	} {
		_, err := delivery.NewShape(row.shape)
		var fault *domain.Error
		require.ErrorAs(t, err, &fault, sentence)
		require.Equal(t, domain.Invalid, fault.Code, sentence)
		require.Equal(t, row.field, fault.Field, sentence)
	}
}

// Whatever an envelope holds: no panic, JSON comes out, the same each time, and nothing of what is left out.
func FuzzShape_Apply(f *testing.F) {
	f.Add(`{"id":"1","person":{"first_name":"Ada","phones":["+1"]},"visit":{"pages":[{"url":"u"},[{"url":"v"}],null]}}`)
	f.Add(`{"person":[{"phones":"secret"},{"phones":{"a":"secret"}}],"visit":{"pages":{"url":1e400}}}`)
	f.Add(`[]`)
	f.Add(`{"a":1,"a":2}`)
	mapped, err := delivery.NewShape(domain.Shape{
		Fields: map[string]string{"a": "person", "b": "visit.pages.url|id", "c": "person.phones"}, Omit: []string{"person.phones", "visit.pages.title"},
	})
	require.NoError(f, err)
	omits, err := delivery.NewShape(domain.Shape{Omit: []string{"person.phones", "visit.pages.title"}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, envelope string) {
		for _, shape := range []*delivery.Shape{mapped, omits} {
			out, err := shape.Apply(json.RawMessage(envelope))
			if err != nil {
				require.Equal(t, domain.Invalid, domain.CodeOf(err))
				continue
			}
			again, err := shape.Apply(json.RawMessage(envelope))
			require.NoError(t, err)
			require.Equal(t, string(out), string(again))
			read, err := segment.ParseRecord(out) // into a struct, "A" would be read as "a", and 1e400 not at all
			require.NoError(t, err)
			for _, name := range []string{"person", "a"} {
				if person, ok := read[name].(map[string]any); ok {
					require.NotContains(t, person, "phones")
				}
			}
			if shape == mapped {
				require.Nil(t, read["c"])
			}
		}
	})
}

func BenchmarkShape(b *testing.B) {
	shape, err := delivery.NewShape(domain.Shape{Preset: "rb2b", Omit: []string{"person.phones"}})
	require.NoError(b, err)
	o := newOffice(domain.Announce{})
	steps := delivery.NewJudge(key, fence, o.deps()).Sighted(noon, sighting(1))
	envelope := steps[0].(delivery.Decide).Judgement.Announce[0].Payload
	b.ReportAllocs()
	for b.Loop() {
		if _, err := shape.Apply(envelope); err != nil {
			b.Fatal(err)
		}
	}
}
