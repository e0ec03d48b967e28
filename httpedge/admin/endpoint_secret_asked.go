package admin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/outbound"
)

const (
	maxCredential = 4096     // bytes of a token, of a client's secret, or of user and password: what servers take in one header
	maxPart       = 1024     // bytes of a client's id, a scope or an audience
	maxPEM        = 32 << 10 // bytes of a certificate with its chain and its key
)

// secretAsked is the body of POST /endpoints/{id}/secrets.
type secretAsked struct {
	Kind     domain.SecretKind `json:"kind"`
	KeepOld  *string           `json:"keep_old"` // of hmac and ed25519
	Value    *string           `json:"value"`    // of bearer
	User     *string           `json:"user"`     // of basic
	Password *string           `json:"password"` // of basic

	// Of oauth2.
	TokenURL     *string `json:"token_url"`
	ClientID     *string `json:"client_id"`
	ClientSecret *string `json:"client_secret"`
	Scope        *string `json:"scope"`
	Audience     *string `json:"audience"`
	Auth         *string `json:"auth"`

	PEM *string `json:"pem"` // of mtls
}

// credential is what is sealed; nil: nothing any more.
type credential struct {
	plain   []byte
	expires time.Time // of a certificate
}

const opReadSecret = "read secret"

// foreign refuses a kind that is none, and members that belong to another: they would be a mistake that does nothing.
func (s secretAsked) foreign() error {
	kinds := []domain.SecretKind{domain.HMACSecret, domain.Ed25519Secret, domain.BearerSecret, domain.BasicSecret, domain.OAuth2Secret, domain.MTLSSecret}
	if !slices.Contains(kinds, s.Kind) {
		names := make([]string, len(kinds))
		for i, k := range kinds {
			names[i] = string(k)
		}
		return domain.FailField(opReadSecret, "kind", "must be one of: "+strings.Join(names, ", "))
	}
	oauth2 := s.Kind == domain.OAuth2Secret
	for _, member := range []struct {
		name  string
		given bool
		of    bool
	}{
		{"keep_old", s.KeepOld != nil, signing(s.Kind)},
		{"value", s.Value != nil, s.Kind == domain.BearerSecret},
		{"user", s.User != nil, s.Kind == domain.BasicSecret},
		{"password", s.Password != nil, s.Kind == domain.BasicSecret},
		{"token_url", s.TokenURL != nil, oauth2},
		{"client_id", s.ClientID != nil, oauth2},
		{"client_secret", s.ClientSecret != nil, oauth2},
		{"scope", s.Scope != nil, oauth2},
		{"audience", s.Audience != nil, oauth2},
		{"auth", s.Auth != nil, oauth2},
		{"pem", s.PEM != nil, s.Kind == domain.MTLSSecret},
	} {
		if member.given && !member.of {
			return domain.FailField(opReadSecret, member.name, fmt.Sprintf("does not belong to a secret of kind %s", s.Kind))
		}
	}
	return nil
}

// keepOld is how long the secrets that are there go on signing.
func (s secretAsked) keepOld() (time.Duration, error) {
	if s.KeepOld == nil {
		return defaultKeepOld, nil
	}
	d, err := time.ParseDuration(*s.KeepOld)
	if err != nil || d < 0 || d > maxKeepOld {
		return 0, domain.FailField(opReadSecret, "keep_old", fmt.Sprintf("must be a duration from 0s to %v, as \"24h\"", maxKeepOld))
	}
	return d, nil
}

// credential reads what is not made here. Errors never show it.
func (s secretAsked) credential(now time.Time) (c credential, err error) {
	switch s.Kind { //nolint:exhaustive // those that sign are made, not read
	case domain.BearerSecret:
		c.plain, err = s.bearer()
	case domain.BasicSecret:
		c.plain, err = s.basic()
	case domain.OAuth2Secret:
		c.plain, err = s.tokenClient()
	case domain.MTLSSecret:
		return s.certificate(now)
	}
	return c, err
}

// bearer is what follows the scheme in Authorization.
func (s secretAsked) bearer() ([]byte, error) {
	switch {
	case s.Value == nil:
		return nil, domain.FailField(opReadSecret, "value", `must be given; "" takes the credential away`)
	case !visible(*s.Value, maxCredential):
		return nil, domain.FailField(opReadSecret, "value", fmt.Sprintf("must be at most %d printable ASCII characters without spaces", maxCredential))
	case *s.Value == "":
		return nil, nil
	}
	return []byte(*s.Value), nil
}

// basic likewise.
func (s secretAsked) basic() ([]byte, error) {
	switch {
	case s.User == nil:
		return nil, domain.FailField(opReadSecret, "user", "must be given")
	case s.Password == nil:
		return nil, domain.FailField(opReadSecret, "password", "must be given")
	case strings.Contains(*s.User, ":") || strings.ContainsFunc(*s.User, control):
		return nil, domain.FailField(opReadSecret, "user", "must hold no colon and no control characters")
	case strings.ContainsFunc(*s.Password, control):
		return nil, domain.FailField(opReadSecret, "password", "must hold no control characters")
	case len(*s.User)+len(*s.Password) > maxCredential:
		return nil, domain.FailField(opReadSecret, "password", fmt.Sprintf("must be at most %d bytes with the user", maxCredential))
	case *s.User == "" && *s.Password == "":
		return nil, nil
	}
	return []byte(base64.StdEncoding.EncodeToString([]byte(*s.User + ":" + *s.Password))), nil
}

// tokenClient is a domain.TokenClient. Its URL is checked as an endpoint's is, and once more whenever a token is fetched.
func (s secretAsked) tokenClient() ([]byte, error) {
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	c := domain.TokenClient{
		TokenURL: text(s.TokenURL), ClientID: text(s.ClientID), ClientSecret: text(s.ClientSecret),
		Scope: text(s.Scope), Audience: text(s.Audience), Auth: domain.TokenAuth(text(s.Auth)),
	}
	if s.Auth == nil {
		c.Auth = domain.TokenBasic
	}
	switch {
	case s.TokenURL == nil:
		return nil, domain.FailField(opReadSecret, "token_url", `must be given; "" takes the credential away`)
	case c.TokenURL == "":
		return nil, nil
	case c.Auth != domain.TokenBasic && c.Auth != domain.TokenBody:
		return nil, domain.FailField(opReadSecret, "auth", fmt.Sprintf("must be %s or %s", domain.TokenBasic, domain.TokenBody))
	case c.ClientSecret == "" || len(c.ClientSecret) > maxCredential || strings.ContainsFunc(c.ClientSecret, control):
		return nil, domain.FailField(opReadSecret, "client_secret", fmt.Sprintf("must be given, of at most %d bytes without control characters", maxCredential))
	}
	for _, part := range []struct {
		name, value string
		needed      bool
	}{{"client_id", c.ClientID, true}, {"scope", c.Scope, false}, {"audience", c.Audience, false}} {
		if part.needed && part.value == "" || len(part.value) > maxPart || strings.ContainsFunc(part.value, control) {
			return nil, domain.FailField(opReadSecret, part.name, fmt.Sprintf("must be of at most %d bytes without control characters, and client_id must be given", maxPart))
		}
	}
	if err := outbound.CheckURL(c.TokenURL, true); err != nil { // private addresses are each node's to refuse
		return nil, domain.FailField(opReadSecret, "token_url", errors.Unwrap(err).Error())
	}
	plain, err := json.Marshal(c) //nolint:gosec // it is what is sealed
	if err != nil {
		return nil, domain.Fail(opReadSecret, domain.Internal, errors.New("it cannot be written down"))
	}
	return plain, nil
}

// certificate is PEM, as it came.
func (s secretAsked) certificate(now time.Time) (c credential, err error) {
	switch {
	case s.PEM == nil:
		return c, domain.FailField(opReadSecret, "pem", `must be given; "" takes the certificate away`)
	case len(*s.PEM) > maxPEM:
		return c, domain.FailField(opReadSecret, "pem", fmt.Sprintf("must be at most %d bytes", maxPEM))
	case *s.PEM == "":
		return c, nil
	}
	c.plain = []byte(*s.PEM)
	c.expires, err = outbound.CheckCertificate(c.plain, now)
	return c, err
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func visible(text string, most int) bool {
	return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}
