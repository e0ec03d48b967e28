package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/vault"
)

// A new master key takes the place of the one that was made beside the store, and then that one is needed no more.
func TestSecretsReseal(t *testing.T) {
	data, folder := t.TempDir(), t.TempDir()
	does := func(code int, args ...string) string {
		t.Helper()
		got, out, complaint := leadwire(t, append(args, "--data", data)...)
		require.Equal(t, code, got, complaint)
		if code != 0 {
			out += complaint
		}
		return out
	}
	does(0, "apply", "-f", write(t, filepath.Join(folder, "catalog.yaml"), endpointsFile))
	does(0, "endpoint", "secret", "crm", "--account", "acme")
	client := write(t, filepath.Join(folder, "client.json"), `{"token_url":"https://auth.example/","client_id":"a","client_secret":"s3cr3t"}`)
	require.Regexp(t, `^cr_[0-9a-f]{12} oauth2, made \S+\n$`, does(0, "endpoint", "secret", "crm", "--account", "acme", "--kind", "oauth2", "--from", client))

	made, err := os.ReadFile(filepath.Join(data, "master.key"))
	require.NoError(t, err)
	before, err := vault.ParseKey(string(made))
	require.NoError(t, err)
	fresh := vault.NewKey()
	older := write(t, filepath.Join(folder, "older.key"), string(made))
	keys := []string{"--master-key-file", write(t, filepath.Join(folder, "fresh.key"), fresh.Encode()+"\n")}
	both := append([]string{"--older-master-key-files", older}, keys...)
	reseal := func(code int, flags ...string) string {
		t.Helper()
		return does(code, append([]string{"secrets", "reseal"}, flags...)...)
	}

	row := `acme/crm +(wk|cr)_\w+ +key ` + before.ID() + ` -> ` + fresh.ID() + `\n`
	would := `^(` + row + `){2}2 would be sealed with key ` + fresh.ID() + `, 0 were before\n$`
	require.Regexp(t, would, reseal(0, append(both, "--dry-run")...))
	require.Regexp(t, would, reseal(0, append(both, "--dry-run")...), "nothing has changed")
	require.Regexp(t, `STAYS: .*not among those given\n(?s:.*)0 sealed with key `+fresh.ID()+`, 0 were before, 2 stay as they are\n(?s:.*)keep the key that they name`,
		reseal(exitBroken, keys...), "the old key was left out")
	require.Regexp(t, `^(`+row+`){2}2 sealed with key `+fresh.ID()+`, 0 were before\n$`, reseal(0, both...))
	require.Equal(t, "0 sealed with key "+fresh.ID()+", 2 were before\n", reseal(0, keys...))
	require.Contains(t, reseal(0, append(keys, "--json")...), `{"key":"`+fresh.ID()+`","kept":2,"endpoints":[]}`)
	require.Regexp(t, `endpoint\.reseal +acme +endpoint crm +2 with key `+fresh.ID(), does(0, "audit"))
}

// With a node it is the node that seals.
func TestSecretsReseal_WithANode(t *testing.T) {
	data, _ := startServe(t)
	for _, args := range [][]string{
		{"apply", "-f", write(t, filepath.Join(t.TempDir(), "catalog.yaml"), endpointsFile)},
		{"endpoint", "secret", "crm", "--account", "acme"},
	} {
		code, _, complaint := leadwire(t, append(args, "--data", data)...)
		require.Zero(t, code, complaint)
	}
	code, out, complaint := leadwire(t, "secrets", "reseal", "--data", data)
	require.Zero(t, code, complaint)
	require.Regexp(t, `^0 sealed with key [0-9a-f]{8}, 1 were before\n$`, out)
}
