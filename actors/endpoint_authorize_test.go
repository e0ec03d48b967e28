package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/vault"
)

// door is an endpoint that takes one token, and writes down what it was shown.
type door struct {
	takes string
	shown []string
}

func (d *door) Send(_ context.Context, dispatch domain.Dispatch) domain.Sent {
	token := strings.Join(dispatch.Header["Authorization"], ",")
	if dispatch.Certificate != nil {
		token += " " + dispatch.Certificate.ID
	}
	d.shown = append(d.shown, token)
	if token != "Bearer "+d.takes {
		return domain.Sent{Status: 401, Error: domain.ErrorStatus, Reason: "answered 401 Unauthorized"}
	}
	return domain.Sent{Status: 200}
}

// mint gives out its tokens in order, the next one when one is refused.
type mint struct {
	tokens []string
	err    error // after them
	stuck  bool  // what was refused is given out again
}

func (m *mint) Token(ctx context.Context, _ domain.EndpointKey, secret string, client domain.TokenClient, refused string) (string, error) {
	if secret != "cr_1" || client.ClientSecret != "s3cr3t" {
		return "", errors.New("another client")
	}
	if refused != "" && !m.stuck {
		m.tokens = m.tokens[1:]
	}
	if len(m.tokens) == 0 {
		return "", m.err
	}
	return m.tokens[0], ctx.Err()
}

// Whoever loses its right while it waits for a token sends nothing, and a token that is refused is not tried again.
func TestDispatch_Overtaken(t *testing.T) {
	t.Parallel()
	client, err := newTokenClient("cr_1", []byte(`{"token_url":"https://auth.example/","client_id":"a","client_secret":"s3cr3t"}`))
	require.NoError(t, err)
	for name, row := range map[string]struct {
		kit   *kit
		left  int // requests for which it has the right
		shown []string
	}{
		"without a token":        {&kit{}, 0, nil},
		"with one":               {&kit{client: client}, 0, nil},
		"after one that refused": {&kit{client: client}, 1, []string{"Bearer a"}},
	} {
		d := &door{takes: "x"}
		r := &Runtime{deps: Deps{Sender: d, Tokens: &mint{tokens: []string{"a", "b"}}, Clock: domain.SystemClock{}}}
		sent := r.dispatch(t.Context(), row.kit, domain.Dispatch{Header: domain.Header{}}, func() bool {
			row.left--
			return row.left >= 0
		})
		require.Equal(t, domain.ErrorStopped, sent.Error, name)
		require.Equal(t, "this node's right to the endpoint has run out", sent.Reason, name)
		require.Zero(t, sent.Status, name)
		require.Equal(t, row.shown, d.shown, name)
	}
}

// An attempt is made with a token; one that is refused is replaced once; and without one nothing leaves.
func TestDispatch_Tokens(t *testing.T) {
	t.Parallel()
	client, err := newTokenClient("cr_1", []byte(`{"token_url":"https://auth.example/","client_id":"a","client_secret":"s3cr3t"}`))
	require.NoError(t, err)
	noToken := errors.New("no token from auth.example: it answered 400 Bad Request (invalid_client)")
	for name, row := range map[string]struct {
		tokens domain.Tokens
		takes  string
		status int
		class  domain.ErrorClass
		reason string
		shown  []string
	}{
		"taken":                    {&mint{tokens: []string{"a"}}, "a", 200, "", "", []string{"Bearer a"}},
		"taken back":               {&mint{tokens: []string{"a", "b"}}, "b", 200, "", "", []string{"Bearer a", "Bearer b"}},
		"refused for ever":         {&mint{tokens: []string{"a", "b", "c"}}, "x", 401, domain.ErrorStatus, "answered 401 Unauthorized", []string{"Bearer a", "Bearer b"}},
		"refused, and no other":    {&mint{tokens: []string{"a"}, stuck: true}, "x", 401, domain.ErrorStatus, "answered 401 Unauthorized", []string{"Bearer a"}},
		"refused, and none to get": {&mint{tokens: []string{"a"}, err: noToken}, "x", 401, domain.ErrorStatus, "answered 401 Unauthorized; " + noToken.Error(), []string{"Bearer a"}},
		"none to get":              {&mint{err: noToken}, "x", 0, domain.ErrorSecret, noToken.Error(), nil},
		"nobody to ask":            {nil, "x", 0, domain.ErrorSecret, "this node fetches no tokens", nil},
	} {
		d := &door{takes: row.takes}
		r := &Runtime{deps: Deps{Sender: d, Tokens: row.tokens, Clock: domain.SystemClock{}}}
		given := domain.Dispatch{Header: domain.Header{"Webhook-Id": {"e"}}}
		sent := r.dispatch(t.Context(), &kit{client: client}, given, nil)
		require.Equal(t, row.status, sent.Status, name)
		require.Equal(t, row.class, sent.Error, name)
		require.Equal(t, row.reason, sent.Reason, name)
		require.Equal(t, row.shown, d.shown, name)
		require.Len(t, given.Header, 1, "what was given is as it was")
	}

	stopping, stop := context.WithCancel(t.Context())
	stop()
	r := &Runtime{deps: Deps{Sender: &door{}, Tokens: &mint{tokens: []string{"a"}}, Clock: domain.SystemClock{}}}
	require.Equal(t, domain.ErrorStopped, r.dispatch(stopping, &kit{client: client}, domain.Dispatch{}, nil).Error, "our own doing is not the endpoint's failure")
}

// What is opened goes to what it is for; what this program does not know, or cannot read, is said without showing it.
func TestKit_Takes(t *testing.T) {
	t.Parallel()
	v, err := vault.New(vault.NewKey())
	require.NoError(t, err)
	key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
	seal := func(kind domain.SecretKind, plain string) domain.Secret {
		s := domain.Secret{ID: "cr_1", Kind: kind}
		s.Sealed, err = v.Seal([]byte(plain), vault.AAD(key, kind, s.ID))
		require.NoError(t, err)
		return s
	}
	k := &kit{}
	require.NoError(t, k.take(v, key, seal(domain.OAuth2Secret, `{"client_secret":"s3cr3t"}`)))
	require.NoError(t, k.take(v, key, seal(domain.MTLSSecret, "-----BEGIN s3cr3t")))
	require.Equal(t, "s3cr3t", k.client.ClientSecret)
	require.Equal(t, &domain.ClientCertificate{ID: "cr_1", PEM: []byte("-----BEGIN s3cr3t")}, k.certificate)

	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "client", k.client.TokenClient)
	for _, err := range []error{new(kit).take(v, key, seal("otp", "s3cr3t")), new(kit).take(v, key, seal(domain.OAuth2Secret, `"s3cr3t"`))} {
		require.Error(t, err)
		_, _ = log.WriteString(err.Error())
	}
	_, _ = fmt.Fprintf(&log, "%v %+v %s", *k.client, k.client, k.client)
	require.NotContains(t, log.String(), "s3cr3t")
	require.Contains(t, log.String(), `no secret of kind "otp"`)
}
