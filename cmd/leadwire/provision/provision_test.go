package provision

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shelf is a catalog on a shelf: what a store does with it, and nothing else of a store.
type shelf struct {
	catalog domain.Catalog
	applied int
	audit   []domain.AuditEntry
	rival   func(*shelf) // comes between a reading and a writing
}

func (s *shelf) Catalog(context.Context) (domain.Catalog, error) { return s.catalog, nil }

func (s *shelf) ApplyCatalog(_ context.Context, c domain.Catalog, audit ...domain.AuditEntry) (int64, error) {
	if s.rival != nil {
		s.rival(s)
	}
	if c.Revision != s.catalog.Revision {
		return 0, domain.Fail("apply catalog", domain.Conflict, nil)
	}
	s.applied++
	s.audit = append(s.audit, audit...)
	s.catalog = c
	s.catalog.Revision++
	return s.catalog.Revision, nil
}

func (s *shelf) TokenKey(context.Context) ([]byte, error) { return make([]byte, token.KeySize), nil }

func fromFile(t *testing.T, name string) domain.Catalog {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer f.Close()
	c, err := Read(f)
	require.NoError(t, err)
	return c
}

// Each step of testdata is applied on top of the one before; what it prints is in its golden file.
func TestApply_Golden(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	steps, err := filepath.Glob("testdata/step*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, steps)
	for _, step := range steps {
		next := fromFile(t, filepath.Base(step))
		would, err := Apply(t.Context(), store, Request{Catalog: next, DryRun: true})
		require.NoError(t, err)
		require.False(t, would.Applied)
		require.Empty(t, would.Tokens, "a token for an entry that is not there yet would not work")

		out, err := Apply(t.Context(), store, Request{Catalog: next})
		require.NoError(t, err)
		require.Equal(t, would.Changes, out.Changes, "a dry run says what happens")
		golden(t, strings.TrimSuffix(step, ".yaml")+".golden", out)

		applied := store.applied
		again, err := Apply(t.Context(), store, Request{Catalog: next})
		require.NoError(t, err)
		require.Empty(t, again.Changes)
		require.Empty(t, again.Tokens)
		require.Equal(t, applied, store.applied, "applying again writes nothing")
	}
}

func golden(t *testing.T, path string, out Outcome) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "applied=%v revision=%d\n", out.Applied, out.Revision)
	for _, c := range out.Changes {
		fmt.Fprintln(&b, c)
	}
	for _, k := range out.Tokens {
		fmt.Fprintf(&b, "token %s/%s %s\n", k.Account, k.Buyer, k.ID)
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// The tokens open the feed they are for, and --all-tokens gives them again.
func TestApply_TokensWork(t *testing.T) {
	t.Parallel()
	store := &shelf{}
	next := fromFile(t, "step1.yaml")
	out, err := Apply(t.Context(), store, Request{Catalog: next})
	require.NoError(t, err)
	require.Len(t, out.Tokens, 1)
	key, _ := store.TokenKey(t.Context())
	claims, err := token.Verify(key, out.Tokens[0].Token, time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), domain.NewDirectory(store.catalog))
	require.NoError(t, err)
	require.Equal(t, domain.BuyerKey{Account: "acme", Buyer: "ada"}, claims.Buyer)

	again, err := Apply(t.Context(), store, Request{Catalog: next, AllTokens: true})
	require.NoError(t, err)
	require.Equal(t, out.Tokens, again.Tokens)
}

// Two operators at once: the second writes nothing, and is told what it would take now.
func TestApply_SomeoneWasFirst(t *testing.T) {
	t.Parallel()
	store := &shelf{rival: func(s *shelf) {
		s.catalog.Accounts = []domain.Account{{ID: "rival"}}
		s.catalog.Revision++
	}}
	out, err := Apply(t.Context(), store, Request{Catalog: domain.Catalog{Accounts: []domain.Account{{ID: "mine"}}}})
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.ErrorContains(t, err, "revision 0 became 1")
	require.Equal(t, []domain.Change{{Op: domain.Add, Entity: "account mine"}, {Op: domain.Remove, Entity: "account rival"}}, out.Changes)
	require.Empty(t, out.Tokens)
	require.False(t, out.Applied)
	require.Zero(t, store.applied)
}

// What an operator mistypes is named, with its line or its path.
func TestRead_Refuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"an unknown field, by its line":       {"accounts:\n  - id: acme\n    naem: x\n", "line 3: field naem not found"},
		"a field of the wrong kind":           {"accounts:\n  - id: acme\n    buyers: 7\n", "line 3: cannot unmarshal"},
		"no YAML at all":                      {"accounts: [", "line 1"},
		"a key that is there twice":           {"accounts: []\naccounts: []\n", "line 2: mapping key \"accounts\" already defined"},
		"a second document that nobody reads": {"accounts: []\n---\naccounts: []\n", "more than one document"},
		"an empty file":                       {"  \n", "is empty"},
		"a kind of source that nobody knows":  {"sources: [{id: a, kind: ghlx}]\n", "sources[0].kind: must be one of: ghl"},
		"a key that cannot be read":           {"sources: [{id: a, kind: ghl, public_keys: [abc]}]\n", "sources[0].public_keys[0]"},
		"a rule of the catalog":               {"accounts: [{id: a, buyers: [{id: b, daily_cap: -1}]}]\n", "accounts[0].buyers[0].daily_cap"},
		"a pattern that no path has":          {"accounts: [{id: a, pixels: [{id: p, origins: [\"http://a\"], deny: [\"/a?b\"]}]}]\n", "accounts[0].pixels[0].deny[0]: must be a path"},
		"a field that no event has":           {"accounts: [{id: a, pixels: [{id: p, origins: [\"http://a\"], announce: {segments: [{field: person.shoe, op: exists}]}}]}]\n", "accounts[0].pixels[0].announce.segments[0].field: \"person.shoe\""},
		"a shape that nobody made":            {"accounts: [{id: a, shapes: [{id: s, preset: zapier}]}]\n", "accounts[0].shapes[0].preset"},
		"a URL that reads in two ways":        {"accounts: [{id: a, endpoints: [{id: e, url: \"https://0x7f.1/\"}]}]\n", "accounts[0].endpoints[0].url"},
		"what an endpoint cannot leave out":   {"accounts: [{id: a, endpoints: [{id: e, url: \"https://hooks.example.com/\", omit: [person.shoe]}]}]\n", "accounts[0].endpoints[0].omit[0]"},
		"a file without an end":               {strings.Repeat("#", MaxFile+1), "is over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(strings.NewReader(row.text))
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
			require.ErrorContains(t, err, row.want)
		})
	}
}

// No text makes the reader fall over.
func FuzzRead(f *testing.F) {
	f.Add("sources: [{id: ghl, kind: ghl}]\naccounts: [{id: a, buyers: [{id: b, tokens: [{id: t, expires_at: 2027-01-01T00:00:00Z}]}]}]\n")
	f.Add("accounts: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := Read(strings.NewReader(text)); err == nil {
			require.NoError(t, Check(c))
			require.Empty(t, c.Diff(c))
		}
	})
}
