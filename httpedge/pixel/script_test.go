package pixel

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// full is a pixel that tells its script all there is.
func full() domain.Pixel {
	return domain.Pixel{
		ID: "shop", Origins: []string{"https://shop.example"}, Consent: domain.ConsentRequired,
		Allow: []string{"/**", "/pricing*"}, Deny: []string{"/account/**", "/checkout/*"},
	}
}

// What a page loads is under 3 KB, with the settings of a usual pixel.
func TestScript_IsSmall(t *testing.T) {
	t.Parallel()
	script, err := NewScript(full(), "https://leads.example.com/p")
	require.NoError(t, err)
	t.Logf("plain %d, gzip %d, br %d bytes", len(script.Plain), len(script.Gzip), len(script.Brotli))
	require.Less(t, len(script.Gzip), 3000)
	require.Less(t, len(script.Brotli), len(script.Gzip))
	unpacked, err := gzip.NewReader(bytes.NewReader(script.Gzip))
	require.NoError(t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	require.Equal(t, string(script.Plain), string(text))
}

// The source keeps to what strip needs of it.
func TestScript_SourceCanBeStripped(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(written) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "//") {
			continue
		}
		require.NotContains(t, line, "//", "comments have lines of their own")
		require.NotContains(t, line, `"`)
		require.NotContains(t, line, "`")
		require.Zero(t, strings.Count(line, "'")%2, line)
	}
	require.Equal(t, "var a=b+' c , d '\nreturn x", strip("  // why\n  var a = b + ' c , d '\n\n  return x\n"))
}

// A setting cannot break out of its place.
func TestScript_SettingsStayData(t *testing.T) {
	t.Parallel()
	p := full()
	p.Deny = []string{"</script><script>alert(1)//", "\u2028*/"}
	script, err := NewScript(p, "")
	require.NoError(t, err)
	require.NotContains(t, string(script.Plain), "</script>")
	require.NotContains(t, string(script.Plain), "\u2028")
}

func TestScript_PausedAndUnknownDoNothing(t *testing.T) {
	t.Parallel()
	p := full()
	p.Paused = true
	script, err := NewScript(p, "")
	require.NoError(t, err)
	require.Equal(t, "/* this pixel is paused */\n", string(script.Plain))
	require.Contains(t, string(Unknown().Plain), "console.warn(")
}

// A directory's scripts are made once, and anew when it is another one.
func TestScripts_FollowTheDirectory(t *testing.T) {
	t.Parallel()
	dir := func(p ...domain.Pixel) *domain.Directory {
		return domain.NewDirectory(domain.Catalog{Accounts: []domain.Account{{ID: "acme", Pixels: p}}})
	}
	scripts, first := NewScripts(""), dir(full())
	a, known, err := scripts.Of(first, "shop")
	require.NoError(t, err)
	require.True(t, known)
	again, _, err := scripts.Of(first, "shop")
	require.NoError(t, err)
	require.Same(t, a, again)
	same, _, err := scripts.Of(dir(full()), "shop")
	require.NoError(t, err)
	require.Equal(t, a.Tag, same.Tag, "a change elsewhere leaves browsers' copies valid")
	_, known, err = scripts.Of(dir(), "shop")
	require.NoError(t, err)
	require.False(t, known)
}

// node finds Node.js as the browser's tests do.
func node(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("LEADWIRE_NODE"), "node", "nodejs"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	require.NotEqual(t, "1", os.Getenv("CI_REQUIRE_REAL_PARTS"), "no Node.js")
	t.Skip("skipped, no Node.js: apt-get install nodejs")
	return ""
}

// The script's patterns mean what the servers' mean: both read one table.
func TestScript_MatchesPathsAsTheServerDoes(t *testing.T) {
	t.Parallel()
	node := node(t)
	table, err := os.ReadFile("../../actors/glob/testdata/cases.json")
	require.NoError(t, err)
	var cases []struct {
		Pattern, Path, Because string
		Match                  bool
	}
	require.NoError(t, json.Unmarshal(table, &cases))
	require.NotEmpty(t, cases)
	_, from, found := strings.Cut(strip(written), "function matches(")
	require.True(t, found)
	body, _, found := strings.Cut(from, "function scrub(")
	require.True(t, found)
	run := exec.Command(node, "-e", `function matches(`+body+`
process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0)).map(function (c) { return matches([c.pattern], c.path); })))`)
	run.Stdin, run.Stderr = bytes.NewReader(table), os.Stderr
	out, err := run.Output()
	require.NoError(t, err)
	var got []bool
	require.NoError(t, json.Unmarshal(out, &got))
	for i, c := range cases {
		require.Equal(t, c.Match, got[i], "%s %s: %s", c.Pattern, c.Path, c.Because)
	}
}

// The script's own MD5 is MD5, at every length around its blocks.
func TestScript_MD5(t *testing.T) {
	t.Parallel()
	node := node(t)
	_, from, found := strings.Cut(strip(written), "function hex(")
	require.True(t, found)
	body, _, found := strings.Cut(from, "function hash(")
	require.True(t, found)
	run := exec.Command(node, "-e", `function hex(`+body+`
const { createHash } = require('crypto');
for (let n = 0; n < 300; n++) {
  const bytes = new Uint8Array(n).map((_, i) => (i * 7 + n) & 255);
  const want = createHash('md5').update(bytes).digest('hex');
  if (md5(bytes) !== want) throw new Error(n + ' bytes: ' + md5(bytes) + ' is not ' + want);
}`)
	out, err := run.CombinedOutput()
	require.NoError(t, err, string(out))
}
