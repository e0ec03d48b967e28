package glob_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/glob"
)

// The table is for the script in the page as well.
func TestMatch(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/cases.json")
	require.NoError(t, err)
	var rows []struct {
		Pattern, Path, Because string
		Match                  bool
	}
	require.NoError(t, json.Unmarshal(text, &rows))
	require.NotEmpty(t, rows)
	for _, row := range rows {
		require.Equal(t, row.Match, glob.Match(row.Pattern, row.Path), "%s on %s: %s", row.Pattern, row.Path, row.Because)
		require.Equal(t, row.Match, expression(row.Pattern).MatchString(row.Path), "the expression: %s on %s", row.Pattern, row.Path)
		require.Empty(t, glob.Check(row.Pattern), row.Pattern)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ pattern, want string }{
		"a path":                {"/a", ""},
		"stars":                 {"**/a", ""},
		"nothing":               {"", "must not be empty"},
		"no slash":              {"pricing*", `must begin with "/" or "*", as in "/pricing*"`},
		"an address":            {"https://shop.example/a", `must begin with "/" or "*", as in "/pricing*"`},
		"a query":               {"/a?b=1", `must be a path, without "?" and "#"`},
		"bytes":                 {"/\xff", "must be UTF-8"},
		"the longest there is":  {"/" + strings.Repeat("a", glob.MaxLength-1), ""},
		"longer by one than it": {"/" + strings.Repeat("a", glob.MaxLength), "must be at most 256 bytes long"},
	} {
		require.Equal(t, row.want, glob.Check(row.pattern), name)
	}
}

func TestMatchAny(t *testing.T) {
	t.Parallel()
	require.False(t, glob.MatchAny(nil, "/a"))
	require.True(t, glob.MatchAny([]string{"/b", "/a"}, "/a"))
	require.False(t, glob.MatchAny([]string{"/b", "/c"}, "/a"))
}

// A hostile pattern on a long path costs their product and no more.
func TestMatch_HasNoBadCase(t *testing.T) { // not parallel: it counts allocations
	path := "/" + strings.Repeat("a", 2047)
	require.False(t, glob.Match("/"+strings.Repeat("*a", 120)+"b", path))
	require.False(t, glob.Match(strings.Repeat("**a", 80)+"b", path))
	require.Zero(t, testing.AllocsPerRun(10, func() { glob.Match("/**/a*/z", "/x/ab/y/ac/z") }))
}

// FuzzMatch holds the matcher against the regular expressions of the package's table.
func FuzzMatch(f *testing.F) {
	for _, s := range [][2]string{{"/a/**/z", "/a/b/z"}, {"/a*b*c", "/abc"}, {"**/x/*y/**", "/x/xy"}, {"/***", "/"}, {"/**/**a*/*", "/a//a/b"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if glob.Check(pattern) != "" || len(path) > 2048 {
			return
		}
		if strings.ToValidUTF8(path, "") != path { // the expression reads runes, the matcher bytes
			return
		}
		require.Equal(t, expression(pattern).MatchString(path), glob.Match(pattern, path), "%q on %q", pattern, path)
	})
}

var stars = regexp.MustCompile(`/\*\*|\*\*|[^/]\*$|\*`)

// expression is the one the table of the package comment gives, and what the script in the page builds.
func expression(pattern string) *regexp.Regexp {
	var b strings.Builder
	last := 0
	for _, at := range stars.FindAllStringIndex(pattern, -1) {
		b.WriteString(regexp.QuoteMeta(pattern[last:at[0]]))
		last = at[1]
		switch found := pattern[at[0]:at[1]]; {
		case found == "/**":
			b.WriteString(`(?:/.*)?`)
		case found == "**":
			b.WriteString(`.*`)
		case len(found) > 1:
			b.WriteString(regexp.QuoteMeta(found[:len(found)-1]) + `.*`)
		default:
			b.WriteString(`[^/]*`)
		}
	}
	b.WriteString(regexp.QuoteMeta(pattern[last:]))
	return regexp.MustCompile(`(?s)^(?:` + b.String() + `)$`)
}

func BenchmarkMatch(b *testing.B) {
	for name, row := range map[string][2]string{
		"Prefix": {"/pricing*", "/pricing/eu/plans"}, "Below": {"/account/**", "/account/settings/mail"},
		"Elsewhere": {"/account/**", "/blog/2026/first-post"}, "Middle": {"/**/a*/z", "/x/ab/y/ac/z"},
		"Worst": {strings.Repeat("**a", 85), "/" + strings.Repeat("a", 2047)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				glob.Match(row[0], row[1])
			}
		})
	}
}
