package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cmd/leadwire/provision"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

const configurationPage = "../../docs/configuration.md"

// generated stands between what people write on the page and what the program does.
const generated = "<!-- From here on `make generate` writes. -->\n"

// docs/configuration.md lists every setting as the program has it.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile(configurationPage)
	require.NoError(t, err)
	head, tables, marked := strings.Cut(string(page), generated)
	require.True(t, marked)
	var want bytes.Buffer
	require.NoError(t, settings.WritePage(&want))
	if *update {
		require.NoError(t, os.WriteFile(configurationPage, []byte(head+generated+want.String()), 0o600))
		return
	}
	require.Equal(t, want.String(), tables, "run make generate")
	for _, name := range settings.Names() {
		require.Contains(t, tables, "| `"+name+"` |", "no section of the page binds it")
	}
}

// The example that people start from is a catalog, once it has its key.
func TestExampleCatalog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/example.yaml")
	require.NoError(t, err)
	const key = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
	require.Equal(t, 1, strings.Count(string(text), "$KEY"))
	_, err = provision.Read(strings.NewReader(strings.Replace(string(text), "$KEY", key, 1)))
	require.NoError(t, err)
}
