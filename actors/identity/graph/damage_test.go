package graph_test

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// few are the people of the graphs that are damaged: enough for several blocks of each section.
var few = synthetic.Population{Seed: 5, Persons: 300}

func wholeFile(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "g")
	_, err := few.Build(t.Context(), graph.BuildConfig{Out: path})
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// askAll asks for everybody. Whoever is found is who it should be, unless the checksums were made right again
// by somebody who damages files on purpose.
func askAll(t *testing.T, f *graph.File, honest bool) (found, missing int) {
	for i := range few.Persons {
		row := few.Person(i)
		hem := identity.HEMs(row.BusinessEmail)[0]
		for _, k := range []domain.Key{{Kind: domain.KeyVisitor, Value: row.Visitors[0]}, {Kind: domain.KeySHA256, Value: hem.SHA256}, {Kind: domain.KeyMD5, Value: hem.MD5}} {
			id, ok := f.Person(k)
			if !ok {
				missing++
				continue
			}
			found++
			if honest && id != row.ID {
				t.Fatalf("%v is %s, and not %s", k, row.ID, id)
			}
		}
		if record, ok := f.Record(row.ID); ok && honest && record.BusinessEmail != row.BusinessEmail {
			t.Fatalf("%s has %q", row.ID, record.BusinessEmail)
		}
		f.Company(row.Company)
	}
	for _, a := range []string{"0.0.0.0", "192.0.2.1", "203.0.113.255", "255.255.255.255", "::", "2001:db8::1", "ffff::"} {
		f.Network(netip.MustParseAddr(a))
	}
	return found, missing
}

// Whatever byte is wrong: the file is refused, or who stands in the damaged block is not found and everybody
// else is who they are; Verify always notices.
func TestFile_OneWrongByte(t *testing.T) {
	t.Parallel()
	whole := wholeFile(t)
	dir := t.TempDir()
	refused, hidden := 0, 0
	for at := 0; at < len(whole); at += 509 { // a prime: every place in a block comes up
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 0x40
		path := filepath.Join(dir, "g")
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		f, err := graph.Open(path)
		if err != nil {
			require.Equal(t, domain.Invalid, domain.CodeOf(err))
			refused++
			continue
		}
		require.Error(t, f.Verify(t.Context(), nil), "byte %d", at)
		_, missing := askAll(t, f, true)
		if missing > 0 {
			hidden++
			require.Positive(t, f.Damaged())
		}
		require.NoError(t, f.Close())
	}
	require.Positive(t, refused)
	require.Positive(t, hidden)
}

// A file that was cut, at whatever length, or that something was added to, is refused.
func TestOpen_RefusesAnotherLength(t *testing.T) {
	t.Parallel()
	whole := wholeFile(t)
	path := filepath.Join(t.TempDir(), "g")
	for _, n := range []int{0, 1, 100, 4096, 8191, 8192, len(whole) / 2, len(whole) - 1} {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err := graph.Open(path)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), n)
	}
	require.NoError(t, os.WriteFile(path, append(whole, 0), 0o600))
	_, err := graph.Open(path)
	require.ErrorContains(t, err, "should have")
	_, err = graph.Open(t.TempDir())
	require.ErrorContains(t, err, "no regular file")
}

// FuzzOpen damages a file at a few places. Where honest, the damage is what a disk does; otherwise the checksums are
// made right again, so that what is read is nonsense from the first number on: nothing may crash or read beyond.
func FuzzOpen(f *testing.F) {
	whole := wholeFile(f)
	dir := f.TempDir()
	f.Add(uint32(0), []byte{1}, true)
	f.Add(uint32(16), []byte{0xFF, 0xFF, 0xFF, 0xFF}, false)
	f.Add(uint32(4096), []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, false)
	f.Add(uint32(40_000), []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, false)
	f.Add(uint32(len(whole)-4096*9), []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), false)
	for at := 24; at < 24+8*16; at += 8 { // each number of the header
		f.Add(uint32(at), []byte{0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, false)
	}
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, honest bool) {
		damaged := append([]byte(nil), whole...)
		copy(damaged[int(at)%len(damaged):], patch)
		if !honest {
			reseal(damaged)
		}
		path := filepath.Join(dir, "g")
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		g, err := graph.Open(path)
		if err != nil {
			return
		}
		defer g.Close()
		_ = g.Verify(t.Context(), nil)
		askAll(t, g, honest)
	})
}

// reseal makes the checksums of blocks, of the table and of the header right again.
func reseal(b []byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	graph.Reseal(b)
	binary.BigEndian.PutUint32(b[4092:], crc32.Checksum(b[:4092], table))
}
