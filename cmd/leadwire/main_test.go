package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/leadwire/leadwire/cmd/leadwire/control"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's own: one clock for the process, and a pool's cleaner that looks up every 10s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// patience is for what happens by itself on a loaded machine; nothing here takes a hundredth of it.
const patience = 30 * time.Second

// screen is what a command printed, readable while it runs.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// leadwire runs one command to its end.
func leadwire(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err screen
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

const shopFile = "provision/testdata/step1.yaml"

// startServe runs `serve` until the test ends, and returns its data folder and address.
func startServe(t *testing.T) (data, address string) {
	t.Helper()
	data = t.TempDir()
	file := filepath.Join(t.TempDir(), "address")
	ctx, cancel := context.WithCancel(t.Context())
	var out, log screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--address-file", file, "--drain-grace", "-1s", "--farewell", "1ms"}, &out, &log)
	}()
	t.Cleanup(func() {
		cancel()
		require.Zero(t, <-ended, log.String())
		require.NoFileExists(t, file, "nobody answers there any more")
		require.Contains(t, log.String(), `"msg":"stopped"`)
	})
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		address = strings.TrimSpace(string(text))
		return err == nil
	}, patience, 5*time.Millisecond)
	return data, address
}

// apply finds the catalog wherever it is: in a running node, or in a store that nobody has open.
func TestApply_WithANodeAndWithout(t *testing.T) {
	data, address := startServe(t)
	code, out, complaint := leadwire(t, "apply", "-f", shopFile, "--data", data)
	require.Zero(t, code, complaint)
	require.Contains(t, out, "+ account acme / buyer ada: daily_cap=25")
	require.Contains(t, out, "6 changes applied (revision 1)\ntoken acme/ada desk: lwb1.")

	code, out, _ = leadwire(t, "apply", "-f", shopFile, "--data", data)
	require.Zero(t, code)
	require.Equal(t, "no changes (revision 1)\n", out)

	status, err := control.NewClient(data).Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, address, status.Address)

	alone := t.TempDir()
	code, out, complaint = leadwire(t, "apply", "-f", shopFile, "--data", alone, "--json")
	require.Zero(t, code, complaint)
	var outcome provision.Outcome
	require.NoError(t, json.Unmarshal([]byte(out), &outcome))
	require.True(t, outcome.Applied)
	require.Len(t, outcome.Changes, 6)
	require.Len(t, outcome.Tokens, 1)
}

// A dry run changes nothing, and does not even make a store.
func TestApply_DryRun(t *testing.T) {
	data := filepath.Join(t.TempDir(), "none")
	code, out, _ := leadwire(t, "apply", "-f", shopFile, "--data", data, "--dry-run")
	require.Zero(t, code)
	require.Contains(t, out, "6 changes, not applied (revision 0)\n")
	require.NoDirExists(t, data)
}

// What is asked wrongly is told from what went wrong, by the exit code, and the message names it.
func TestRun_ExitCodes(t *testing.T) {
	t.Setenv("LEADWIRE_STORE", "")
	dir := t.TempDir()
	typo := filepath.Join(dir, "typo.yaml")
	require.NoError(t, os.WriteFile(typo, []byte("listn: :1\n"), 0o600))
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"version":                          {[]string{"version"}, 0, ""},
		"help":                             {[]string{"help"}, 0, ""},
		"no such command":                  {[]string{"serv"}, exitMisused, `unknown command "serv"`},
		"no such flag":                     {[]string{"serve", "--prot", "1"}, exitMisused, "unknown flag: --prot"},
		"a flag of the wrong kind":         {[]string{"serve", "--streams", "many"}, exitMisused, "--streams"},
		"words that nobody asked for":      {[]string{"serve", "now"}, exitMisused, "now"},
		"a misspelt key in the file":       {[]string{"serve", "--config", typo}, exitMisused, `unknown key "listn"`},
		"also for other commands":          {[]string{"migrate", "--config", typo}, exitMisused, `unknown key "listn"`},
		"no such log level":                {[]string{"serve", "--log-level", "loud"}, exitMisused, "log-level"},
		"no such log format":               {[]string{"serve", "--log-format", "xml"}, exitMisused, "log-format"},
		"apply without a file":             {[]string{"apply"}, exitMisused, "-f FILE"},
		"apply of a file that is absent":   {[]string{"apply", "-f", filepath.Join(dir, "no.yaml")}, exitBroken, "no.yaml"},
		"backup to nowhere":                {[]string{"backup"}, exitMisused, "--to FILE"},
		"backup of Postgres":               {[]string{"backup", "--to", "x", "--store", "postgres://h/d"}, exitMisused, "pg_dump"},
		"backup of nothing":                {[]string{"backup", "--to", "x", "--data", filepath.Join(dir, "none")}, exitBroken, "no store in"},
		"a demo that is a bench":           {[]string{"demo", "--rate", "5000"}, exitMisused, "leadwire bench"},
		"a limit that makes no sense":      {[]string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--header-size", "7"}, exitBroken, "header_size"},
		"a store that cannot be reached":   {[]string{"migrate", "--store", "postgres://127.0.0.1:1/x?connect_timeout=1"}, exitBroken, "connection refused"},
		"a bench of a figure nobody knows": {[]string{"bench", "crm", "--require", "speed>9"}, exitMisused, "speed"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, complaint := leadwire(t, row.args...)
			require.Equal(t, row.code, code, complaint)
			require.Contains(t, complaint, row.want)
		})
	}
}

// What is in force can be asked for without starting anything, and does not tell secrets.
func TestServe_PrintConfig(t *testing.T) {
	t.Setenv("LEADWIRE_STORE", "postgres://ann:hunter2@db/leads")
	code, out, _ := leadwire(t, "serve", "--print-config", "--streams", "7")
	require.Zero(t, code)
	require.Contains(t, out, "streams: 7 # flag\n")
	require.Contains(t, out, "store: postgres://ann:REDACTED@db/leads # environment LEADWIRE_STORE\n")
	require.NotContains(t, out, "hunter2")
}

// migrate brings a store up to date, and again changes nothing.
func TestMigrate(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		code, out, complaint := leadwire(t, "migrate", "--data", data)
		require.Zero(t, code, complaint)
		require.Equal(t, "the schema is up to date\n", out)
	}
	require.FileExists(t, filepath.Join(data, "leadwire.db"))
}

// The demo shows the whole way by itself: rows reach the desks, Ctrl-C ends it with a table, and the
// temporary store is gone afterwards.
func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, interrupt := context.WithTimeout(t.Context(), patience)
	defer interrupt()
	var out screen
	var mu sync.Mutex
	acked, rows, views := 0, 0, 0
	both := func(count *int) {
		mu.Lock()
		defer mu.Unlock()
		*count++
		if acked >= 20 && rows >= 10 && views >= 10 {
			interrupt()
		}
	}
	p := play{
		listen: "127.0.0.1:0", shop: "127.0.0.1:0", people: 2000, rate: 200, seed: 1,
		acked: func(int) { both(&acked) }, row: func() { both(&rows) }, view: func() { both(&views) },
	}
	require.NoError(t, p.run(ctx, &out, slog.New(slog.DiscardHandler)))
	require.ErrorIs(t, ctx.Err(), context.Canceled, "the rows arrived in time")

	text := out.String()
	require.Contains(t, text, "Watch brightroof's page:")
	require.Regexp(t, `http://127\.0\.0\.1:\d+/\?token=lwb1\.`, text)
	require.Contains(t, text, "of a shop with the pixel on it")
	require.Contains(t, text, "all of them are synthetic")
	require.Regexp(t, `\d+ webhooks and \d+ page views were acknowledged`, text)
	require.Regexp(t, `received → committed +\d\d+ `, text)
	require.Regexp(t, `client received → rendered +0 +- +- +-`, text)
	require.Contains(t, text, "no page was open")
	require.Regexp(t, `A customer's endpoint took [1-9]\d* events, half of them within \d+m?s of the decision; 0 were not signed`, text)
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	require.Empty(t, left)
}

// It can end by itself, keep its store, and go on with it; it leaves other people's stores alone.
func TestDemo_KeepsItsOwnStore(t *testing.T) {
	data := t.TempDir()
	for range 2 {
		var out screen
		p := play{listen: "127.0.0.1:0", shop: "127.0.0.1:0", people: 500, data: data, rate: 100, duration: time.Second, seed: 2}
		require.NoError(t, p.run(t.Context(), &out, slog.New(slog.DiscardHandler)))
		require.Contains(t, out.String(), "It ends after 1s.")
	}
	theirs := t.TempDir()
	code, _, complaint := leadwire(t, "apply", "-f", shopFile, "--data", theirs)
	require.Zero(t, code, complaint)
	err := play{listen: "127.0.0.1:0", shop: noShop, data: theirs, rate: 1}.run(t.Context(), &screen{}, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "account acme")
	code, out, _ := leadwire(t, "apply", "-f", shopFile, "--data", theirs)
	require.Zero(t, code)
	require.Equal(t, "no changes (revision 1)\n", out)
}

// A version says what was built, also when it was built from a changed tree or without one.
func TestDescribe(t *testing.T) {
	t.Parallel()
	info := func(settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	for want, in := range map[string]*debug.BuildInfo{
		"leadwire (unknown) (no commit) ":              nil,
		"leadwire v1.2.3 (no commit) ":                 info(),
		"leadwire v1.2.3 (0123456789ab) ":              info(revision),
		"leadwire v1.2.3 (0123456789ab, modified) go1": info(revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
	} {
		require.True(t, strings.HasPrefix(describe(in), want), describe(in))
	}
}

// A person reads text, a collector JSON; a screen that is no terminal is taken for a collector.
func TestNewLogger(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"text": "msg=hello", "json": `"msg":"hello"`, "auto": `"msg":"hello"`} {
		var out screen
		log, err := newLogger(&out, format, "warn")
		require.NoError(t, err)
		log.Info("unheard")
		log.Warn("hello")
		require.Contains(t, out.String(), want)
		require.NotContains(t, out.String(), "unheard")
	}
}

func Example_dryRun() {
	fmt.Println(run(context.Background(), []string{"apply", "-f", shopFile, "--dry-run", "--data", "/nowhere"}, os.Stdout, os.Stderr))
	// Output:
	// + account acme: name="Acme Solar"
	// + account acme / buyer ada: daily_cap=25 name="Ada's Roofs" timezone="America/New_York"
	// + account acme / buyer ada / token desk: expires_at="2027-01-01T00:00:00Z"
	// + account acme / campaign solar: buyers=["ada"] method="round_robin"
	// + account acme / location ghl/ve9EPM428h8vShlRW1KT: campaign="solar"
	// + source ghl: kind="ghl"
	// 6 changes, not applied (revision 0)
	// 0
}
