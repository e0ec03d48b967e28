package bench

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A server that runs already is told by files, and its own /metrics say what it uses.
func TestAgainst(t *testing.T) {
	t.Parallel()
	server, own := startStandIn(t, 2, faults{})
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, text, 0o600))
		return file
	}
	tokens := write("tokens", []byte("token-0\ntoken-1\n"))
	der, err := x509.MarshalPKCS8PrivateKey(own.Key)
	require.NoError(t, err)
	for _, key := range []string{
		write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		write("key.seed", []byte(base64.StdEncoding.EncodeToString(own.Key.Seed())+"\n")),
	} {
		target, err := Against{URL: own.URL + "/", KeyFile: key, TokensFile: tokens}.Target()
		require.NoError(t, err)
		cfg := short(&target)
		cfg.Duration = 200 * time.Millisecond
		report, err := Crm(t.Context(), cfg)
		require.NoError(t, err)
		require.Zero(t, server.forged)
		require.EqualValues(t, 60, value(t, report, "acked"))
		require.InDelta(t, 64<<20, value(t, report, "server.rss"), 1)
		peak, _ := report.Get("server.rss_peak")
		require.False(t, peak.Known, "a server does not say what it had at most")
	}
}

func TestAgainst_Refuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty, rsa := filepath.Join(dir, "empty"), filepath.Join(dir, "short")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(rsa, []byte(base64.StdEncoding.EncodeToString(make([]byte, 31))), 0o600))
	seed := filepath.Join(dir, "seed")
	require.NoError(t, os.WriteFile(seed, []byte(base64.StdEncoding.EncodeToString(make([]byte, ed25519.SeedSize))), 0o600))
	for _, c := range []struct {
		story string
		a     Against
		says  string
	}{
		{"no such key", Against{KeyFile: filepath.Join(dir, "none"), TokensFile: seed}, "key"},
		{"a key of another length", Against{KeyFile: rsa, TokensFile: seed}, "32-byte"},
		{"no tokens in the file", Against{KeyFile: seed, TokensFile: empty}, "has none"},
	} {
		_, err := c.a.Target()
		require.ErrorContains(t, err, c.says, c.story)
	}
}
