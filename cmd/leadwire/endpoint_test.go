package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

const endpointsFile = `accounts:
  - id: acme
    endpoints:
      - {id: crm, name: The CRM, url: "https://crm.example/hook"}
  - id: rival
`

// endpointStory makes, looks at, steers and removes endpoints, with a node or without.
func endpointStory(t *testing.T, data string) {
	t.Helper()
	does := func(args ...string) string {
		t.Helper()
		code, out, complaint := leadwire(t, append(args, "--data", data)...)
		require.Zero(t, code, complaint)
		return out
	}
	folder := t.TempDir()
	does("apply", "-f", write(t, filepath.Join(folder, "catalog.yaml"), endpointsFile))

	file := write(t, filepath.Join(folder, "hooks.yaml"), "url: https://rival.example/in\ntimeout: 5s\nevents: [lead.assigned]\n")
	out := does("endpoint", "put", "hooks", "-f", file, "--account", "rival")
	require.Regexp(t, `^rival/hooks +ok\n`, out)
	require.Regexp(t, `\nwhsec_\S+\n$`, out)
	require.Contains(t, out, `"timeout":"5s"`)
	out = does("endpoint", "list")
	require.Regexp(t, `^ENDPOINT +STATE +PENDING +OLDEST +LAST SUCCESS +NEXT ATTEMPT +URL\nacme/crm +no_secret +0 +- +- +- +https://crm\.example/hook\nrival/hooks +`, out)
	require.Equal(t, 1, strings.Count(does("endpoint", "list", "--account", "rival", "--json"), "\n"))

	out = does("endpoint", "pause", "crm", "--account", "acme")
	require.Regexp(t, `^acme/crm +paused\n +name +The CRM\n +url +https://crm\.example/hook\n +pending +0\n`, out)
	require.Contains(t, out, `"paused":true`)
	require.NotContains(t, does("endpoint", "resume", "crm", "--account", "acme"), "paused")

	out = does("endpoint", "stats", "crm", "--account", "acme", "--window", "7d")
	require.Regexp(t, `^acme/crm +no_secret\n +since +\S+Z\n +attempts +0\n +retries +0\n +delivered +0, 0 a second\n`, out)
	require.Regexp(t, `event to answer +-\n +attempt +-\n +pending +0\n`, out)
	require.Contains(t, does("endpoint", "stats", "crm", "--account", "acme", "--json"), `"window":"1h"`)
	require.Regexp(t, `^acme +all endpoints\n +since `, does("endpoint", "stats", "--account", "acme"))

	first := does("endpoint", "secret", "crm", "--account", "acme")
	require.Regexp(t, `^whsec_\S+\n$`, first)
	pair := does("endpoint", "secret", "crm", "--account", "acme", "--kind", "ed25519", "--keep-old", "1h")
	require.Regexp(t, `^whsk_\S+\nwhpk_\S+\n$`, pair)
	token := write(t, filepath.Join(folder, "token"), "s3cr3t\n")
	require.Regexp(t, `^cr_[0-9a-f]{12} bearer, made \S+\n$`, does("endpoint", "secret", "crm", "--account", "acme", "--kind", "bearer", "--from", token))
	out = does("endpoint", "get", "crm", "--account", "acme")
	require.Regexp(t, `^acme/crm +ok\n`, out)
	require.Regexp(t, `secret +wk_\w+ ed25519, made \S+\n`, out)
	require.Regexp(t, `secret +wk_\w+ hmac, made \S+, until \S+\n`, out)
	require.Contains(t, out, " bearer, made ")
	require.Equal(t, "no Authorization is sent\n", does("endpoint", "secret", "crm", "--account", "acme", "--kind", "bearer", "--remove"))
	require.NotContains(t, does("endpoint", "get", "crm", "--account", "acme"), "bearer")
	require.NotRegexp(t, `whs[a-z]+_|s3cr3t`, out+does("audit")+does("endpoint", "list", "--json"))

	require.Contains(t, does("endpoint", "enable", "crm", "--account", "acme"), "acme/crm")
	require.Contains(t, does("endpoint", "get", "crm", "--account", "acme", "--json"), `"state":"`)
	require.Equal(t, "removed hooks\n", does("endpoint", "delete", "hooks", "--account", "rival"))
	require.NotContains(t, does("endpoint", "list"), "rival")
	require.Empty(t, does("deliveries", "list", "--account", "acme"))
	require.Regexp(t, `endpoint\.delete +rival +endpoint hooks`, does("audit"))
}

// With a node the commands go through its control socket.
func TestEndpoint_WithANode(t *testing.T) {
	data, _ := startServe(t)
	endpointStory(t, data)

	// A test event is sent at once, and what it meets is told.
	inside := write(t, filepath.Join(t.TempDir(), "inside.yaml"), "url: https://127.0.0.1:8443/hook\n")
	code, _, complaint := leadwire(t, "endpoint", "put", "inside", "-f", inside, "--account", "acme", "--data", data)
	require.Zero(t, code, complaint)
	code, out, complaint := leadwire(t, "endpoint", "test", "inside", "--account", "acme", "--data", data)
	require.Equal(t, exitBroken, code)
	require.Regexp(t, `^\S+Z  .*\(address\)\n`, out)
	require.Contains(t, complaint, "did not take the test event")

	// Its receipt can be asked for afterwards, like any other.
	kept := regexp.MustCompile(`\nits receipt: leadwire (deliveries show \d+ --account acme)\n$`).FindStringSubmatch(out)
	require.NotNil(t, kept, out)
	code, out, complaint = leadwire(t, append(strings.Fields(kept[1]), "--data", data)...)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^delivery \d+ to acme/inside: exhausted\n  endpoint\.test \S+ \(announcement \d+\), about lead test\n\n\S+Z  owed\n`+
		`\S+Z  attempt 1, a test: .*\(address\)\n`, out)
	require.Regexp(t, `\n +signed by wk_\w+, configured by catalog revision \d+\n\S+Z  not taken; a test is sent once; the last of it: .+\n$`, out)
	code, out, complaint = leadwire(t, "endpoint", "test", "inside", "--account", "acme", "--data", data, "--json")
	require.Equal(t, exitBroken, code, complaint)
	require.Regexp(t, `^\{"ok":false,"delivery":\d+,`, out)
	code, _, complaint = leadwire(t, "deliveries", "replay", strings.Fields(kept[1])[2], "--account", "acme", "--data", data)
	require.Equal(t, exitBroken, code)
	require.Contains(t, complaint, "it was a test: send the endpoint another")
	code, out, complaint = leadwire(t, "audit", "--data", data)
	require.Zero(t, code, complaint)
	require.Regexp(t, `endpoint\.test +acme +endpoint inside`, out)
}

// Without a node they do the same on the store.
func TestEndpoint_WithoutANode(t *testing.T) {
	endpointStory(t, t.TempDir())
}

// What is refused ends with the API's words, and what is typed wrongly is told apart from it.
func TestEndpoint_Refused(t *testing.T) {
	data := t.TempDir()
	catalog := write(t, filepath.Join(t.TempDir(), "catalog.yaml"), endpointsFile)
	code, _, complaint := leadwire(t, "apply", "-f", catalog, "--data", data)
	require.Zero(t, code, complaint)
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no account":                     {[]string{"endpoint", "get", "crm"}, exitBroken, "account: must be given"},
		"an account that is not there":   {[]string{"endpoint", "list", "--account", "nobody"}, exitBroken, "no account"},
		"an endpoint that is not there":  {[]string{"endpoint", "pause", "none", "--account", "acme"}, exitBroken, "no such endpoint"},
		"an id that is a path":           {[]string{"endpoint", "enable", "crm/pause", "--account", "acme"}, exitBroken, "no such path"},
		"figures of a century":           {[]string{"endpoint", "stats", "crm", "--account", "acme", "--window", "36500d"}, exitBroken, "window: must be a duration from 1m to 30d"},
		"figures of two":                 {[]string{"endpoint", "stats", "crm", "shop"}, exitMisused, "at most 1"},
		"no file":                        {[]string{"endpoint", "put", "crm"}, exitMisused, "needs -f"},
		"a file that is absent":          {[]string{"endpoint", "put", "crm", "-f", "none.yaml", "--account", "acme"}, exitBroken, "read endpoint: open none.yaml"},
		"a file of something else":       {[]string{"endpoint", "put", "crm", "-f", catalog, "--account", "acme"}, exitBroken, "accounts not found"},
		"a test without a node":          {[]string{"endpoint", "test", "crm", "--account", "acme"}, exitBroken, "needs a running node"},
		"a secret that is kept too long": {[]string{"endpoint", "secret", "crm", "--account", "acme", "--keep-old", "200h"}, exitBroken, "keep_old: must be a duration"},
		"a secret of no kind":            {[]string{"endpoint", "secret", "crm", "--account", "acme", "--kind", "rot13"}, exitBroken, "kind: must be one of"},
		"deliveries of nobody":           {[]string{"deliveries", "list"}, exitBroken, "account: must be given"},
		"less than no deliveries":        {[]string{"deliveries", "list", "--limit", "-1"}, exitMisused, "--limit"},
		"a state that is none":           {[]string{"deliveries", "list", "--account", "acme", "--state", "lost"}, exitBroken, "state: must be one of: pending"},
		"a delivery that never was":      {[]string{"deliveries", "show", "7", "--account", "acme"}, exitBroken, "no such delivery"},
		"a delivery without a number":    {[]string{"deliveries", "cancel", "crm", "--account", "acme"}, exitMisused, "not the number of a delivery"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, complaint := leadwire(t, append(row.args, "--data", data)...)
			require.Equal(t, row.code, code, complaint)
			require.Contains(t, complaint, row.want)
		})
	}
}

// A credential is read from a file or from standard input, and flags that do not go together are told.
func TestSecretFlags(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		flags secretFlags
		stdin string
		want  map[string]string
		fault string
	}{
		"a secret to sign with":         {secretFlags{kind: "hmac", keepOld: time.Hour}, "", map[string]string{"kind": "hmac", "keep_old": "1h0m0s"}, ""},
		"a token":                       {secretFlags{kind: "bearer", from: "-"}, "s3cr3t\n", map[string]string{"kind": "bearer", "value": "s3cr3t"}, ""},
		"a password with a colon":       {secretFlags{kind: "basic", from: "-"}, "ada:pass:word\r\n", map[string]string{"kind": "basic", "user": "ada", "password": "pass:word"}, ""},
		"none any more":                 {secretFlags{kind: "basic", remove: true}, "", map[string]string{"kind": "bearer", "value": ""}, ""},
		"nothing to sign with, removed": {secretFlags{kind: "hmac", remove: true}, "", nil, "--remove goes with"},
		"a token, and none":             {secretFlags{kind: "bearer", remove: true, from: "-"}, "", nil, "--remove goes with"},
		"a secret that is brought":      {secretFlags{kind: "hmac", from: "-"}, "x", nil, "--from goes with"},
		"no token":                      {secretFlags{kind: "bearer"}, "", nil, "needs --from"},
		"an empty token":                {secretFlags{kind: "bearer", from: "-"}, "\n", nil, "nothing in --from"},
		"a user without a password":     {secretFlags{kind: "basic", from: "-"}, "ada", nil, "user:password"},
		"a file that is absent":         {secretFlags{kind: "basic", from: "/nowhere/x"}, "", nil, "read credential"},
	} {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(row.stdin))
		got, err := row.flags.body(cmd)
		if row.fault != "" {
			require.ErrorContains(t, err, row.fault, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, row.want, got, name)
	}
}

// Figures are printed as somebody reads them aloud.
func TestStatsShown_Print(t *testing.T) {
	t.Parallel()
	var shown statsShown
	require.NoError(t, json.Unmarshal([]byte(`{"account":"acme","endpoint":"crm","state":"failing","since":"2026-11-26T11:00:00.000Z",
		"attempts":200,"failed":21,"failures":{"timeout":20,"cut":1},"failure_rate":0.105,"retries":20,"delivered":179,"delivery_rate":0.0497,
		"exhausted":1,"suppressed":2,"latencies_ms":{"event_to_answer":{"count":179,"p50":41.2,"p95":5400,"p99":95000},"attempt":{"count":0,"p50":null,"p95":null,"p99":null}},
		"status":{"pending":3,"oldest":"2026-11-26T11:58:00.000Z"}}`), &shown))
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	shown.print(w)
	require.NoError(t, w.Flush())
	require.Equal(t, `acme/crm           failing
  since            2026-11-26T11:00:00.000Z
  attempts         200, 21 failed (10.50 %: 20 timeout, 1 cut)
  retries          20
  delivered        179, 0.0497 a second
  given up         1
  suppressed       2
  event to answer  p50 41.2ms, p95 5.4s, p99 1m35s
  attempt          -
  pending          3
  oldest           2026-11-26T11:58:00.000Z
`, text.String())
}
