package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// A token client is JSON, and a certificate is PEM as it came; what cannot be read is not repeated.
func TestSecretFlags_TokenClientAndCertificate(t *testing.T) {
	t.Parallel()
	const client = `{"token_url":"https://auth.example/","client_id":"a","client_secret":"s3cr3t"}`
	pem := "-----BEGIN CERTIFICATE-----\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", 300) + "-----END CERTIFICATE-----"
	for name, row := range map[string]struct {
		flags secretFlags
		stdin string
		want  map[string]string
		fault string
	}{
		"a token client": {secretFlags{kind: "oauth2", from: "-"}, client + "\n", map[string]string{
			"kind": "oauth2", "token_url": "https://auth.example/", "client_id": "a", "client_secret": "s3cr3t",
		}, ""},
		"a certificate, of 19 KiB":      {secretFlags{kind: "mtls", from: "-"}, pem + "\r\n", map[string]string{"kind": "mtls", "pem": pem}, ""},
		"no certificate any more":       {secretFlags{kind: "mtls", remove: true}, "", map[string]string{"kind": "mtls", "pem": ""}, ""},
		"no token client any more":      {secretFlags{kind: "oauth2", remove: true}, "", map[string]string{"kind": "bearer", "value": ""}, ""},
		"a client that is no JSON":      {secretFlags{kind: "oauth2", from: "-"}, "s3cr3t", nil, "needs JSON"},
		"a client that is null":         {secretFlags{kind: "oauth2", from: "-"}, "null", nil, "needs JSON"},
		"a client whose id is a number": {secretFlags{kind: "oauth2", from: "-"}, `{"client_secret":"s3cr3t","client_id":5}`, nil, "needs JSON"},
		"no certificate":                {secretFlags{kind: "mtls"}, "", nil, "needs --from"},
		"nothing":                       {secretFlags{kind: "mtls", from: "-"}, "\n", nil, "nothing in --from"},
	} {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(row.stdin))
		got, err := row.flags.body(cmd)
		if row.fault != "" {
			require.ErrorContains(t, err, row.fault, name)
			require.NotContains(t, err.Error(), "s3cr3t", name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, row.want, got, name)
	}
}
