package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

var day = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// inputs of a build, as text.
type inputs struct{ persons, companies, networks string }

// build makes a graph of texts and opens it.
func build(t *testing.T, in inputs, change ...func(*graph.BuildConfig)) (*graph.File, graph.Summary, []graph.Refusal) {
	t.Helper()
	var refused []graph.Refusal
	cfg := graph.BuildConfig{
		Out: filepath.Join(t.TempDir(), "people.graph"), Temp: t.TempDir(), BuiltAt: day,
		Refused: func(r graph.Refusal) { refused = append(refused, r) },
	}
	for _, c := range change {
		c(&cfg)
	}
	b, err := graph.NewBuilder(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	source := func(name, text string) graph.Source {
		return graph.Source{Name: name, From: strings.NewReader(text), Size: int64(len(text))}
	}
	require.NoError(t, b.Companies(t.Context(), source("companies", in.companies)))
	require.NoError(t, b.Networks(t.Context(), source("networks", in.networks)))
	require.NoError(t, b.Persons(t.Context(), source("persons", in.persons)))
	sum, err := b.Finish(t.Context())
	require.NoError(t, err)
	f, err := graph.Open(cfg.Out)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	require.NoError(t, f.Verify(t.Context(), nil))
	return f, sum, refused
}

// keysOf lists every key a row gives, in every form somebody may ask for it.
func keysOf(t *testing.T, r graph.PersonRow) (keys []domain.Key) {
	t.Helper()
	hems := append(append(identity.HEMs(r.BusinessEmail), identity.HEMs(r.PersonalEmail)...), r.HEMs...)
	for _, email := range r.Emails {
		hems = append(hems, identity.ReadEmail(email)...)
	}
	for _, phone := range r.Phones {
		hash, ok := identity.PhoneHash(phone)
		require.True(t, ok)
		keys = append(keys, identity.KeysOf("", nil, hash, nil)...)
	}
	for _, v := range r.Visitors {
		keys = append(keys, identity.KeysOf(domain.VisitorID(v), nil, "", nil)...)
	}
	return append(keys, identity.KeysOf("", hems, "", r.Clicks)...)
}

// Whatever is put in is found by every key it was given, in every variant, and comes back as it was; also when
// it was sorted on disk.
func TestBuild_FindsAllThatWasPutIn(t *testing.T) {
	t.Parallel()
	for name, people := range map[string]int{"in memory": 500, "spilled": 30_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := synthetic.Population{Seed: 7, Persons: people}
			out := filepath.Join(t.TempDir(), "people.graph")
			sum, err := p.Build(t.Context(), graph.BuildConfig{Out: out, Temp: t.TempDir(), Memory: 16 << 20})
			require.NoError(t, err)
			require.Equal(t, people > 10_000, sum.Spilled > 0)
			require.Empty(t, sum.Conflicts)
			f, err := graph.Open(out)
			require.NoError(t, err)
			defer f.Close()
			require.NoError(t, f.Verify(t.Context(), nil))
			require.EqualValues(t, people, f.Info().Persons)
			require.Contains(t, f.Info().Label, "synthetic")
			keys := int64(0)
			for i := range people {
				row := p.Person(i)
				for _, k := range keysOf(t, row) {
					got, ok := f.Person(k)
					require.True(t, ok, "%v", k)
					require.Equal(t, row.ID, got)
					keys++
				}
				record, ok := f.Record(row.ID)
				require.True(t, ok)
				row.Person.HEMs = identity.HEMs(row.BusinessEmail)
				require.Equal(t, row.Person, record)
			}
			require.Equal(t, keys, f.Info().Keys)
			for i := range p.Companies() {
				company, ok := f.Company(strings.ToUpper(synthetic.CompanyDomain(i)))
				require.True(t, ok)
				require.Equal(t, p.Company(i).Company, company)
			}
			require.NoError(t, p.Networks(func(n graph.NetworkRow) error {
				got, ok := f.Network(n.Network.Addr())
				require.True(t, ok, n.Network)
				require.Equal(t, n.Domain, got)
				return nil
			}))
			require.Zero(t, f.Damaged())
		})
	}
}

// Nobody is found by what was not put in.
func TestBuild_FindsNobodyElse(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "people.graph")
	_, err := synthetic.Population{Seed: 1, Persons: 2000}.Build(t.Context(), graph.BuildConfig{Out: out})
	require.NoError(t, err)
	f, err := graph.Open(out)
	require.NoError(t, err)
	defer f.Close()
	stranger := synthetic.Population{Seed: 2, Persons: 2000}
	for i := range stranger.Persons {
		row := stranger.Person(i)
		row.Phones = nil // the same numbers for any seed
		row.BusinessEmail = "stranger-" + row.BusinessEmail
		for _, k := range keysOf(t, row) {
			_, ok := f.Person(k)
			require.False(t, ok, "%v", k)
		}
	}
	for _, k := range []domain.Key{{}, {Kind: "person", Value: "synthetic-00000000"}, {Kind: domain.KeyVisitor}, {Kind: domain.KeyMD5, Value: "abc"}, {Kind: domain.KeySHA256, Value: strings.Repeat("x", 64)}} {
		_, ok := f.Person(k)
		require.False(t, ok, "%v", k)
	}
	_, ok := f.Record("")
	require.False(t, ok)
	_, ok = f.Company("")
	require.False(t, ok)
	for _, a := range []string{"127.0.0.1", "10.0.0.1", "192.0.3.0", "255.255.255.255", "::1", "2001:db7::1"} {
		_, ok := f.Network(netip.MustParseAddr(a))
		require.False(t, ok, a)
	}
	_, ok = f.Network(netip.Addr{})
	require.False(t, ok)
	require.Zero(t, f.Damaged(), "nothing of this is damage")
}

// The same rows make the same file, whatever the memory; the time of building is told, and is not content.
func TestBuild_IsTheSameEachTime(t *testing.T) {
	t.Parallel()
	p := synthetic.Population{Seed: 3, Persons: 30_000}
	var sums []string
	for i, memory := range []int64{16 << 20, 512 << 20} {
		sum, err := p.Build(t.Context(), graph.BuildConfig{Out: filepath.Join(t.TempDir(), "g"), Memory: memory, BuiltAt: day.AddDate(0, 0, i)})
		require.NoError(t, err)
		require.Equal(t, i == 0, sum.Spilled > 0)
		sums = append(sums, sum.Info.Checksum)
	}
	require.Equal(t, sums[0], sums[1])
}

// Who has a key that several claim, and which row of a person is kept, is a rule and not chance.
func TestBuild_Contradictions(t *testing.T) {
	t.Parallel()
	key := domain.Key{Kind: domain.KeyVisitor, Value: "v-1"}
	for name, row := range map[string]struct {
		rows                      []string
		owner                     domain.PersonID
		title                     string // of p-1
		older, repeated, conflict int64
	}{
		"the newest row has the key": {
			rows: []string{
				`{"id":"p-1","visitors":["v-1"],"seen_at":"2026-01-01"}`,
				`{"id":"p-2","visitors":["v-1"],"seen_at":"2026-01-02"}`,
			}, owner: "p-2", conflict: 1,
		},
		"of the same time the smaller id": {
			rows: []string{
				`{"id":"p-2","visitors":["v-1"],"seen_at":"2026-01-01"}`,
				`{"id":"p-1","visitors":["v-1"],"seen_at":"2026-01-01"}`,
			}, owner: "p-1", conflict: 1,
		},
		"a row without a time is older than any": {
			rows: []string{
				`{"id":"p-1","visitors":["v-1"]}`,
				`{"id":"p-2","visitors":["v-1"],"seen_at":"1970-01-01"}`,
			}, owner: "p-2", conflict: 1,
		},
		"given twice for one person is no conflict": {
			rows: []string{
				`{"id":"p-1","visitors":["v-1"],"title":"old","seen_at":"2026-01-01"}`,
				`{"id":"p-1","visitors":["v-1"],"title":"new","seen_at":"2026-01-02"}`,
			}, owner: "p-1", title: "new", older: 1, repeated: 1,
		},
		"the newest row is kept, whatever the order; the keys of the others too": {
			rows: []string{
				`{"id":"p-1","title":"new","seen_at":"2026-01-02"}`,
				`{"id":"p-1","visitors":["v-1"],"title":"old","seen_at":"2026-01-01"}`,
			}, owner: "p-1", title: "new", older: 1,
		},
		"of the same time the later row": {
			rows: []string{
				`{"id":"p-1","visitors":["v-1"],"title":"first"}`,
				`{"id":"p-1","title":"second"}`,
			}, owner: "p-1", title: "second", older: 1,
		},
	} {
		f, sum, refused := build(t, inputs{persons: strings.Join(row.rows, "\n")})
		require.Empty(t, refused, name)
		owner, ok := f.Person(key)
		require.True(t, ok, name)
		require.Equal(t, row.owner, owner, name)
		person, ok := f.Record("p-1")
		require.True(t, ok, name)
		require.Equal(t, row.title, person.Title, name)
		require.Equal(t, row.older, sum.Older, name)
		require.Equal(t, row.repeated, sum.Repeated, name)
		require.Equal(t, row.conflict, sum.Conflicts["visitor"], name)
	}
}

// Of networks within networks the longest prefix counts.
func TestBuild_Networks(t *testing.T) {
	t.Parallel()
	f, sum, refused := build(t, inputs{networks: `network,domain,seen_at
10.0.0.0/8,a.example,
10.1.0.0/16,b.example,
10.1.2.0/24,c.example,
10.1.2.3,d.example,
10.2.0.0/16,old.example,2026-01-01
10.2.0.0/16,new.example,2026-01-02
255.255.255.0/24,last.example,
::ffff:192.0.2.0/120,mapped.example,
2001:db8::/32,six.example,
2001:db8:1::/48,seven.example,
ffff::/16,end.example,
`})
	require.Empty(t, refused)
	require.EqualValues(t, 10, sum.Info.Networks)
	require.EqualValues(t, 1, sum.NetworkConflicts)
	for address, want := range map[string]string{
		"9.255.255.255": "", "10.0.0.0": "a.example", "10.0.255.255": "a.example", "10.1.0.0": "b.example", "10.1.2.2": "c.example",
		"10.1.2.3": "d.example", "10.1.2.4": "c.example", "10.1.3.0": "b.example", "10.1.255.255": "b.example", "10.2.0.1": "new.example",
		"10.3.0.0": "a.example", "10.255.255.255": "a.example", "11.0.0.0": "", "255.255.254.255": "", "255.255.255.255": "last.example",
		"192.0.2.7": "mapped.example", "::ffff:10.1.2.3": "d.example", "2001:db7:ffff::": "", "2001:db8::1": "six.example",
		"2001:db8:1::1": "seven.example", "2001:db8:2::": "six.example", "2001:db9::": "", "ffff:ffff::": "end.example", "fe80::1%eth0": "",
	} {
		got, _ := f.Network(netip.MustParseAddr(address))
		require.Equal(t, want, got, address)
	}
	company, ok := f.Company("six.example")
	require.True(t, ok, "a network's company is known by its domain at least")
	require.Equal(t, domain.Company{Domain: "six.example"}, company)
}

// Random networks are found as looking through all of them finds them.
func TestBuild_NetworksAgainstALinearSearch(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		var text strings.Builder
		text.WriteString("network,domain\n")
		given := map[netip.Prefix]string{}
		for range 60 {
			bits := 4 + r.IntN(29)
			a := netip.AddrFrom4([4]byte{byte(r.IntN(3) * 127), byte(r.IntN(4) * 85), byte(r.IntN(256)), byte(r.IntN(256))})
			if r.IntN(2) == 0 {
				sixteen := [16]byte{0: 0x20, 1: byte(r.IntN(3)), 2: byte(r.IntN(4)), 15: byte(r.IntN(4))}
				a, bits = netip.AddrFrom16(sixteen), 8+r.IntN(121)
			}
			p := netip.PrefixFrom(a, bits).Masked()
			if given[p] == "" {
				given[p] = fmt.Sprintf("c%d.example", r.IntN(5))
				fmt.Fprintf(&text, "%s,%s\n", p, given[p])
			}
		}
		f, _, refused := build(t, inputs{networks: text.String()})
		require.Empty(t, refused)
		check := func(a netip.Addr) {
			if !a.IsValid() {
				return
			}
			best, want := -1, ""
			for p, name := range given {
				if p.Contains(a) && p.Bits() > best {
					best, want = p.Bits(), name
				}
			}
			got, _ := f.Network(a)
			require.Equal(t, want, got, "seed %d, %s", seed, a)
		}
		for p := range given { // where something changes
			first := p.Addr()
			check(first)
			check(first.Prev())
			last := first.AsSlice()
			for bit := p.Bits(); bit < len(last)*8; bit++ {
				last[bit/8] |= 1 << (7 - bit%8)
			}
			a, _ := netip.AddrFromSlice(last)
			check(a)
			check(a.Next())
		}
	}
}

// The memory asked for is what sorting keeps to, and nothing is left behind: no temporary file, and no half
// file when a build is given up.
func TestBuild_LeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir, temp := t.TempDir(), t.TempDir()
	p := synthetic.Population{Seed: 1, Persons: 20_000}
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := func(graph.Progress) { cancel() }
	b, err := graph.NewBuilder(graph.BuildConfig{Out: filepath.Join(dir, "g"), Temp: temp, Memory: 16 << 20, Progress: cancelled})
	require.NoError(t, err)
	for i := range p.Persons {
		require.NoError(t, b.AddPerson(p.Person(i)))
	}
	_, err = b.Finish(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, b.Close())
	for _, folder := range []string{dir, temp} {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// A build that fails leaves the file that is there alone.
func TestBuild_ReplacesOnlyByAWholeFile(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "g")
	_, err := synthetic.Population{Seed: 1, Persons: 10}.Build(t.Context(), graph.BuildConfig{Out: out})
	require.NoError(t, err)
	before, err := os.ReadFile(out)
	require.NoError(t, err)
	b, err := graph.NewBuilder(graph.BuildConfig{Out: out})
	require.NoError(t, err)
	_, err = b.Finish(t.Context())
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	require.ErrorContains(t, err, "no row was taken")
	require.NoError(t, b.Close())
	after, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
}

// What cannot be built is said at once, with the setting at fault.
func TestNewBuilder_Refuses(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]graph.BuildConfig{
		"out":    {},
		"memory": {Out: "x", Memory: 1 << 20},
		"label":  {Out: "x", Label: strings.Repeat("x", 65)},
	} {
		_, err := graph.NewBuilder(cfg)
		var e *domain.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, field, e.Field)
	}
}
