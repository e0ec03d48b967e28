package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leadwire/leadwire/httpedge/strictjson"
	"github.com/stretchr/testify/require"
)

var limits = strictjson.Limits{Depth: 8, Values: 1000}

func TestParse_Refuses(t *testing.T) {
	t.Parallel()
	wide := func(n int) string { // an object of n keys
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return b.String()
	}
	for _, row := range []struct {
		why  string
		text string
		want strictjson.Broken
	}{
		{"nothing", ``, strictjson.Syntax},
		{"only space", " \n", strictjson.Syntax},
		{"half an object", `{"a":1`, strictjson.Syntax},
		{"half a string", `"a`, strictjson.Syntax},
		{"half an escape", `"a\`, strictjson.Syntax},
		{"half a \\u escape", `"\u12`, strictjson.Syntax},
		{"an escape JSON has not", `"\x41"`, strictjson.Syntax},
		{"a line feed in a string", "\"a\nb\"", strictjson.Syntax},
		{"a comma too many in an object", `{"a":1,}`, strictjson.Syntax},
		{"a comma too many in an array", `[1,]`, strictjson.Syntax},
		{"a key without quotes", `{a:1}`, strictjson.Syntax},
		{"a key without a value", `{"a"}`, strictjson.Syntax},
		{"quotes of the wrong kind", `{'a':1}`, strictjson.Syntax},
		{"a comment", `{"a":1/* one */}`, strictjson.Syntax},
		{"a leading zero", `01`, strictjson.Syntax},
		{"a plus", `+1`, strictjson.Syntax},
		{"a bare minus", `-`, strictjson.Syntax},
		{"a dot without digits", `1.`, strictjson.Syntax},
		{"an exponent without digits", `1e+`, strictjson.Syntax},
		{"NaN", `NaN`, strictjson.Syntax},
		{"half a word", `tru`, strictjson.Syntax},
		{"the wrong closer", `[1}`, strictjson.Syntax},
		{"a second value", `{} {}`, strictjson.Syntax},
		{"data behind the value", `{}x`, strictjson.Syntax},
		{"a byte order mark", "\uFEFF{}", strictjson.Syntax},
		{"a form feed between values", "[1,\f2]", strictjson.Syntax},
		{"bytes that are no UTF-8", "\"\xff\"", strictjson.UTF8},
		{"half a character", "\"\xc3\"", strictjson.UTF8},
		{"an encoded surrogate", "\"\xed\xa0\x80\"", strictjson.UTF8},
		{"a key twice", `{"a":1,"b":2,"a":3}`, strictjson.Duplicate},
		{"a key twice, deep inside", `[{"x":{"a":1,"a":1}}]`, strictjson.Duplicate},
		{"a key twice, once in disguise", `{"a":1,"\u0061":2}`, strictjson.Duplicate},
		{"an empty key twice", `{"":1,"":2}`, strictjson.Duplicate},
		{"a key twice in a large object, near the end", `{` + wide(300) + `"k299":0}`, strictjson.Duplicate},
		{"a key twice in a large object, near the start", `{` + wide(300) + `"k0":0}`, strictjson.Duplicate},
		{"a key twice, the second one where the set begins", `{` + wide(47) + `"k3":0}`, strictjson.Duplicate},
		{"a key twice, the second one just before the set", `{` + wide(46) + `"k3":0}`, strictjson.Duplicate},
		{"nested too deep", strings.Repeat("[", 9) + strings.Repeat("]", 9), strictjson.TooDeep},
		{"a bomb of brackets", strings.Repeat("[", 1<<20), strictjson.TooDeep},
		{"too many values", "[" + strings.Repeat("1,", 1000) + "1]", strictjson.TooMany},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			var doc strictjson.Doc
			_, err := doc.Parse(row.text, limits)
			var fault *strictjson.Fault
			require.ErrorAs(t, err, &fault)
			require.Equal(t, row.want, fault.Rule)
			require.NotEmpty(t, fault.Error())
		})
	}
}

func TestParse_Reads(t *testing.T) {
	t.Parallel()
	var doc strictjson.Doc
	root, err := doc.Parse(` {"name":"Zo\u00eb \ud83d\ude00 \"q\" \/ \n","n":-12.5e3,"list":[1,"two",[],{}],"no":null,"yes":true,"in":{"deep":"x"},"\u006bey":"v"} `, limits)
	require.NoError(t, err)
	require.Equal(t, strictjson.Object, root.Kind())
	require.Equal(t, "Zoë 😀 \"q\" / \n", root.Get("name").Text())
	require.Equal(t, "-12.5e3", root.Get("n").Text())
	require.Equal(t, strictjson.Null, root.Get("no").Kind())
	require.Equal(t, "true", root.Get("yes").Text())
	require.Equal(t, "x", root.Get("in").Get("deep").Text())
	require.Equal(t, "v", root.Get("key").Text())
	require.Equal(t, strictjson.Absent, root.Get("nobody").Kind())
	require.Equal(t, strictjson.Absent, root.Get("name").Get("x").Kind(), "a string has no members")
	require.Equal(t, `[1,"two",[],{}]`, root.Get("list").Text(), "a container's text is its JSON")
	var kinds []strictjson.Kind
	for v := range root.Get("list").Children() {
		kinds = append(kinds, v.Kind())
	}
	require.Equal(t, []strictjson.Kind{strictjson.Number, strictjson.String, strictjson.Array, strictjson.Object}, kinds)
	var keys []string
	for v := range root.Children() {
		keys = append(keys, v.Key())
	}
	require.Equal(t, []string{"name", "n", "list", "no", "yes", "in", "key"}, keys)
}

// JavaScript cuts strings inside an emoji and escapes the half that is left. It must not cost the event.
func TestParse_ReadsHalfAnEmoji(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"a\ud83d"`:            "a\uFFFD",
		`"\ude00b"`:            "\uFFFDb",
		`"\ud83dx\ude00"`:      "\uFFFDx\uFFFD",
		`"\ud83d\u0041"`:       "\uFFFDA",
		`"\ud83d\ud83d\ude00"`: "\uFFFD😀",
		`"\ud83d\n"`:           "\uFFFD\n",
	} {
		var doc strictjson.Doc
		v, err := doc.Parse(text, limits)
		require.NoError(t, err, text)
		require.Equal(t, want, v.Text(), text)
	}
}

// A Doc that is used again has nothing of its last text.
func TestParse_StartsAfresh(t *testing.T) {
	t.Parallel()
	var doc strictjson.Doc
	_, err := doc.Parse(`{"a":"\u0041","b":[1,2,3]}`, limits)
	require.NoError(t, err)
	doc.Forget()
	root, err := doc.Parse(`{"a":"\\"}`, limits)
	require.NoError(t, err)
	require.Equal(t, `\`, root.Get("a").Text())
	require.Equal(t, strictjson.Absent, root.Get("b").Kind())
}

// FuzzParse compares every verdict and value with the standard library's, which accepts exactly what we do
// but for duplicate keys and bytes that are no UTF-8.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"\u00e9\ud83d\ude00\ud83d"]}`, `{"a":1,"\u0061":2}`, `[[[[]]]]`, ` 1 `, `"\n"`, `{"":{"":""}}`, "\xff", `{"a":1}x`,
	} {
		f.Add(seed)
	}
	wide := strictjson.Limits{Depth: 5000, Values: 1 << 20}
	f.Fuzz(func(t *testing.T, text string) {
		var doc strictjson.Doc
		root, err := doc.Parse(text, wide)
		var fault *strictjson.Fault
		if err != nil {
			require.ErrorAs(t, err, &fault)
		}
		switch {
		case !utf8.ValidString(text):
			require.Equal(t, strictjson.UTF8, fault.Rule)
		case err == nil:
			require.True(t, json.Valid([]byte(text)), "we accept what is no JSON")
			var want any
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			require.NoError(t, d.Decode(&want))
			require.Equal(t, want, plain(root))
			require.False(t, repeats(text), "a duplicate key went unnoticed")
		case fault.Rule == strictjson.Duplicate:
			require.True(t, repeats(text), "a duplicate key where there is none")
		case fault.Rule == strictjson.Syntax:
			require.False(t, json.Valid([]byte(text)), "we refuse what is JSON")
		}
	})
}

// plain is a value as encoding/json would give it.
func plain(v strictjson.Value) any {
	switch v.Kind() {
	case strictjson.Null:
		return nil
	case strictjson.Bool:
		return v.Text() == "true"
	case strictjson.Number:
		return json.Number(v.Text())
	case strictjson.String:
		return v.Text()
	case strictjson.Array:
		list := []any{}
		for c := range v.Children() {
			list = append(list, plain(c))
		}
		return list
	default:
		object := map[string]any{}
		for c := range v.Children() {
			object[c.Key()] = plain(c)
		}
		return object
	}
}

// repeats looks for a duplicate key by the standard library's tokens, as far as the text is JSON.
func repeats(text string) bool {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	type level struct {
		keys  map[string]bool // nil: an array
		value bool            // the next token is a member's value
	}
	var stack []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			return false
		}
		top := len(stack) - 1
		if top >= 0 && stack[top].keys != nil && !stack[top].value {
			if key, ok := token.(string); ok {
				if stack[top].keys[key] {
					return true
				}
				stack[top].keys[key], stack[top].value = true, true
				continue
			}
		} else if top >= 0 {
			stack[top].value = false
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}
