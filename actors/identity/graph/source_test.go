package graph_test

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
)

// CSV and NDJSON say the same, and so build the same file.
func TestSource_CSVAndNDJSON(t *testing.T) {
	t.Parallel()
	_, csv, refused := build(t, inputs{
		persons: "\xef\xbb\xbfid,first_name,business_email,phones,visitors,clicks,hems,emails,company,seen_at\r\n" +
			`p-1,"Jane, ""J""",jane@acme.example,+14155550100;+1 415 555 0101,v-1; v-2,GCLID:EAIa,84059B07D4BE67B806386C0AAD8070A2,j.d+x@gmail.com,ACME.example.,2026-05-01` + "\r\n",
		companies: "domain,name,employee_count\nacme.example,Acme,120\n",
		networks:  "network,domain\n192.0.2.0/24,acme.example\n",
	})
	require.Empty(t, refused)
	_, ndjson, refused := build(t, inputs{
		persons: strings.ReplaceAll(`{"id":"p-1","first_name":"Jane, \"J\"","business_email":"jane@acme.example","phones":["+14155550100","+1 415 555 0101"],"visitors":["v-1","v-2"],
"clicks":[{"kind":"gclid","value":"EAIa"}],"hems":["84059b07d4be67b806386c0aad8070a2"],"emails":["j.d+x@gmail.com"],"company":"acme.example","seen_at":1777593600}`, "\n", ""),
		companies: `{"domain":"acme.example","name":"Acme","employee_count":120}`,
		networks:  `{"network":"192.0.2.0/24","domain":"acme.example"}`,
	})
	require.Empty(t, refused)
	require.Equal(t, csv.Info.Checksum, ndjson.Info.Checksum)
	require.EqualValues(t, 2+2+1+1+3+6, csv.Info.Keys, "visitors, phones, click, digest, an e-mail, another in two variants")
}

// Rows that cannot be taken are told with line, field and reason; the others are taken.
func TestSource_RefusesRowByRow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ field, reason string }{
		`{"id":"lead-1"}`: {"id", "must not begin"},
		`{"id":"hem-0123456789abcdef0123456789abcdef"}`: {"id", "must not begin"},
		`{"id":"a/b"}`:                                                     {"id", "must be 1 to 200"},
		`{"visitors":["v"]}`:                                               {"id", "must be 1 to 200"},
		`{"id":"p","business_email":"x"}`:                                  {"business_email", "e-mail"},
		`{"id":"p","personal_email":"x"}`:                                  {"personal_email", "e-mail"},
		`{"id":"p","emails":["x"]}`:                                        {"emails", "e-mail addresses, or"},
		`{"id":"p","hems":["xyz"]}`:                                        {"hems", "digests in hex"},
		`{"id":"p","hems":[{"variant":"lower"}]}`:                          {"hems", "a digest each"},
		`{"id":"p","hems":[{"md5":"84059b07d4be67b806386c0aad8070a2ff"}]}`: {"hems", "digests in hex"},
		`{"id":"p","hems":[{"variant":"u","md5":"84059b07d4be67b806386c0aad8070a2"}]}`: {"hems", "variants"},
		`{"id":"p","phones":["4155550100"]}`:                                           {"phones", "international"},
		`{"id":"p","visitors":["a b"]}`:                                                {"visitors", "must be 1 to 200"},
		`{"id":"p","clicks":["gclid"]}`:                                                {"clicks", "a kind and a value"},
		`{"id":"p","seen_at":"yesterday"}`:                                             {"seen_at", "must be a time"},
		`{"id":"p","first_name":"` + strings.Repeat("x", 1025) + `"}`:                  {"first_name", "1024 bytes"},
		`{"id":"p","first_name":7}`:                                                    {"first_name", "JSON number"},
		`{"id":"p","frist_name":"x"}`:                                                  {"", "unknown field"},
		`{"id":"p"} {"id":"q"}`:                                                        {"", "follows"},
		`{"id":"p"`:                                                                    {"", "no JSON object"},
		`{"id":"p","visitors":["` + strings.Repeat(`v","`, 300) + `"]}`:                {"id", "more than 256"},
		`{"id":"p","first_name":"` + strings.Repeat("x", 2<<20) + `"}`:                 {"", "longer than a row"},
	} {
		name := text[:min(len(text), 60)]
		f, sum, refused := build(t, inputs{persons: `{"id":"before"}` + "\n\n" + text + "\n" + `{"id":"after"}`})
		require.Len(t, refused, 1, name)
		require.Equal(t, graph.Refusal{File: "persons", Line: 3, Field: want.field, Reason: refused[0].Reason}, refused[0], name)
		require.Contains(t, refused[0].Reason, want.reason, name)
		require.EqualValues(t, 2, sum.Rows, name)
		require.EqualValues(t, 1, sum.Refused, name)
		for _, id := range []domain.PersonID{"before", "after"} {
			_, ok := f.Record(id)
			require.True(t, ok, name)
		}
	}
	for text, want := range map[string]struct{ field, reason string }{
		"10.0.0.1/8,a.example":    {"network", "10.0.0.0/8 is meant"},
		"10.0.0.0/33,a.example":   {"network", "must be a network"},
		"fe80::1%eth0,a.example":  {"network", "must be a network"},
		"10.0.0.0/8,localhost":    {"domain", "must be a domain"},
		"10.0.0.0/8,a.example/x":  {"domain", "must be a domain"},
		"10.0.0.0/8":              {"", "not well-formed CSV"},
		"10.0.0.0/8,a\"b.example": {"", "not well-formed CSV"},
	} {
		_, _, refused := build(t, inputs{networks: "network,domain\n11.0.0.0/8,a.example\n" + text + "\n12.0.0.0/8,b.example\n"})
		require.Len(t, refused, 1, text)
		require.EqualValues(t, 3, refused[0].Line, text)
		require.Equal(t, want.field, refused[0].Field, text)
		require.Contains(t, refused[0].Reason, want.reason, text)
	}
}

// What is wrong with a file as a whole ends the build, rather than a million rows being refused.
func TestSource_RefusesAFileAsAWhole(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"an unknown column":         {"id,frist_name\np,x\n", "frist_name: is no column known here"},
		"a column twice":            {"id,title,title\np,x,y\n", "stands there twice"},
		"no id":                     {"first_name\nx\n", "id: is missing"},
		"a quote that never closes": {"id,title\np,\"x\n" + strings.Repeat("q,y\n", 1<<19), "a quote is not closed"},
	} {
		b, err := graph.NewBuilder(graph.BuildConfig{Out: filepath.Join(t.TempDir(), "g")})
		require.NoError(t, err)
		err = b.Persons(t.Context(), graph.Source{Name: "people.csv", From: strings.NewReader(row.text)})
		require.ErrorContains(t, err, row.want, name)
		require.ErrorContains(t, err, "people.csv", name)
		require.NoError(t, b.Close())
	}
	_, _, refused := build(t, inputs{persons: "id,what\np,x\n"}, func(c *graph.BuildConfig) { c.IgnoreUnknown = true })
	require.Empty(t, refused)
}

// A packed file is read as what is in it.
func TestSource_Packed(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(`{"id":"p-1","visitors":["v-1"]}`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	b, err := graph.NewBuilder(graph.BuildConfig{Out: filepath.Join(t.TempDir(), "g")})
	require.NoError(t, err)
	defer b.Close()
	require.NoError(t, b.Persons(t.Context(), graph.Source{Name: "people.ndjson.gz", From: &packed}))
	sum, err := b.Finish(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, sum.Info.Keys)
}

// What people type is found whatever it is.
func TestFile_Ask(t *testing.T) {
	t.Parallel()
	f, _, _ := build(t, inputs{
		persons:   `{"id":"p-1","business_email":"Jane@acme.example","phones":["+14155550100"],"visitors":["v-1"],"clicks":["gclid:EAIa"],"company":"acme.example"}`,
		companies: `{"domain":"acme.example","name":"Acme"}`,
		networks:  `{"network":"2001:db8::/32","domain":"acme.example"}`,
	})
	hem := identity.HEMs("jane@acme.example")[0]
	phone, _ := identity.PhoneHash("+14155550100")
	for text, by := range map[string]string{
		" JANE@acme.example ": "sha256", hem.MD5: "md5", strings.ToUpper(hem.SHA1): "sha1", hem.SHA256: "sha256", "+1 (415) 555-0100": "phone",
		phone: "phone", "gclid:EAIa": "click", "v-1": "visitor", "p-1": "person", "ACME.example": "company", "2001:db8::7": "network",
		"nobody": "", "nobody@acme.example": "", "192.0.2.1": "", "": "",
	} {
		answer := f.Ask(text)
		require.Equal(t, by != "", answer.Found, text)
		require.Equal(t, by, string(answer.By), text)
		if by != "" {
			require.Equal(t, "Acme", answer.Company.Name, text)
		}
		if by != "" && by != "company" && by != "network" {
			require.Equal(t, domain.PersonID("p-1"), answer.Person.ID, text)
		}
	}
}

// FuzzSource reads anything as each kind of input: rows are taken or refused, and nothing crashes. What was taken is
// in the file.
func FuzzSource(f *testing.F) {
	f.Add("id,emails\np,a@b.example\n")
	f.Add(`{"id":"p","hems":[{"md5":"84059b07d4be67b806386c0aad8070a2"}],"seen_at":1}`)
	f.Add("domain,name\na.example,\"x\ny\"\n")
	f.Add("network,domain\n::/0,a.example\n0.0.0.0/0,b.example\n255.255.255.255,c.example\n")
	f.Add(`{"network":"10.0.0.0/8","domain":"a.example"}` + "\n{\n")
	f.Add("\xef\xbb\xbf\n\n{}")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		b, err := graph.NewBuilder(graph.BuildConfig{Out: filepath.Join(dir, "g"), Memory: 16 << 20})
		require.NoError(t, err)
		defer b.Close()
		source := func() graph.Source { return graph.Source{Name: "x", From: strings.NewReader(text)} }
		_ = b.Persons(t.Context(), source())
		_ = b.Companies(t.Context(), source())
		_ = b.Networks(t.Context(), source())
		sum, err := b.Finish(t.Context())
		if err != nil {
			require.ErrorContains(t, err, "no row was taken")
			return
		}
		g, err := graph.Open(sum.Info.Path)
		require.NoError(t, err)
		defer g.Close()
		require.NoError(t, g.Verify(t.Context(), nil))
	})
}
