package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// endpointSecret is one as the API shows it; Secret and Public are in the answer that makes it.
type endpointSecret struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	CreatedAt string `json:"created_at"`
	EndsAt    string `json:"ends_at,omitempty"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Secret    string `json:"secret,omitempty"`
	Public    string `json:"public,omitempty"`
}

func (s endpointSecret) words() string {
	text := fmt.Sprintf("%s %s, made %s", s.ID, s.Kind, s.CreatedAt)
	if s.EndsAt != "" {
		text += ", until " + s.EndsAt
	}
	if s.ExpiresAt != "" {
		text += ", expires " + s.ExpiresAt
	}
	return text
}

// showSecret prints a secret by itself, so that a script can take it.
func showSecret(cmd *cobra.Command, secret string) error {
	fmt.Fprintln(cmd.OutOrStdout(), secret)
	fmt.Fprintln(cmd.ErrOrStderr(), "it is kept sealed, and not shown again")
	return nil
}

const endpointSecretLong = `Make an endpoint a new secret to sign with, and print it this once. The one before it signs as well for --keep-old, so that
its owner has time to put the new one in place; 0s ends it now, for one that got out. Of ed25519 a second line has the
public half, which is all that the endpoint's owner needs.

--kind bearer and --kind basic set what goes into the Authorization header, in the place of what was there: the token, or
user:password, is the one line of --from. --kind oauth2 fetches what goes there, by client credentials; --from is JSON:

  {"token_url": "https://auth.example.com/token", "client_id": "leadwire", "client_secret": "...",
   "scope": "leads", "audience": "optional", "auth": "basic (or body)"}

--kind mtls is a client certificate: --from holds it, those that lead to its authority, and its key without a passphrase, in
PEM. --remove takes a certificate away with --kind mtls, and what goes into Authorization with the others.`

// secretFlags say what is made.
type secretFlags struct {
	kind, from string
	keepOld    time.Duration
	remove     bool
}

func newEndpointSecret() *cobra.Command {
	var o office
	var account string
	var f secretFlags
	cmd := o.command("secret ID", "Make an endpoint a new secret, or set its Authorization", cobra.ExactArgs(1), func(cmd *cobra.Command, args []string) error {
		body, err := f.body(cmd)
		if err != nil {
			return err
		}
		q := endpointQuestion("POST", account, args[0], "secrets")
		q.kind, q.body = "application/json", jsonBody(body)
		var got endpointSecret
		if err := o.ask(cmd, q, &got); err != nil {
			return err
		}
		switch {
		case o.asJSON && got.ID != "":
			return printJSON(cmd, got)
		case got.Secret != "":
			if got.Public != "" {
				got.Secret += "\n" + got.Public
			}
			return showSecret(cmd, got.Secret)
		case got.ID != "":
			fmt.Fprintln(cmd.OutOrStdout(), got.words())
		case f.kind == kindMTLS:
			fmt.Fprintln(cmd.OutOrStdout(), "no client certificate is shown")
		default:
			fmt.Fprintln(cmd.OutOrStdout(), "no Authorization is sent")
		}
		return nil
	})
	cmd.Long = endpointSecretLong
	accountFlag(cmd, &account)
	fs := cmd.Flags()
	fs.StringVar(&f.kind, "kind", "hmac", "hmac or ed25519 sign; bearer, basic or oauth2 go into Authorization; mtls is a client certificate")
	fs.DurationVar(&f.keepOld, "keep-old", 24*time.Hour, "how long the secret before it signs as well: up to 168h")
	fs.StringVar(&f.from, "from", "", "a file with the token, user:password, the JSON of oauth2, or the PEM of mtls; - reads standard input: on a command line others would see it")
	fs.BoolVar(&f.remove, "remove", false, "send no Authorization any more, or show no client certificate")
	return o.jsonFlag(cmd)
}

// Kinds of secrets that are given, not made.
const (
	kindBearer = "bearer"
	kindBasic  = "basic"
	kindOAuth2 = "oauth2"
	kindMTLS   = "mtls"
)

const givenKinds = "--kind bearer, basic, oauth2 or mtls"

// body is what the API is asked for.
func (f secretFlags) body(cmd *cobra.Command) (map[string]string, error) {
	given := slices.Contains([]string{kindBearer, kindBasic, kindOAuth2, kindMTLS}, f.kind)
	switch {
	case f.remove && (f.from != "" || !given):
		return nil, &misuse{errors.New("--remove goes with " + givenKinds + ", and without --from")}
	case f.remove && f.kind == kindMTLS:
		return map[string]string{"kind": kindMTLS, "pem": ""}, nil
	case f.remove:
		return map[string]string{"kind": kindBearer, "value": ""}, nil
	case !given && f.from != "":
		return nil, &misuse{errors.New("--from goes with " + givenKinds + ": secrets to sign with are made here")}
	case !given:
		return map[string]string{"kind": f.kind, "keep_old": f.keepOld.String()}, nil
	case f.from == "":
		return nil, &misuse{fmt.Errorf("--kind %s needs --from FILE; - reads standard input", f.kind)}
	}
	text, err := readCredential(cmd, f.from)
	if err != nil {
		return nil, err
	}
	return f.credential(text)
}

// credential puts what was read into the API's words.
func (f secretFlags) credential(text string) (map[string]string, error) {
	switch f.kind {
	case kindBearer:
		return map[string]string{"kind": f.kind, "value": text}, nil
	case kindMTLS:
		return map[string]string{"kind": f.kind, "pem": text}, nil
	case kindOAuth2:
		asked := map[string]string{}
		if err := json.Unmarshal([]byte(text), &asked); err != nil || asked == nil { // whose words might quote it
			return nil, &misuse{errors.New("--kind oauth2 needs JSON in --from, with texts as values: see --help")}
		}
		asked["kind"] = f.kind
		return asked, nil
	}
	user, password, ok := strings.Cut(text, ":")
	if !ok {
		return nil, &misuse{errors.New("--kind basic needs user:password in --from")}
	}
	return map[string]string{"kind": f.kind, "user": user, "password": password}, nil
}

// readCredential reads one; the last line's end is the editor's.
func readCredential(cmd *cobra.Command, name string) (string, error) {
	const most = 64 << 10 // twice what the API takes
	f, err := openFile(cmd, "credential", name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", fmt.Errorf("read credential: %w", err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", &misuse{errors.New("there is nothing in --from; --remove takes a credential away")}
	}
	return text, nil
}
