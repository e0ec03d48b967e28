package segment_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/segment"
)

func number(n float64) *float64 { return &n }

const someone = `{
	"person": {"first_name": "Ada", "state": "CA", "phones": ["+14155550100", "+442071838750"], "title": ""},
	"company": {"name": "Ünited Pumps", "employee_count": 120, "revenue_range": "50", "public": true, "founded": 1999.0},
	"visit": {"pages": [{"path": "/pricing", "duration_seconds": 12.5}, {"path": "/docs"}], "utm": {}, "clicks": []},
	"contact": {"fields": {"roof.type": "tile", "roof": "flat"}, "value": null},
	"event": {"count": 0, "is_repeat_visit": false}
}`

func TestMatch(t *testing.T) {
	t.Parallel()
	record, err := segment.ParseRecord([]byte(someone))
	require.NoError(t, err)
	for sentence, row := range map[string]struct {
		filter domain.Filter
		want   bool
	}{
		"text equals, letter case aside":               {domain.Filter{Field: "person.first_name", Op: domain.Equals, Value: "ADA"}, true},
		"beyond ASCII too":                             {domain.Filter{Field: "company.name", Op: domain.Equals, Value: "üNITED pumps"}, true},
		"text that is longer is not equal":             {domain.Filter{Field: "person.first_name", Op: domain.Equals, Value: "Ad"}, false},
		"a number equals as a number":                  {domain.Filter{Field: "company.employee_count", Op: domain.Equals, Value: "120.0"}, true},
		"text that looks like a number equals as text": {domain.Filter{Field: "company.revenue_range", Op: domain.Equals, Value: "50.0"}, false},
		"a truth equals by its word":                   {domain.Filter{Field: "company.public", Op: domain.Equals, Value: "true"}, true},
		"an object equals nothing":                     {domain.Filter{Field: "person", Op: domain.Equals, Value: "Ada"}, false},
		"one of the values":                            {domain.Filter{Field: "person.state", Op: domain.In, Values: []string{"NY", "ca"}}, true},
		"none of the values":                           {domain.Filter{Field: "person.state", Op: domain.In, Values: []string{"NY", "C"}}, false},
		"in a range, its ends included":                {domain.Filter{Field: "company.employee_count", Op: domain.Range, Min: number(120), Max: number(120)}, true},
		"under a range":                                {domain.Filter{Field: "company.employee_count", Op: domain.Range, Min: number(121)}, false},
		"over a range":                                 {domain.Filter{Field: "company.employee_count", Op: domain.Range, Max: number(119)}, false},
		"text that is a number is in a range":          {domain.Filter{Field: "company.revenue_range", Op: domain.Range, Min: number(10)}, true},
		"text that is none is in no range":             {domain.Filter{Field: "company.name", Op: domain.Range, Min: number(math.Inf(-1))}, false},
		"a beginning":                                  {domain.Filter{Field: "person.phones", Op: domain.Prefix, Value: "+1"}, true},
		"a later element of a list":                    {domain.Filter{Field: "person.phones", Op: domain.Prefix, Value: "+44"}, true},
		"no element of a list":                         {domain.Filter{Field: "person.phones", Op: domain.Prefix, Value: "+49"}, false},
		"a beginning longer than the text":             {domain.Filter{Field: "person.state", Op: domain.Prefix, Value: "CALIFORNIA"}, false},
		"inside the objects of a list":                 {domain.Filter{Field: "visit.pages.path", Op: domain.Equals, Value: "/docs"}, true},
		"one element by its place":                     {domain.Filter{Field: "visit.pages.1.path", Op: domain.Equals, Value: "/pricing"}, false},
		"an element past the end":                      {domain.Filter{Field: "visit.pages.7.path", Op: domain.Exists}, false},
		"a field that is there":                        {domain.Filter{Field: "person.state", Op: domain.Exists}, true},
		"zero and false are there":                     {domain.Filter{Field: "event.count", Op: domain.Exists}, true},
		"a field that is not":                          {domain.Filter{Field: "person.city", Op: domain.Exists}, false},
		"empty text is not there":                      {domain.Filter{Field: "person.title", Op: domain.Exists}, false},
		"nor an empty list":                            {domain.Filter{Field: "visit.clicks", Op: domain.Exists}, false},
		"nor an empty object":                          {domain.Filter{Field: "visit.utm", Op: domain.Exists}, false},
		"nor null":                                     {domain.Filter{Field: "contact.value", Op: domain.Exists}, false},
		"an object that says something is there":       {domain.Filter{Field: "visit", Op: domain.Exists}, true},
		"a name with a dot in it":                      {domain.Filter{Field: "contact.fields.roof.type", Op: domain.Equals, Value: "tile"}, true},
		"a path through text leads nowhere":            {domain.Filter{Field: "person.state.code", Op: domain.Exists}, false},
		"not equal":                                    {domain.Filter{Field: "person.state", Op: domain.Equals, Value: "NY", Not: true}, true},
		"what is not there is not equal either":        {domain.Filter{Field: "person.city", Op: domain.Equals, Value: "Reno", Not: true}, true},
		"not, of a list: no element is":                {domain.Filter{Field: "person.phones", Op: domain.Prefix, Value: "+1", Not: true}, false},
		"an operation nobody knows holds nothing":      {domain.Filter{Field: "person.state", Op: "like", Value: "CA"}, false},
	} {
		require.Equal(t, row.want, segment.Match([]domain.Filter{row.filter}, record), sentence)
	}
}

// All filters have to hold, and no filter is no condition.
func TestMatch_All(t *testing.T) {
	t.Parallel()
	record := segment.Record{"a": "1", "n": 5, "list": []string{"x", ""}, "deep": segment.Record{"f": 2.5}, "big": int64(1 << 60)}
	holds := domain.Filter{Field: "a", Op: domain.Exists}
	fails := domain.Filter{Field: "b", Op: domain.Exists}
	require.True(t, segment.Match(nil, record))
	require.True(t, segment.Match([]domain.Filter{holds, holds}, record))
	require.False(t, segment.Match([]domain.Filter{holds, fails}, record))
	require.False(t, segment.Match([]domain.Filter{fails, holds}, record))
	for _, f := range []domain.Filter{ // records that Go code makes, beside those that JSON does
		{Field: "n", Op: domain.Range, Min: number(5), Max: number(5)},
		{Field: "list", Op: domain.Equals, Value: "X"},
		{Field: "deep.f", Op: domain.Equals, Value: "2.5"},
		{Field: "big", Op: domain.Equals, Value: "1152921504606846976"},
	} {
		require.True(t, segment.Match([]domain.Filter{f}, record), f.Field)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for sentence, row := range map[string]struct {
		filter domain.Filter
		field  string // at fault; "": none
	}{
		"equals needs a value":           {domain.Filter{Field: "a", Op: domain.Equals}, "value"},
		"equals with a value":            {domain.Filter{Field: "a", Op: domain.Equals, Value: "x"}, ""},
		"prefix with values":             {domain.Filter{Field: "a", Op: domain.Prefix, Value: "x", Values: []string{"y"}}, "values"},
		"in needs values":                {domain.Filter{Field: "a", Op: domain.In}, "values"},
		"in with an empty value":         {domain.Filter{Field: "a", Op: domain.In, Values: []string{"x", ""}}, "values[1]"},
		"in with a single value's field": {domain.Filter{Field: "a", Op: domain.In, Value: "x"}, "value"},
		"in with too many":               {domain.Filter{Field: "a", Op: domain.In, Values: make([]string, segment.MaxValues+1)}, "values"},
		"range needs an end":             {domain.Filter{Field: "a", Op: domain.Range}, "min"},
		"range from below":               {domain.Filter{Field: "a", Op: domain.Range, Min: number(1)}, ""},
		"range upside down":              {domain.Filter{Field: "a", Op: domain.Range, Min: number(2), Max: number(1)}, "max"},
		"range from no number":           {domain.Filter{Field: "a", Op: domain.Range, Min: number(math.NaN())}, "min"},
		"range to no number":             {domain.Filter{Field: "a", Op: domain.Range, Max: number(math.NaN())}, "max"},
		"exists needs nothing":           {domain.Filter{Field: "a", Op: domain.Exists, Not: true}, ""},
		"exists with an end":             {domain.Filter{Field: "a", Op: domain.Exists, Max: number(1)}, "max"},
		"exists with a beginning":        {domain.Filter{Field: "a", Op: domain.Exists, Min: number(1)}, "min"},
		"no field":                       {domain.Filter{Op: domain.Exists}, "field"},
		"a field too long":               {domain.Filter{Field: strings.Repeat("a", segment.MaxField+1), Op: domain.Exists}, "field"},
		"a value too long":               {domain.Filter{Field: "a", Op: domain.Equals, Value: strings.Repeat("a", segment.MaxValue+1)}, "value"},
		"an operation nobody knows":      {domain.Filter{Field: "a", Op: "like", Value: "x"}, "op"},
	} {
		err := segment.Check(row.filter)
		if row.field == "" {
			require.NoError(t, err, sentence)
			continue
		}
		var fault *domain.Error
		require.ErrorAs(t, err, &fault, sentence)
		require.Equal(t, domain.Invalid, fault.Code, sentence)
		require.Equal(t, row.field, fault.Field, sentence)
	}
}

func TestParseRecord_RefusesOtherJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[1]", `"a"`, `{"a":`} {
		_, err := segment.ParseRecord([]byte(text))
		require.Equal(t, domain.Invalid, domain.CodeOf(err), text)
	}
}

// Whatever records and filters say: no panic, a filter and its opposite never agree, and what compares exists.
func FuzzMatch(f *testing.F) {
	f.Add(someone, "company.employee_count", "120", 1.0, 500.0)
	f.Add(someone, "visit.pages.0.path", "/pricing", 0.0, 0.0)
	f.Add(`{"a":[[1,["x"]],{"b.c":null}]}`, "a.1.b.c", "x", -1.0, 1.0)
	f.Add(`{"":{"":1}}`, ".", "1", 1.0, 1.0)
	f.Fuzz(func(t *testing.T, text, field, value string, low, high float64) {
		record, err := segment.ParseRecord([]byte(text))
		if err != nil {
			return
		}
		exists := segment.Match([]domain.Filter{{Field: field, Op: domain.Exists}}, record)
		for _, filter := range []domain.Filter{
			{Field: field, Op: domain.Exists},
			{Field: field, Op: domain.Equals, Value: value},
			{Field: field, Op: domain.In, Values: []string{value, field}},
			{Field: field, Op: domain.Prefix, Value: value},
			{Field: field, Op: domain.Range, Min: &low, Max: &high},
		} {
			holds := segment.Match([]domain.Filter{filter}, record)
			require.False(t, holds && !exists, "%s holds of what is not there", filter.Op)
			opposite := filter
			opposite.Not = true
			require.NotEqual(t, holds, segment.Match([]domain.Filter{opposite}, record), filter.Op)
			require.False(t, segment.Match([]domain.Filter{filter, opposite}, record))
		}
	})
}

// What a path yields are never lists, and never empty.
func FuzzValues(f *testing.F) {
	f.Add(someone, "visit.pages")
	f.Fuzz(func(t *testing.T, text, path string) {
		record, err := segment.ParseRecord([]byte(text))
		if err != nil {
			return
		}
		for v := range record.Values(path) {
			switch v := v.(type) {
			case string:
				require.NotEmpty(t, v)
			case map[string]any:
				require.NotEmpty(t, v)
			case bool, json.Number:
			default:
				t.Fatalf("%T", v)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	record, err := segment.ParseRecord([]byte(someone))
	require.NoError(b, err)
	filters := []domain.Filter{
		{Field: "company.employee_count", Op: domain.Range, Min: number(50), Max: number(500)},
		{Field: "person.state", Op: domain.In, Values: []string{"NY", "TX", "CA"}},
		{Field: "visit.pages.path", Op: domain.Prefix, Value: "/docs"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if !segment.Match(filters, record) {
			b.Fatal("it matches")
		}
	}
}
