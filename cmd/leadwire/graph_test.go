package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/identity/graph"
)

// command runs the program without the process.
func graphCommand(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"graph"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// An operator builds a graph, sees what was refused and why, looks into it, and compares it with the next one.
func TestGraph_BuildStatGetDiff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	people := write(t, at("people.csv"), "id,business_email,visitors,seen_at\np-1,jane@acme.example,v-1,2026-01-01\np-2,,v-2,2026-01-01\nlead-3,,v-3,\n")
	networks := write(t, at("networks.ndjson"), `{"network":"192.0.2.0/24","domain":"acme.example"}`)

	code, out, errs := graphCommand(t, "build", "--persons", people, "--networks", networks, "--out", at("old"), "--label", "a test", "--rejects", at("rejects"))
	require.Zero(t, code, errs)
	require.Contains(t, out, "2 people, 1 companies, 1 networks")
	require.Contains(t, out, "3 rows taken, 1 refused (in "+at("rejects")+")")
	require.Contains(t, errs, "reading people")
	rejects, err := os.ReadFile(at("rejects"))
	require.NoError(t, err)
	var refused graph.Refusal
	require.NoError(t, json.Unmarshal(rejects, &refused))
	require.Contains(t, refused.Reason, "lead-", "an account's own leads begin so")
	require.Equal(t, graph.Refusal{File: people, Line: 4, Field: "id", Reason: refused.Reason}, refused)

	code, out, errs = graphCommand(t, "stat", at("old"), "--verify")
	require.Zero(t, code, errs)
	require.Contains(t, out, "label     a test")
	require.Contains(t, out, "every block and every key is sound")

	code, out, errs = graphCommand(t, "get", at("old"), "JANE@acme.example", "192.0.2.9")
	require.Zero(t, code, errs)
	require.Equal(t, 2, strings.Count(out, `"found":true`), out)
	code, out, errs = graphCommand(t, "get", at("old"), "nobody", "v-1")
	require.Equal(t, exitBroken, code)
	require.Contains(t, errs, "1 of 2 not found")
	require.Contains(t, out, `"id":"p-1"`)

	people = write(t, at("people.csv"), "id,business_email,visitors,seen_at\np-1,jane@acme.example,v-1;v-4,2026-01-02\np-3,,v-2,2026-01-02\n")
	code, _, errs = graphCommand(t, "build", "--persons", people, "--networks", networks, "--out", at("new"))
	require.Zero(t, code, errs)
	code, out, errs = graphCommand(t, "diff", at("old"), at("new"), "--json", "--list", "5")
	require.Zero(t, code, errs)
	var d graph.Differences
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.Equal(t, map[string]map[graph.Change]int64{
		"visitor": {graph.Added: 1, graph.Changed: 1},
		"person":  {graph.Added: 1, graph.Removed: 1},
	}, d.Counts)
	require.Len(t, d.List, 4)
	_, out, _ = graphCommand(t, "diff", at("old"), at("new"), "--list", "5")
	require.Contains(t, out, "p-2 -> p-3")
	_, out, _ = graphCommand(t, "diff", at("old"), at("old"))
	require.Equal(t, "the files have the same content\n", out)
}

// Misuse is exit code 2, what is broken is 1, and both say what.
func TestGraph_Refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := write(t, filepath.Join(dir, "garbage"), strings.Repeat("no graph", 4096))
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no input":          {[]string{"build", "--out", filepath.Join(dir, "g")}, exitMisused, "needs --persons"},
		"no output":         {[]string{"build", "--persons", garbage}, exitMisused, "out: must name"},
		"too little memory": {[]string{"build", "--persons", garbage, "--out", "g", "--memory", "1MiB"}, exitMisused, "memory: must be"},
		"an absent input":   {[]string{"build", "--persons", filepath.Join(dir, "absent"), "--out", filepath.Join(dir, "g")}, exitBroken, "no such file"},
		"another's file":    {[]string{"stat", garbage}, exitBroken, "this is no graph file"},
		"no key":            {[]string{"get", garbage}, exitMisused, "requires at least 2"},
		"one file":          {[]string{"diff", garbage}, exitMisused, "accepts 2"},
	} {
		code, _, errs := graphCommand(t, row.args...)
		require.Equal(t, row.code, code, name)
		require.Contains(t, errs, row.want, name)
	}
}

// A build says how far it is, how fast, and how long it will take.
func TestProgressText(t *testing.T) {
	t.Parallel()
	half := graph.Progress{Stage: graph.ReadingPersons, Done: 50, Total: 100, Rows: 1_234_567, Rate: 45_678, Left: 27 * time.Second}
	require.Equal(t, "reading people    [############............]  50%  1,234,567 at 45,678/s, 27s left", progressText(half, true))
	require.Equal(t, "reading people     50%  1,234,567 at 45,678/s, 27s left", progressText(half, false))
	unknown := graph.Progress{Stage: graph.ReadingPersons, Rows: 12, Rate: 3}
	require.Equal(t, "reading people    12 at 3/s", progressText(unknown, true))
	ended := graph.Progress{Stage: graph.WritingKeys, Done: 9, Total: 9, Rows: 9, Rate: 9, Took: 1234 * time.Millisecond, Ended: true}
	require.Contains(t, progressText(ended, false), "100%  9 at 9/s, took 1.23s")
}
