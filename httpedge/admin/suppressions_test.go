package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/admin"
)

type suppressionList struct {
	Suppressions []struct {
		ID, Scope, Account, Pixel, Kind, Value, Reason string
		HEMs                                           []domain.HEM
	}
	NextCursor string `json:"next_cursor"`
	Revision   int64
}

// list reads all pages.
func (w *world) list(key, query string) (all suppressionList) {
	w.t.Helper()
	for cursor := ""; ; {
		var page suppressionList
		w.call(key, "GET", "/api/v1/suppressions?"+query+"&cursor="+cursor, nil).into(&page)
		all.Suppressions = append(all.Suppressions, page.Suppressions...)
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

// What is suppressed is listed without what was said in clear, and lifting it takes it off.
func TestSuppressions_AddListRemove(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var added suppressionList
		a := w.call(w.acme, "POST", "/api/v1/suppressions", map[string]any{"kind": "email", "value": "Ada@Example.com", "reason": "asked by phone"}).into(&added)
		require.Equal(t, 201, a.status)
		require.Len(t, added.Suppressions, 1)
		require.Equal(t, "account", added.Suppressions[0].Scope)
		require.Equal(t, "acme", added.Suppressions[0].Account)
		require.Positive(t, added.Revision)

		var again suppressionList
		w.call(w.acme, "POST", "/api/v1/suppressions", map[string]any{"kind": "email", "value": " ada@example.com "}).into(&again)
		require.Equal(t, added.Suppressions[0].ID, again.Suppressions[0].ID)
		require.Equal(t, added.Revision, again.Revision, "what is there already changes nothing")

		a = w.call(w.acme, "GET", "/api/v1/suppressions", nil)
		require.NotContains(t, strings.ToLower(string(a.body)), "ada@")
		require.Len(t, w.list(w.acme, "").Suppressions, 1)

		path := "/api/v1/suppressions/" + added.Suppressions[0].ID
		require.Equal(t, 204, w.call(w.acme, "DELETE", path, nil).status)
		w.call(w.acme, "DELETE", path, nil).refused(404, "", "no such suppression")
		require.Empty(t, w.list(w.acme, "").Suppressions)

		entries := w.audit()
		require.Equal(t, []string{"unsuppress", "suppress"}, []string{entries[0].Action, entries[1].Action})
		require.Equal(t, added.Suppressions[0].ID, entries[0].Subject)
		require.Regexp(t, `^key [0-9a-f]{12}$`, entries[0].Actor)
		require.NotContains(t, fmt.Sprint(entries), "@")
	})
}

// An array is taken whole or not at all, and the fault says where it stands.
func TestSuppressions_Array(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "POST", "/api/v1/suppressions", `[{"kind":"region","value":"DE"},{"kind":"region","value":"Bavaria"}]`).refused(400, "[1].value", "ISO 3166")
		require.Empty(t, w.list(w.acme, "").Suppressions)
		w.call(w.acme, "POST", "/api/v1/suppressions", `[]`).refused(400, "", "must be 1 to 1000")
		w.call(w.acme, "POST", "/api/v1/suppressions", `[{"kind":"region","value":"DE"},{"kind":"path","value":"/legal/**","pixel":"shop"}]`).into(&suppressionList{})
		require.Len(t, w.list(w.acme, "kind=path&scope=pixel&pixel=shop").Suppressions, 1)
	})
}

// What a caller gets wrong is named, and what is not theirs is refused.
func TestSuppressions_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for name, row := range map[string]struct {
			key, body     string
			status        int
			field, detail string
		}{
			"no JSON":                       {w.acme, `x`, 400, "", "not the JSON"},
			"a member that nobody knows":    {w.acme, `{"kind":"region","value":"DE","until":"2027"}`, 400, "", "until"},
			"a kind that nobody knows":      {w.acme, `{"kind":"shoe","value":"42"}`, 400, "kind", "must be"},
			"no value":                      {w.acme, `{"kind":"email"}`, 400, "value", "must be"},
			"a scope that nobody knows":     {w.acme, `{"kind":"region","value":"DE","scope":"world"}`, 400, "scope", "global, account, pixel"},
			"all accounts, by one of them":  {w.acme, `{"kind":"region","value":"DE","scope":"global"}`, 403, "", "one account"},
			"another account":               {w.acme, `{"kind":"region","value":"DE","account":"rival"}`, 403, "", "another account"},
			"another account's pixel":       {w.acme, `{"kind":"region","value":"DE","pixel":"theirs"}`, 400, "pixel", "not a pixel of the account"},
			"a pixel, but not its scope":    {w.acme, `{"kind":"region","value":"DE","scope":"account","pixel":"shop"}`, 400, "pixel", "left out"},
			"an account in the global one":  {w.all, `{"kind":"region","value":"DE","scope":"global","account":"acme"}`, 400, "account", "left out"},
			"the platform without a name":   {w.all, `{"kind":"region","value":"DE"}`, 400, "account", "must be given"},
			"a reason that is a whole book": {w.acme, `{"kind":"region","value":"DE","reason":"` + strings.Repeat("x", 201) + `"}`, 400, "reason", "at most 200"},
		} {
			t.Log(name)
			w.call(row.key, "POST", "/api/v1/suppressions", row.body).refused(row.status, row.field, row.detail)
		}
		require.Empty(t, w.list(w.all, "").Suppressions)
	})
}

// An account neither sees nor lifts what is another's, or the platform's.
func TestSuppressions_OfAnother(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.all, "POST", "/api/v1/suppressions", `[{"kind":"region","value":"DE","scope":"global"},{"kind":"region","value":"FR","account":"rival"}]`).into(&suppressionList{})
		require.Len(t, w.list(w.all, "").Suppressions, 2)
		require.Empty(t, w.list(w.acme, "").Suppressions)
		for _, s := range w.list(w.all, "").Suppressions {
			w.call(w.acme, "DELETE", "/api/v1/suppressions/"+s.ID, nil).refused(404, "", "no such suppression")
		}
		require.Len(t, w.list(w.all, "account=rival").Suppressions, 1)
	})
}

// Pages are as long as they were asked to be, and together they are everything, once.
func TestSuppressions_Pages(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var many []map[string]string
		for i := range 25 {
			many = append(many, map[string]string{"kind": "person", "value": fmt.Sprint("p", i)})
		}
		w.call(w.acme, "POST", "/api/v1/suppressions", many).into(&suppressionList{})
		var first suppressionList
		w.call(w.acme, "GET", "/api/v1/suppressions?limit=10", nil).into(&first)
		require.Len(t, first.Suppressions, 10)
		seen := map[string]bool{}
		for _, s := range w.list(w.acme, "limit=10").Suppressions {
			require.False(t, seen[s.ID])
			seen[s.ID] = true
		}
		require.Len(t, seen, 25)
	})
}

// A file is taken line by line: what is wrong costs its own line, and says which rule it broke.
func TestImport(t *testing.T) {
	t.Parallel()
	const hash = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"
	for name, row := range map[string]struct {
		query, file string
		taken       int
		rejects     []admin.Reject
	}{
		"one column without a header":      {file: "a@x.example\n" + hash + "\n", taken: 2},
		"one column with a header":         {file: "Email\na@x.example\n", taken: 1},
		"no line break at the end":         {file: "a@x.example", taken: 1},
		"line breaks of Windows":           {file: "a@x.example\r\nb@x.example\r\n", taken: 2},
		"a byte order mark":                {file: "\ufeffa@x.example\n", taken: 1},
		"empty lines":                      {file: "a@x.example\n\n  \nb@x.example\n", taken: 2},
		"the same line twice":              {file: "a@x.example\nA@X.EXAMPLE\n", taken: 2},
		"columns in an order of their own": {file: "value,kind,reason\nDE,region,law\nrival.example,company,\n", taken: 2},
		"a column of pixels":               {file: "kind,value,pixel\npath,/legal/**,shop\n", taken: 1},
		"a quoted value":                   {file: "kind,value,reason\nregion,DE,\"law, and custom\"\n", taken: 1},
		"a kind left out is an e-mail":     {file: "kind,value\n,a@x.example\n", taken: 1},
		"a scope for all":                  {query: "scope=pixel&pixel=shop", file: "a@x.example\n", taken: 1},
		"no lines":                         {file: "", taken: 0},
		"a value that is nothing":          {file: "a@x.example\nnonsense\nb@x.example\n", taken: 2, rejects: []admin.Reject{{Line: 2, Field: "value"}}},
		"a kind that nobody knows":         {file: "kind,value\nshoe,42\nregion,DE\n", taken: 1, rejects: []admin.Reject{{Line: 2, Field: "kind"}}},
		"a pixel that is not there":        {file: "kind,value,pixel\nregion,DE,theirs\n", rejects: []admin.Reject{{Line: 2, Field: "pixel"}}},
		"a column too many":                {file: "kind,value\nregion,DE,law\nregion,FR\n", taken: 1, rejects: []admin.Reject{{Line: 2}}},
		"a stray quote":                    {file: "kind,value\nregion,\"DE\nregion,FR\n", taken: 1, rejects: []admin.Reject{{Line: 2}}},
		"all accounts, in a column":        {file: "kind,value,scope\nregion,DE,global\n", rejects: []admin.Reject{{Line: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, onEmbedded(t)) // the rows are about reading, and none is about keeping
			var got admin.Imported
			w.call(w.acme, "POST", "/api/v1/suppressions/import?"+row.query, row.file, "Content-Type", "text/csv").into(&got)
			require.Equal(t, row.taken, got.Taken, got)
			require.Equal(t, len(row.rejects), got.Rejected)
			for i, r := range row.rejects {
				require.Equal(t, r.Line, got.Rejects[i].Line)
				require.Equal(t, r.Field, got.Rejects[i].Field)
				require.NotEmpty(t, got.Rejects[i].Reason)
			}
			require.NotContains(t, fmt.Sprint(got.Rejects), "nonsense", "a report says nothing of what stood there")
		})
	}
}

// What cannot be a file at all is refused before anything is taken.
func TestImport_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for name, row := range map[string]struct {
			query, file   string
			status        int
			field, detail string
		}{
			"a header with a column nobody knows": {"", "value,name\nDE,Ada\n", 400, "header", "column 2"},
			"a header without values":             {"", "kind,reason\nregion,law\n", 400, "header", "no column"},
			"a scope that is not the caller's":    {"scope=global", "a@x.example\n", 403, "", "one account"},
			"a pixel of nobody":                   {"scope=pixel&pixel=none", "a@x.example\n", 400, "pixel", "not a pixel"},
			"a line without an end":               {"", strings.Repeat("x", 65<<10), 400, "", "a line is over"},
		} {
			t.Log(name)
			w.call(w.acme, "POST", "/api/v1/suppressions/import?"+row.query, row.file).refused(row.status, row.field, row.detail)
		}
		require.Empty(t, w.list(w.all, "").Suppressions)
	})
}

// A long file is committed a thousand lines at a time, each with its line in the audit log.
func TestImport_InBatches(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		var file strings.Builder
		for i := range 2500 {
			fmt.Fprintf(&file, "user%d@x.example\n", i)
		}
		var got admin.Imported
		// A reader without a length is sent in chunks.
		w.call(w.acme, "POST", "/api/v1/suppressions/import", struct{ *strings.Reader }{strings.NewReader(file.String())}).into(&got)
		require.Equal(t, 2500, got.Taken)
		require.Len(t, w.list(w.acme, "limit=1000").Suppressions, 2500)
		var imports []string
		for _, e := range w.audit() {
			if e.Action == "suppress" {
				imports = append(imports, e.Detail)
			}
		}
		require.Equal(t, []string{"import of 500 suppressions", "import of 1000 suppressions", "import of 1000 suppressions"}, imports)
		require.Equal(t, map[string]float64{"taken": 2500}, w.counted("leadwire_api_import_lines_total", "outcome"))
	})
}
