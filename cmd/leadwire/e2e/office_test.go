package e2e_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// On both stores, without a node, an operator suppresses, erases, and lets a program in.
func TestOffice(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b backend) {
		catalog := filepath.Join(t.TempDir(), "catalog.yaml")
		require.NoError(t, os.WriteFile(catalog, []byte("accounts: [{id: acme, pixels: [{id: office-shop, origins: [\"https://shop.example\"]}]}]\n"), 0o600))
		does := func(args ...string) string {
			t.Helper()
			return leadwire(t, append(args, b.storage...)...)
		}
		does("apply", "-f", catalog)
		does("suppress", "add", "ada@example.com", "--account", "acme")
		require.Contains(t, does("person", "find", "ada@example.com", "--account", "acme"), "suppressed by ")
		require.Contains(t, does("person", "erase", "bob@example.com", "--account", "acme", "--yes"), "erased and suppressed")
		require.Contains(t, does("suppress", "list", "--account", "acme"), "erased")
		require.Contains(t, does("key", "create", "--scope", "pixels:read"), "lwk_")
		require.Contains(t, does("key", "list"), "pixels:read")
		require.Contains(t, does("pixel", "list"), "office-shop")
		require.Empty(t, does("announcements", "--account", "acme"))
		require.Regexp(t, `^(?s)\S+Z  command line  key\.create .* catalog\.apply .*changes\n$`, does("audit"))
	})
}
