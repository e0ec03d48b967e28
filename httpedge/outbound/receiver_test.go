package outbound

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// What we sign is verified by what customers verify with, over real HTTP: on the first attempt, and while one secret
// takes the place of another. What was changed on the way, signed by another or sent too late is not.
func TestSend_IsVerifiedByReceiversOfOthers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("skipped by -short: needs Node and npm packages")
	}
	secret, pair := newKey(t, domain.HMACSecret), newKey(t, domain.Ed25519Secret)
	other, otherPair := newKey(t, domain.HMACSecret), newKey(t, domain.Ed25519Secret)
	port := startReceiver(t, secret.Reveal(), pair.Public())
	w := newWorld(t, Config{AllowPrivate: true}, func(ctx context.Context, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	})
	defer w.Close()
	type said struct{ StandardWebhooks, Svix, OpenSSL string }
	const fine = "ok"
	for name, row := range map[string]struct {
		keys   []signature.WebhookKey
		age    time.Duration
		change string
		want   said
	}{
		"a secret":                       {[]signature.WebhookKey{secret}, 0, "", said{fine, fine, "no v1a"}},
		"a pair":                         {[]signature.WebhookKey{pair}, 0, "", said{"No matching", "No matching", fine}},
		"both":                           {[]signature.WebhookKey{secret, pair}, 0, "", said{fine, fine, fine}},
		"while the secrets are replaced": {[]signature.WebhookKey{other, secret, otherPair, pair}, 0, "", said{fine, fine, fine}},
		"of another":                     {[]signature.WebhookKey{other, otherPair}, 0, "", said{"No matching", "No matching", "no v1a"}},
		"changed on the way":             {[]signature.WebhookKey{secret, pair}, 0, " ", said{"No matching", "No matching", "no v1a"}},
		"four minutes late":              {[]signature.WebhookKey{secret}, 4 * time.Minute, "", said{fine, fine, "no v1a"}},
		"six minutes late":               {[]signature.WebhookKey{secret}, 6 * time.Minute, "", said{"too old", "too old", "no v1a"}},
	} {
		// Letters beyond ASCII: what is signed is bytes.
		d := domain.Dispatch{URL: "http://127.0.0.1:" + port + "/leads", Timeout: time.Minute, Body: []byte(`{"type":"lead.received","data":{"name":"Zoë Ōé 🦊"}}`)}
		at := time.Now().Add(-row.age)
		value, err := signature.SignWebhook("0198c1c2-7b1e-8f00-9a53-0242ac120002", at, d.Body, row.keys...)
		require.NoError(t, err)
		d.Header = domain.Header{
			"Content-Type": {"application/json"}, "Webhook-Id": {"0198c1c2-7b1e-8f00-9a53-0242ac120002"},
			"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {value},
		}
		d.Body = append(d.Body, row.change...)
		sent := w.Send(t.Context(), d)
		require.Empty(t, sent.Error, sent.Reason)
		var got struct {
			said

			Agent string
		}
		require.NoError(t, json.Unmarshal(sent.Body, &got), "%s", sent.Body)
		require.Contains(t, got.StandardWebhooks, row.want.StandardWebhooks, name)
		require.Contains(t, got.Svix, row.want.Svix, name)
		require.Contains(t, got.OpenSSL, row.want.OpenSSL, name)
		require.Equal(t, UserAgent, got.Agent)
	}
}

func newKey(t testing.TB, kind domain.SecretKind) signature.WebhookKey {
	t.Helper()
	key, err := signature.NewWebhookKey(kind)
	require.NoError(t, err)
	return key
}

// What the test above needs can be fetched. The checks that come before a test run ask for this test alone.
func TestReceiverInstalls(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped by -short: needs Node and the npm registry")
	}
	_, folder := receiverParts(t)
	require.DirExists(t, filepath.Join(folder, "node_modules", "standardwebhooks"))
	require.DirExists(t, filepath.Join(folder, "node_modules", "svix"))
}

// startReceiver starts one that ends with the test, and answers with its port.
func startReceiver(t *testing.T, secret, public string) string {
	t.Helper()
	node, folder := receiverParts(t)
	process := exec.Command(node, "receiver.mjs", secret, public)
	process.Dir, process.Stderr = folder, os.Stderr
	in, err := process.StdinPipe()
	require.NoError(t, err)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = process.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// receiverParts finds Node, and installs the packages by npm into the user's cache, in a folder that is named by what
// it holds. Without them it skips, and says how to get them; with CI_REQUIRE_REAL_PARTS=1 it fails.
func receiverParts(t *testing.T) (node, folder string) {
	t.Helper()
	node, err := findNode()
	if err == nil {
		folder, err = installReceiver()
	}
	if err != nil && os.Getenv("CI_REQUIRE_REAL_PARTS") != "1" {
		t.Skipf("skipped, no receivers of others: %v; apt-get install nodejs npm, or name a Node of 18 or newer in LEADWIRE_NODE", err)
	}
	require.NoError(t, err)
	return node, folder
}

func findNode() (string, error) {
	if named := os.Getenv("LEADWIRE_NODE"); named != "" {
		return exec.LookPath(named)
	}
	if node, err := exec.LookPath("node"); err == nil {
		return node, nil
	}
	return exec.LookPath("nodejs")
}

func installReceiver() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	from, sum := os.DirFS("testdata/receiver"), sha256.New()
	for _, name := range []string{"package-lock.json", "package.json", "receiver.mjs"} {
		content, err := os.ReadFile(filepath.Join("testdata", "receiver", name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	home := filepath.Join(cache, "leadwire", "receiver-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	// Under another name first: packages are tested at the same time, and none may find it half done.
	fresh, err := os.MkdirTemp(filepath.Dir(home), "installing-")
	if err != nil {
		return "", fmt.Errorf("make cache folder: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := os.CopyFS(fresh, from); err != nil {
		return "", fmt.Errorf("copy receiver: %w", err)
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = fresh
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w: %s", err, out)
	}
	if err := os.Rename(fresh, home); err != nil && !errors.Is(err, os.ErrExist) {
		if _, gone := os.Stat(home); gone != nil {
			return "", fmt.Errorf("keep receiver: %w", err)
		}
	}
	return home, nil
}
