package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/embedded"
)

const pixelsFile = `accounts:
  - id: acme
    pixels:
      - {id: acme-shop, origins: ["https://shop.acme.example"]}
`

// office runs a story of the commands that ask the API, on a data folder with a node or without.
func officeStory(t *testing.T, data string) (key string) {
	t.Helper()
	catalog := filepath.Join(t.TempDir(), "catalog.yaml")
	require.NoError(t, os.WriteFile(catalog, []byte(pixelsFile), 0o600))
	does := func(args ...string) string {
		t.Helper()
		code, out, complaint := leadwire(t, append(args, "--data", data)...)
		require.Zero(t, code, complaint)
		return out
	}
	does("apply", "-f", catalog)

	out := does("suppress", "add", "ada@example.com", "--account", "acme", "--reason", "asked")
	require.Regexp(t, `^suppressed: email [0-9a-f]{32} \(revision \d+\)\n$`, out)
	list := filepath.Join(t.TempDir(), "list.csv")
	require.NoError(t, os.WriteFile(list, []byte("kind,value\nregion,DE\nregion,Bavaria\n"), 0o600))
	code, out, complaint := leadwire(t, "suppress", "import", list, "--account", "acme", "--data", data)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^1 lines taken, 1 rejected`, out)
	require.Contains(t, complaint, "line 3: value must be a country")
	out = does("suppress", "list", "--account", "acme")
	require.Equal(t, 2, strings.Count(out, "\n"), out)
	require.NotContains(t, out, "ada@")
	id, _, _ := strings.Cut(does("suppress", "list", "--kind", "region"), " ")
	require.Equal(t, "removed "+id+"\n", does("suppress", "remove", id))
	require.Empty(t, does("suppress", "list", "--kind", "region"))

	require.Contains(t, does("person", "find", "ada@example.com", "--account", "acme"), "suppressed by ")
	require.Contains(t, does("person", "erase", "bob@example.com", "--account", "acme"), "nothing was erased: --yes does it\n")
	require.NotContains(t, does("suppress", "list", "--account", "acme"), "erased")
	require.Contains(t, does("person", "erase", "bob@example.com", "--account", "acme", "--yes"), "erased and suppressed (revision ")
	require.Contains(t, does("suppress", "list", "--account", "acme"), "erased")

	require.Contains(t, does("pixel", "list"), "acme-shop  acme  on")
	out = does("pixel", "snippet", "acme-shop", "--url", "https://leads.example.com/")
	require.Contains(t, out, `<script async src="https://leads.example.com/p.js?id=acme-shop"></script>`)
	require.Contains(t, out, `<noscript><img src="https://leads.example.com/p.gif?px=acme-shop"`)

	require.Empty(t, does("announcements", "--account", "acme"))
	persons := write(t, filepath.Join(t.TempDir(), "people.csv"), "id,business_email,seen_at\np-1,jane@acme.example,2026-01-01\n")
	people := filepath.Join(t.TempDir(), "people.graph")
	built, _, complaint := graphCommand(t, "build", "--persons", persons, "--out", people)
	require.Zero(t, built, complaint)
	require.Contains(t, does("graph", "use", people), "in use: "+people)
	require.Equal(t, "no graph is in use\n", does("graph", "use", "--none"))

	key = strings.TrimSpace(does("key", "create", "--scope", "audit:read,pixels:read", "--name", "report"))
	require.Regexp(t, `^lwk_[0-9a-f]{12}_`, key)
	require.Contains(t, does("key", "list"), "audit:read,pixels:read  report")
	require.NotContains(t, does("key", "list", "--json"), key)

	out = does("audit", "--limit", "2")
	require.Regexp(t, `^\S+Z  command line  key\.create  -  key `+key[4:16]+`  \[audit:read pixels:read\]\n\S+Z  command line  graph\.use +- +- +\n$`, out)
	require.Equal(t, 2, strings.Count(does("audit", "--account", "acme", "--limit", "2", "--json"), `"account":"acme"`))
	require.NotContains(t, does("audit"), "@")
	require.Empty(t, does("audit", "--account", "nobody"))
	return key
}

// With a node the commands go through its control socket, and the key that one of them makes opens the API.
func TestOffice_WithANode(t *testing.T) {
	data, address := startServe(t)
	key := officeStory(t, data)
	read := func() (int, []string) {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/api/v1/audit", http.NoBody)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		var page struct {
			Entries []struct{ Actor, Action string }
		}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&page))
		var all []string
		for _, e := range page.Entries {
			require.Equal(t, "command line", e.Actor)
			all = append(all, e.Action)
		}
		return response.StatusCode, all
	}
	status, entries := read()
	require.Equal(t, http.StatusOK, status)
	// An erasure suppresses before it searches, and says so: a search that fails leaves them suppressed all the same.
	require.Equal(t, []string{"key.create", "graph.use", "graph.use", "erase", "suppress", "unsuppress", "suppress", "suppress", "catalog.apply"}, entries)
	code, _, complaint := leadwire(t, "key", "revoke", key[4:16], "--data", data)
	require.Zero(t, code, complaint)
	status, _ = read()
	require.Equal(t, http.StatusUnauthorized, status)
}

// Without a node they do the same on the store.
func TestOffice_WithoutANode(t *testing.T) {
	officeStory(t, t.TempDir())
}

// What is refused ends with the API's words, and what is typed wrongly is told apart from it.
func TestOffice_Refused(t *testing.T) {
	data := t.TempDir()
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"an account that is not there": {[]string{"suppress", "add", "a@x.example", "--account", "nobody"}, exitBroken, "no account"},
		"no account":                   {[]string{"suppress", "add", "a@x.example"}, exitBroken, "account: must be given"},
		"a value that is nothing":      {[]string{"suppress", "add", "Bavaria", "--kind", "region", "--scope", "global"}, exitBroken, "value: must be a country"},
		"nothing to suppress":          {[]string{"suppress", "add"}, exitMisused, "accepts 1 arg"},
		"a file that is absent":        {[]string{"suppress", "import", "none.csv", "--scope", "global"}, exitBroken, "none.csv"},
		"a suppression that is not":    {[]string{"suppress", "remove", "abc"}, exitBroken, "no such suppression"},
		"a key that is not":            {[]string{"key", "revoke", "abc"}, exitBroken, "no such key"},
		"a key for nothing":            {[]string{"key", "create"}, exitBroken, "scopes: must list"},
		"a snippet without an address": {[]string{"pixel", "snippet", "shop"}, exitMisused, "--url"},
		"a snippet of nothing":         {[]string{"pixel", "snippet", "shop", "--url", "https://a.example"}, exitBroken, "no such pixel"},
		"a graph that is not there":    {[]string{"graph", "use", "none.lwg"}, exitBroken, "cannot be used on this node"},
		"a graph and none":             {[]string{"graph", "use", "a.lwg", "--none"}, exitMisused, "use needs"},
		"a log of less than nothing":   {[]string{"audit", "--limit", "-1"}, exitMisused, "--limit"},
		"neither a graph nor none":     {[]string{"graph", "use"}, exitMisused, "use needs"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, complaint := leadwire(t, append(row.args, "--data", data)...)
			require.Equal(t, row.code, code, complaint)
			require.Contains(t, complaint, row.want)
		})
	}
}

// A group of commands says that it does not know one, and shows those that it has when it is asked for none.
func TestOffice_UnknownCommand(t *testing.T) {
	code, _, complaint := leadwire(t, "suppress", "everybody")
	require.Equal(t, exitMisused, code)
	require.Contains(t, complaint, `unknown command "everybody" for "leadwire suppress"`)
	code, out, _ := leadwire(t, "suppress")
	require.Zero(t, code)
	require.Contains(t, out, "import")
}

// The log goes back further than a page, in order, and an account's is its own.
func TestAudit_GoesBackToTheBeginning(t *testing.T) {
	data := t.TempDir()
	store, err := embedded.Open(t.Context(), data, embedded.Options{})
	require.NoError(t, err)
	const written = 2*backPage + 2
	var all []domain.AuditEntry
	for n := range written {
		e := domain.AuditEntry{At: time.Now(), Actor: "key 1", Action: "suppress", Account: "acme", Subject: strconv.Itoa(n)}
		if n%2 == 1 {
			e.Account = "rival"
		}
		all = append(all, e)
	}
	_, err = store.ApplyCatalog(t.Context(), domain.Catalog{}, all...)
	require.NoError(t, err)
	require.NoError(t, store.Close())
	for name, row := range map[string]struct {
		args             []string
		lines, step, old int // newest first, each so far from the next, down to the oldest
	}{
		"as it is":           {nil, 100, 1, written - 100},
		"all":                {[]string{"--limit", "0"}, written, 1, 0},
		"more than a page":   {[]string{"--limit", "1500"}, 1500, 1, written - 1500},
		"more than there is": {[]string{"--limit", "9999"}, written, 1, 0},
		"one account's":      {[]string{"--account", "acme", "--limit", "0"}, written / 2, 2, 0},
	} {
		code, out, complaint := leadwire(t, append([]string{"audit", "--json", "--data", data}, row.args...)...)
		require.Zero(t, code, complaint)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, row.lines, name)
		for i, line := range lines {
			var e auditEntry
			require.NoError(t, json.Unmarshal([]byte(line), &e))
			require.Equal(t, strconv.Itoa(row.old+(row.lines-1-i)*row.step), e.Subject, name)
		}
	}
}
