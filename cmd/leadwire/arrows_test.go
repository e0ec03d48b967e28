package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/leadwire/leadwire"

// The technologies that live in one place each.
const (
	protoactor = "github.com/asynkron/protoactor-go"
	memberlist = "github.com/hashicorp/memberlist"
	pgx        = "github.com/jackc/pgx"
	sqlite     = "zombiezen.com/go/sqlite"
	fasthttp   = "github.com/valyala/fasthttp"
)

// arrow says what packages may reach. Paths are prefixes; ours begin with a dot, "./actors/domain".
type arrow struct {
	from string
	// only lists what of this module may be reached, directly or not; nil: everything.
	only []string
	// pure: beside that, only the standard library.
	pure bool
	// never may not be reached, directly or not.
	never []string
	// notItself may not be imported directly; what a library imports for its own ends is its affair.
	notItself []string
	why       string
}

var arrows = []arrow{
	{from: "./actors/domain", only: []string{"./actors/domain"}, pure: true, why: "everybody may import it, so it imports nobody"},
	{from: "./actors/distribution", only: []string{"./actors/domain"}, pure: true, why: "rules are tested as tables, without a socket, a clock or a mailbox"},
	{from: "./actors/signature", only: []string{"./actors/domain"}, pure: true, why: "bytes and keys in, a verdict out"},
	{from: "./actors/vault", only: []string{"./actors/domain", "./actors/vault"}, pure: true, why: "keys and bytes in, sealed bytes out"},
	{from: "./actors/intake", only: []string{"./actors/domain", "./actors/distribution"}, pure: true, why: "a lead's whole life is replayed from a seed"},
	{from: "./actors/feed", only: []string{"./actors/domain"}, pure: true, why: "a feed's whole life is replayed from a seed"},
	{
		from: "./actors/telemetry", only: []string{"./actors/domain"}, never: []string{protoactor, pgx, sqlite, fasthttp},
		why: "both the edge and the actors hand it marks",
	},
	{from: "./actors/segment", only: []string{"./actors/domain"}, pure: true, why: "a filter means the same to a pixel's rules and to a buyer's"},
	{
		from: "./actors/delivery", only: []string{"./actors/domain", "./actors/identity", "./actors/segment", "./actors/glob", "./actors/delivery"},
		never: []string{protoactor, pgx, sqlite, fasthttp}, notItself: []string{"net/http", "database/sql", "github.com/prometheus/client_golang"},
		why: "what leaves, and when, is replayed from a seed",
	},
	{from: "./actors/delivery/budget", only: []string{"./actors/domain"}, pure: true, why: "a budget is played through hours that a test makes up"},
	{
		from: "./actors/delivery/stats", only: []string{"./actors/domain"}, never: []string{protoactor, pgx, sqlite, fasthttp},
		notItself: []string{"net/http", "database/sql", "github.com/prometheus/client_golang"}, why: "figures are counted by the actors and told by the edge",
	},
	{from: "./actors/delivery/schema", only: []string{"./actors/delivery/schema"}, pure: true, why: "files that both the edge and the tests of an envelope read"},
	{from: "./actors/glob", pure: true, only: []string{"./actors/glob"}, why: "a pattern means the same to the edge, the rules and the script"},
	{
		from: "./actors/identity", only: []string{"./actors/domain", "./actors/glob"}, never: []string{protoactor, pgx, sqlite, fasthttp},
		notItself: []string{"net/http", "database/sql"}, why: "who somebody is gets decided in memory; a slow tier comes in by its interface",
	},
	{
		from: "./actors/identity/graph", only: []string{"./actors/domain", "./actors/glob", "./actors/identity"},
		never: []string{protoactor, memberlist, pgx, sqlite, fasthttp, "./actors/identity/graph/synthetic"}, notItself: []string{"net/http", "database/sql"},
		why: "a file is read and built by itself, and people who do not exist are for demos and benchmarks",
	},
	{from: "./actors/identity/graph/spill", only: []string{"./actors/domain"}, pure: true, why: "sorting knows nothing of what it sorts"},
	{
		from: "./actors/identity/graph/synthetic", only: []string{"./actors/domain", "./actors/glob", "./actors/identity"},
		never: []string{protoactor, memberlist, pgx, sqlite, fasthttp}, why: "people who do not exist need no node",
	},
	{
		from: "./actors/visit", only: []string{"./actors/domain", "./actors/identity", "./actors/glob", "./actors/visit"}, never: []string{protoactor, pgx, sqlite, fasthttp},
		notItself: []string{"net/http", "database/sql", "github.com/prometheus/client_golang/prometheus"}, why: "a visitor's whole life is replayed from a seed",
	},
	{from: "./actors/wire", only: []string{"./actors/domain"}, never: []string{protoactor}, why: "messages know their words and nobody who sends them"},
	{
		from: "./actors", only: []string{"./actors", "./cluster"}, never: []string{pgx, sqlite, fasthttp, "./actors/actortest"},
		notItself: []string{"net/http", "database/sql"}, why: "actors know no SQL and no HTTP",
	},
	{
		from: "./actors/actortest", only: []string{"./actors", "./cluster", "./persistence/embedded", "./persistence/groupcommit", "./persistence/check"},
		never: []string{fasthttp, pgx}, why: "a node for tests is actors on a real store, without an edge",
	},
	{
		from: "./cluster", only: []string{"./actors/domain", "./cluster"}, never: []string{pgx, sqlite, fasthttp},
		why: "the cluster moves messages and knows no lead and no buyer",
	},
	{
		from: "./persistence", only: []string{"./actors/domain", "./persistence"}, never: []string{
			protoactor, memberlist, fasthttp, "./persistence/storetest", "./persistence/postgres/pgtest", "./persistence/embedded/disktest",
		},
		notItself: []string{"net/http"}, why: "a store knows no actor and no HTTP",
	},
	{
		from: "./httpedge", only: []string{
			"./actors/domain", "./actors/glob", "./actors/signature", "./actors/telemetry", "./actors/delivery", "./actors/segment", "./actors/identity", "./httpedge",
		},
		never: []string{"./actors/identity/graph", protoactor, memberlist, pgx, sqlite, "./httpedge/sse/ssetest", "./httpedge/dashboard/browser"}, why: "the edge reaches actors, stores and the graph through interfaces it declares itself; the pure packages' words it may use",
	},
	{
		from: "./bench", only: []string{"./actors/domain", "./actors/signature", "./bench"},
		never: []string{protoactor, memberlist, pgx, sqlite}, why: "a bench that imports the server can measure by a shortcut; its own receivers may be served by what serves best",
	},
}

// wiring is the only place that may import from everywhere; nobody imports it.
const wiring = "./cmd"

// The packages import one another only along the arrows. Test files are free: a contract suite may
// start the real thing.
func TestArrows(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for _, p := range packages {
		if strings.HasPrefix(p.ImportPath, wiring) {
			continue
		}
		rule, known := ruleOf(p.ImportPath)
		require.True(t, known, "%s has no arrow: say in this table what it may import", p.ImportPath)
		for _, fault := range rule.faults(p) {
			t.Errorf("%s imports %s, but %s", p.ImportPath, fault, rule.why)
		}
	}
	for _, rule := range arrows { // a rule about nothing would hold for ever
		require.True(t, slices.ContainsFunc(packages, func(p goPackage) bool { return within(p.ImportPath, rule.from) }),
			"no package is under %s: the table is out of date", rule.from)
	}
}

// What is for tests stays out of the program that customers run.
func TestProgram_HasNoTestCode(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		if p.ImportPath == wiring+"/leadwire" {
			require.NotContains(t, p.Deps, "testing")
			return
		}
	}
	t.Fatal("the program was not found")
}

// The rules catch what they are for.
func TestArrows_CatchFaults(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		p    goPackage
		want []string
	}{
		"a pure package with a library":    {goPackage{ImportPath: "./actors/intake", Deps: []string{"time", "github.com/google/uuid"}}, []string{"github.com/google/uuid"}},
		"the words with a neighbour":       {goPackage{ImportPath: "./actors/domain", Deps: []string{"./actors/wire"}}, []string{"./actors/wire"}},
		"the edge with pgx, far away":      {goPackage{ImportPath: "./httpedge/sse", Deps: []string{pgx + "/v5/pgconn"}}, []string{pgx + "/v5/pgconn"}},
		"the edge with the actors":         {goPackage{ImportPath: "./httpedge", Deps: []string{"./actors"}}, []string{"./actors"}},
		"actors with HTTP of their own":    {goPackage{ImportPath: "./actors", Imports: []string{"net/http"}}, []string{"net/http"}},
		"actors with HTTP in a library":    {goPackage{ImportPath: "./actors", Deps: []string{"net/http"}}, nil},
		"a store with its own contract":    {goPackage{ImportPath: "./persistence/embedded", Deps: []string{"./persistence/storetest"}}, []string{"./persistence/storetest"}},
		"a store with a server for tests":  {goPackage{ImportPath: "./persistence/postgres", Deps: []string{"./persistence/postgres/pgtest"}}, []string{"./persistence/postgres/pgtest"}},
		"actors with a node for tests":     {goPackage{ImportPath: "./actors", Deps: []string{"./actors/actortest"}}, []string{"./actors/actortest"}},
		"the edge with a browser":          {goPackage{ImportPath: "./httpedge", Deps: []string{"./httpedge/dashboard/browser"}}, []string{"./httpedge/dashboard/browser"}},
		"the edge with a client for tests": {goPackage{ImportPath: "./httpedge/sse", Deps: []string{"./httpedge/sse/ssetest"}}, []string{"./httpedge/sse/ssetest"}},
		"a store with the wiring":          {goPackage{ImportPath: "./persistence/embedded", Deps: []string{"./cmd/leadwire/settings"}}, []string{"./cmd/leadwire/settings"}},
		"the cluster with an actor's core": {goPackage{ImportPath: "./cluster", Deps: []string{"./actors/intake"}}, []string{"./actors/intake"}},
	} {
		rule, known := ruleOf(row.p.ImportPath)
		require.True(t, known, name)
		require.Equal(t, row.want, rule.faults(row.p), name)
	}
}

// ruleOf is the rule with the longest prefix.
func ruleOf(path string) (best arrow, found bool) {
	for _, rule := range arrows {
		if within(path, rule.from) && len(rule.from) > len(best.from) {
			best, found = rule, true
		}
	}
	return best, found
}

func (a arrow) faults(p goPackage) (faults []string) {
	for _, dep := range p.Deps {
		ours := strings.HasPrefix(dep, "./")
		switch {
		case dep == p.ImportPath:
		case anyWithin(dep, a.never),
			ours && a.only != nil && !anyWithin(dep, a.only),
			!ours && a.pure && !standard(dep):
			faults = append(faults, dep)
		}
	}
	for _, dep := range p.Imports {
		if anyWithin(dep, a.notItself) {
			faults = append(faults, dep)
		}
	}
	return faults
}

func anyWithin(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return within(path, prefix) })
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// standard: the first element of every other import path has a dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// list asks the go command for the module's packages, with paths as the table writes them.
func list(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		p.ImportPath = short(p.ImportPath)
		p.Imports, p.Deps = shorts(p.Imports), shorts(p.Deps)
		all = append(all, p)
	}
	require.NotEmpty(t, all)
	return all
}

func short(path string) string {
	if rest, ours := strings.CutPrefix(path, module+"/"); ours {
		return "./" + rest
	}
	return path
}

func shorts(paths []string) []string {
	all := make([]string, len(paths))
	for i, p := range paths {
		all[i] = short(p)
	}
	return all
}
