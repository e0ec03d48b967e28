package domain

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// TokenClient is how an endpoint's tokens are asked for: by the client credentials of OAuth 2 (RFC 6749, 4.4). It prints
// without its secret; JSON has it whole, because that is what is sealed.
type TokenClient struct {
	TokenURL     string    `json:"token_url"`
	ClientID     string    `json:"client_id"`
	ClientSecret string    `json:"client_secret"`
	Scope        string    `json:"scope,omitempty"`
	Audience     string    `json:"audience,omitempty"`
	Auth         TokenAuth `json:"auth"`
}

// TokenAuth is where a client's id and secret stand in its request for a token.
type TokenAuth string

const (
	TokenBasic TokenAuth = "basic" // in Authorization: every server has to understand it
	TokenBody  TokenAuth = "body"  // in the form
)

// Format shows the client's id, by every verb.
func (c TokenClient) Format(to fmt.State, _ rune) {
	_, _ = io.WriteString(to, "token client "+c.ClientID)
}

// LogValue shows the same in a log.
func (c TokenClient) LogValue() slog.Value { return slog.StringValue("token client " + c.ClientID) }

// Tokens fetches tokens for endpoints, and keeps each while it is good. Those that need the same one at the same time share
// one fetch.
type Tokens interface {
	// Token is the one to send to an endpoint whose secret of that id asks for it. refused is one that the endpoint does not
	// take: another is fetched in its place, unless it was fetched a moment ago, and then it is the answer again. "": none.
	// The error says what the authorization server answered, and nothing that is secret.
	Token(ctx context.Context, key EndpointKey, secret string, client TokenClient, refused string) (string, error)
}
