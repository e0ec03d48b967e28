package vault_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
)

var (
	secret = []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	here   = vault.AAD(domain.EndpointKey{Account: "acme", Endpoint: "crm"}, domain.HMACSecret, "wk_1")
)

func open(t testing.TB, current vault.Key, older ...vault.Key) *vault.Vault {
	t.Helper()
	v, err := vault.New(current, older...)
	require.NoError(t, err)
	return v
}

func seal(t testing.TB, v *vault.Vault, plain, aad []byte) []byte {
	t.Helper()
	sealed, err := v.Seal(plain, aad)
	require.NoError(t, err)
	return sealed
}

func TestVault_OpensWhatItSealed(t *testing.T) {
	t.Parallel()
	v := open(t, vault.NewKey())
	for _, plain := range [][]byte{secret, nil, {0}, bytes.Repeat([]byte("x"), vault.MaxSecret)} {
		sealed := seal(t, v, plain, here)
		require.Len(t, sealed, len(plain)+vault.Overhead)
		got, err := v.Open(sealed, here)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, got))
		require.False(t, v.NeedsReseal(sealed))
		if len(plain) > 4 {
			require.NotContains(t, string(sealed), string(plain[:4]))
		}
	}
	one, other := seal(t, v, secret, here), seal(t, v, secret, here)
	require.NotEqual(t, one, other, "equal secrets do not show")
	_, err := v.Seal(make([]byte, vault.MaxSecret+1), here)
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
}

// A row that was changed in any bit, cut or lengthened does not open.
func TestVault_NoticesAnyChange(t *testing.T) {
	t.Parallel()
	v := open(t, vault.NewKey())
	sealed := seal(t, v, secret, here)
	for i := range len(sealed) * 8 {
		changed := bytes.Clone(sealed)
		changed[i/8] ^= 1 << (i % 8)
		_, err := v.Open(changed, here)
		require.Error(t, err, "bit %d", i)
		require.NotContains(t, err.Error(), "whsec")
	}
	for n := range sealed {
		_, err := v.Open(sealed[:n], here)
		require.Error(t, err)
	}
	_, err := v.Open(append(sealed, 0), here)
	require.Error(t, err)
}

// A row belongs to one secret of one endpoint: copied elsewhere it is of no use.
func TestVault_ARowCannotBeMoved(t *testing.T) {
	t.Parallel()
	v := open(t, vault.NewKey())
	sealed := seal(t, v, secret, here)
	for name, place := range map[string][]byte{
		"another endpoint":           vault.AAD(domain.EndpointKey{Account: "acme", Endpoint: "crm2"}, domain.HMACSecret, "wk_1"),
		"another account's":          vault.AAD(domain.EndpointKey{Account: "evil", Endpoint: "crm"}, domain.HMACSecret, "wk_1"),
		"another secret":             vault.AAD(domain.EndpointKey{Account: "acme", Endpoint: "crm"}, domain.HMACSecret, "wk_2"),
		"another kind":               vault.AAD(domain.EndpointKey{Account: "acme", Endpoint: "crm"}, domain.BearerSecret, "wk_1"),
		"the same letters otherwise": vault.AAD(domain.EndpointKey{Account: "acmec", Endpoint: "rm"}, domain.HMACSecret, "wk_1"),
		"no place":                   nil,
	} {
		_, err := v.Open(sealed, place)
		require.ErrorContains(t, err, "another place", name)
	}
}

// A new key: what the old one sealed opens, says that it wants resealing, and then the old one is needless.
func TestVault_RotatesItsKey(t *testing.T) {
	t.Parallel()
	older, newer := vault.NewKey(), vault.NewKey()
	sealed := seal(t, open(t, older), secret, here)

	both := open(t, newer, older)
	require.Equal(t, newer.ID(), both.Current())
	require.True(t, both.NeedsReseal(sealed))
	plain, err := both.Open(sealed, here)
	require.NoError(t, err)
	again := seal(t, both, plain, here)
	require.False(t, both.NeedsReseal(again))

	alone := open(t, newer)
	plain, err = alone.Open(again, here)
	require.NoError(t, err)
	require.Equal(t, secret, plain)
	_, err = alone.Open(sealed, here)
	require.ErrorContains(t, err, "key "+older.ID()+" has sealed it, and is not among those given")
	require.True(t, alone.NeedsReseal(nil))
}

func TestVault_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	key := vault.NewKey()
	v := open(t, key)
	_, err := v.Open([]byte("x"), here)
	require.ErrorContains(t, err, "it has 1 bytes")
	sealed := seal(t, v, secret, here)
	sealed[0] = 2
	_, err = v.Open(sealed, here)
	require.ErrorContains(t, err, "version 2")
	require.True(t, v.NeedsReseal(sealed))
	_, err = vault.New(key, key)
	require.ErrorContains(t, err, "twice")
	_, err = vault.New(vault.Key{})
	require.ErrorContains(t, err, "key 1 of 1 is empty")
	_, err = vault.New(key, vault.Key{})
	require.ErrorContains(t, err, "key 2 of 2 is empty")
}

func TestParseKey_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := vault.NewKey().Encode()
	for name, row := range map[string]struct{ text, want string }{
		"nothing":        {" \n", "empty"},
		"hex":            {strings.Repeat("ab", 32), "not 32 bytes"},
		"a short one":    {base64.StdEncoding.EncodeToString([]byte("sixteen bytes ok")), "not 32 bytes"},
		"a passphrase":   {"correct horse battery staple", "not 32 bytes"},
		"two of them":    {good + "\n" + good, "one key is one line"},
		"an empty page":  {strings.Repeat("A", 43) + "=", "same byte"},
		"url characters": {strings.Repeat("_", 43) + "=", "not 32 bytes"},
	} {
		_, err := vault.ParseKey(row.text)
		require.ErrorContains(t, err, row.want, name)
		if len(row.text) > 4 {
			require.NotContains(t, err.Error(), row.text[:4], "%s: an error shows nothing of a key", name)
		}
	}
	key, err := vault.ParseKey(" " + good + "\r\n")
	require.NoError(t, err)
	require.Equal(t, good, key.Encode())
}

func TestKey_NeverShowsItself(t *testing.T) {
	t.Parallel()
	key := vault.NewKey()
	raw, err := base64.StdEncoding.DecodeString(key.Encode())
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key)
	encoded, err := json.Marshal(key)
	require.NoError(t, err)
	shown := []string{log.String(), string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, key), fmt.Sprintf(verb, []vault.Key{key}))
		hidden := fmt.Sprintf(verb, struct{ key vault.Key }{key}) // fmt asks no method of it
		require.NotContains(t, hidden, fmt.Sprintf("%d %d %d", raw[0], raw[1], raw[2]))
		require.NotContains(t, hidden, hex.EncodeToString(raw[:4]))
	}
	for _, s := range shown {
		require.Contains(t, s, key.ID())
		require.NotContains(t, s, key.Encode()[:6])
	}
}

func TestLoadOrCreate_KeepsItsKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	key, created, err := vault.LoadOrCreate(path)
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := vault.LoadOrCreate(path)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, key.Encode(), again.Encode())
	info, err := os.Stat(path)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing else is left in the folder")

	_, _, err = vault.LoadOrCreate(filepath.Join(path, "below-a-file"))
	require.Error(t, err)
	_, created, err = vault.LoadOrCreate(filepath.Join(t.TempDir(), "no", "such", "folder"))
	require.Error(t, err)
	require.False(t, created)
}

// Programs that start at once end up with one key.
func TestLoadOrCreate_ManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	var starting sync.WaitGroup
	keys, made := make([]string, 8), make([]bool, 8)
	for i := range keys {
		starting.Go(func() {
			key, created, err := vault.LoadOrCreate(path)
			if err == nil {
				keys[i], made[i] = key.Encode(), created
			}
		})
	}
	starting.Wait()
	makers := 0
	for i, key := range keys {
		require.NotEmpty(t, key)
		require.Equal(t, keys[0], key)
		if made[i] {
			makers++
		}
	}
	require.Equal(t, 1, makers)
}

// A key that was there and is broken is never replaced: what it sealed would be lost.
func TestLoadOrCreate_ReplacesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.key")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, _, err := vault.LoadOrCreate(path)
	require.ErrorContains(t, err, path+": it is empty")
}

func TestReadKey_RefusesWhatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("permissions say nothing there")
	}
	path := filepath.Join(t.TempDir(), "vault.key")
	require.NoError(t, os.WriteFile(path, []byte(vault.NewKey().Encode()), 0o600))
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o440: true, 0o640: true,
		0o644: false, 0o604: false, 0o602: false, 0o601: false, 0o660: false, 0o620: false, 0o777: false,
	} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := vault.ReadKey(path)
		if fine {
			require.NoError(t, err, "%#o", mode)
		} else {
			require.ErrorContains(t, err, "chmod 600", "%#o", mode)
		}
	}
	_, err := vault.ReadKey(filepath.Dir(path))
	require.ErrorContains(t, err, "not a file")
	_, err = vault.ReadKey(path + "-")
	require.Equal(t, domain.NotFound, domain.CodeOf(err))
}

// Whatever a row holds, opening it does not panic, and opens only what was sealed.
func FuzzOpen(f *testing.F) {
	v := open(f, vault.NewKey())
	sealed := seal(f, v, secret, here)
	f.Add(sealed, here)
	f.Add(sealed[:vault.Overhead], here)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, row, aad []byte) {
		v.NeedsReseal(row)
		plain, err := v.Open(row, aad)
		if err == nil {
			require.Equal(t, secret, plain)
			require.True(t, bytes.Equal(sealed, row) && bytes.Equal(here, aad))
		}
		again, err := v.Seal(row[:min(len(row), vault.MaxSecret)], aad)
		require.NoError(t, err)
		_, err = v.Open(again, aad)
		require.NoError(t, err)
	})
}
