package actors

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/leadwire/leadwire/actors/domain"
)

// statusUnauthorized is what an endpoint answers to a token that it does not take.
const statusUnauthorized = 401

// tokenClient is an endpoint's, with the id of its secret.
type tokenClient struct {
	domain.TokenClient

	secret string
}

func newTokenClient(secret string, plain []byte) (*tokenClient, error) {
	c := &tokenClient{secret: secret}
	if err := json.Unmarshal(plain, &c.TokenClient); err != nil {
		return nil, errors.New("it is not what a token is asked for with") // the error might quote it
	}
	return c, nil
}

// errNoTokens is behind a node that was given nothing to fetch tokens with.
var errNoTokens = errors.New("this node fetches no tokens")

// dispatch makes the attempt, with a token where the endpoint wants one. A token that the endpoint does not take is replaced
// once, and the attempt is made again: servers take tokens back before their time.
//
// may is asked right before each request; nil: there is nothing to ask.
func (r *Runtime) dispatch(ctx context.Context, k *kit, d domain.Dispatch, may func() bool) domain.Sent {
	d.Certificate = k.certificate
	send := func(d domain.Dispatch) domain.Sent {
		if may != nil && !may() {
			return overtaken(r.deps.Clock.Now())
		}
		return r.deps.Sender.Send(ctx, d)
	}
	if k.client == nil {
		return send(d)
	}
	token, err := r.token(ctx, d.Endpoint, k.client, "")
	if err != nil {
		class := domain.ErrorSecret
		if ctx.Err() != nil {
			class = domain.ErrorStopped
		}
		return unsent(r.deps.Clock.Now(), class, err.Error())
	}
	sent := send(withToken(d, token))
	if sent.Status != statusUnauthorized {
		return sent
	}
	other, err := r.token(ctx, d.Endpoint, k.client, token)
	switch {
	case err != nil:
		sent.Reason += "; " + err.Error()
		return sent
	case other == token:
		return sent
	}
	return send(withToken(d, other))
}

func (r *Runtime) token(ctx context.Context, key domain.EndpointKey, c *tokenClient, refused string) (string, error) {
	if r.deps.Tokens == nil {
		return "", errNoTokens
	}
	return r.deps.Tokens.Token(ctx, key, c.secret, c.TokenClient, refused)
}

// withToken leaves the dispatch's own header alone: a transport may still be reading it.
func withToken(d domain.Dispatch, token string) domain.Dispatch {
	d.Header = maps.Clone(d.Header)
	d.Header["Authorization"] = []string{"Bearer " + token}
	return d
}
