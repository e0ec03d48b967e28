package outbound

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// fetchTimeout bounds one request for a token: attempts wait for it.
	fetchTimeout = 10 * time.Second
	// tokenLife is how long a token is used whose server does not say how long it is good, and at most: a client that was
	// taken out at its server is told so within the hour.
	tokenLife = time.Hour
	// tokenMargin is how long before its end a token is replaced, a tenth of its life at most: an attempt that leaves with it
	// takes up to a minute.
	tokenMargin = time.Minute
	// tokenYoung is how old a token has to be before another is fetched because the endpoint refuses it: who refuses what was
	// given out a moment ago will refuse the next one too.
	tokenYoung = 10 * time.Second
	// fetchPause is how long a failed fetch is the answer for all who ask; maxFetchPause, if the server asks for a longer one.
	fetchPause    = time.Second
	maxFetchPause = time.Minute
	// maxTokens is how many are kept: one for each endpoint that has any. Of more, that goes which ends first.
	maxTokens = 4096
	// maxToken is how long one may be: what servers take in one header.
	maxToken = 8 << 10
	// maxGrant is how much of an answer is read: a token, and what else is said of it.
	maxGrant = 32 << 10
)

// Tokens is a domain.Tokens over HTTP, by the Sender's rules: what may not be sent to may not be asked for a token.
// It is safe for concurrent use.
type Tokens struct {
	sender  *Sender
	metrics *tokenMetrics

	mu   sync.Mutex
	kept map[tokenKey]*token
}

var _ domain.Tokens = (*Tokens)(nil)

type tokenKey struct {
	endpoint domain.EndpointKey
	secret   string
}

// token is one, or why there is none.
type token struct {
	value   string
	err     error
	fetched time.Time
	until   time.Time     // what it says holds until then
	busy    chan struct{} // closed when the fetch that is under way has ended; nil: there is none
}

// NewTokens fetches by a Sender, and registers its metrics where the Sender has registered its own.
func NewTokens(s *Sender) (*Tokens, error) {
	t := &Tokens{sender: s, kept: map[tokenKey]*token{}}
	var err error
	t.metrics, err = newTokenMetrics(s.deps.Registerer, func() float64 {
		t.mu.Lock()
		defer t.mu.Unlock()
		return float64(len(t.kept))
	})
	return t, err
}

// Token answers from what is kept, or fetches. Whoever comes while a fetch is under way waits for it; when whoever began
// it gives up, the next one begins anew.
func (t *Tokens) Token(ctx context.Context, key domain.EndpointKey, secret string, client domain.TokenClient, refused string) (string, error) {
	for {
		t.mu.Lock()
		one := t.find(tokenKey{key, secret})
		if one.holds(t.sender.deps.Clock.Now(), refused) {
			value, err := one.value, one.err
			t.mu.Unlock()
			return value, err
		}
		busy := one.busy
		if busy == nil {
			one.busy, one.until = make(chan struct{}), time.Time{} // nobody uses what was refused or is over
			t.mu.Unlock()
			return t.fetch(ctx, one, client)
		}
		t.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// holds says whether it is the answer.
func (o *token) holds(now time.Time, refused string) bool {
	if o.busy != nil || !now.Before(o.until) {
		return false
	}
	return o.err != nil || o.value != refused || now.Sub(o.fetched) < tokenYoung
}

// find makes room for one that is not there.
func (t *Tokens) find(key tokenKey) *token {
	if one := t.kept[key]; one != nil {
		return one
	}
	if len(t.kept) >= maxTokens {
		var first tokenKey
		var ends *token
		for k, one := range t.kept {
			if one.busy == nil && (ends == nil || one.until.Before(ends.until)) {
				first, ends = k, one
			}
		}
		if ends != nil { // else all are being fetched, and there are no more of those than attempts
			delete(t.kept, first)
		}
	}
	one := &token{}
	t.kept[key] = one
	return one
}

func (t *Tokens) fetch(ctx context.Context, one *token, client domain.TokenClient) (string, error) {
	got, err := t.ask(ctx, client)
	now := t.sender.deps.Clock.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	close(one.busy)
	one.busy = nil
	switch {
	case err == nil:
		one.value, one.err, one.fetched, one.until = got.value, nil, now, now.Add(got.use())
	case ctx.Err() == nil:
		one.value, one.err, one.until = "", err, now.Add(got.pause)
	}
	return got.value, err
}

// grant is what a server has answered.
type grant struct {
	value string
	life  time.Duration
	pause time.Duration // of a refusal: before it is asked again
}

// use is how long it is used. One that is over at once is shared by those who waited for it.
func (g grant) use() time.Duration {
	return max(time.Second, g.life-min(tokenMargin, g.life/10))
}

func (t *Tokens) ask(ctx context.Context, client domain.TokenClient) (grant, error) {
	sent := t.sender.send(ctx, tokenDispatch(client), maxGrant)
	host := serverOf(client.TokenURL)
	if ctx.Err() != nil {
		t.metrics.fetches.WithLabelValues(fetchStopped).Inc()
		return grant{}, fmt.Errorf("no token from %s: %w", host, context.Cause(ctx))
	}
	got, err := grantOf(sent)
	outcome := succeeded
	switch {
	case err != nil && sent.Status != 0:
		outcome = fetchRefused
	case err != nil:
		outcome = fetchFailed
	}
	t.metrics.fetches.WithLabelValues(outcome).Inc()
	if err != nil {
		got.pause = min(max(fetchPause, sent.RetryAfter.Sub(t.sender.deps.Clock.Now())), maxFetchPause)
		return got, fmt.Errorf("no token from %s: %w", host, err)
	}
	return got, nil
}

// tokenDispatch is the request for a token (RFC 6749, 4.4.2 and 2.3.1).
func tokenDispatch(c domain.TokenClient) domain.Dispatch {
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, value := range map[string]string{"scope": c.Scope, "audience": c.Audience} {
		if value != "" {
			form.Set(name, value)
		}
	}
	d := domain.Dispatch{URL: c.TokenURL, Timeout: fetchTimeout, Header: domain.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"},
	}}
	if c.Auth == domain.TokenBody {
		form.Set("client_id", c.ClientID)
		form.Set("client_secret", c.ClientSecret)
	} else {
		pair := url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret)
		d.Header["Authorization"] = []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
	}
	d.Body = []byte(form.Encode())
	return d
}

// tokenAnswer is what a server says, well or ill (RFC 6749, 5).
type tokenAnswer struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ExpiresIn   json.RawMessage `json:"expires_in"` // a number; some write it as text
	Error       string          `json:"error"`
}

// grantOf reads an answer. Of what a server says in its own words only the code of its error is passed on, which is from a
// list: free text might repeat what it was sent.
func grantOf(sent domain.Sent) (grant, error) {
	var said tokenAnswer
	broken := json.Unmarshal(sent.Body, &said)
	switch {
	case sent.Error == domain.ErrorProtocol:
		return grant{}, errors.New("its answer is no valid HTTP") // the reason quotes it
	case sent.Status == 0:
		return grant{}, errors.New(sent.Reason)
	case sent.Error == domain.ErrorStatus || sent.Error == domain.ErrorRedirect:
		reason := "it answered " + named(sent.Status)
		if errorCodes[said.Error] {
			reason += " (" + said.Error + ")"
		}
		return grant{}, errors.New(reason)
	case sent.Error != "":
		return grant{}, errors.New(sent.Reason)
	case sent.Truncated:
		return grant{}, fmt.Errorf("its answer has more than %d bytes", maxGrant)
	case broken != nil:
		return grant{}, errors.New("its answer is not the JSON of a token")
	case said.AccessToken == "":
		return grant{}, errors.New("its answer has no access_token")
	case !strings.EqualFold(said.TokenType, "Bearer") && said.TokenType != "":
		return grant{}, errors.New("its tokens are not of the type Bearer")
	case len(said.AccessToken) > maxToken || strings.ContainsFunc(said.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return grant{}, fmt.Errorf("its access_token is not of at most %d printable ASCII characters without spaces", maxToken)
	}
	return grant{value: said.AccessToken, life: lifeOf(said.ExpiresIn)}, nil
}

// errorCodes are those of RFC 6749 (5.2), RFC 8707, and what servers say when they are not well.
var errorCodes = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true, "unsupported_grant_type": true,
	"invalid_scope": true, "invalid_target": true, "access_denied": true, "server_error": true, "temporarily_unavailable": true,
	"invalid_resource": true, "slow_down": true, "too_many_requests": true,
}

// lifeOf reads expires_in.
func lifeOf(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || seconds >= tokenLife.Seconds() {
		return tokenLife
	}
	return time.Duration(max(0, seconds) * float64(time.Second))
}

// serverOf names a server in an error, without what else is in its URL.
func serverOf(raw string) string {
	if to, refused := parse(raw, true); refused == nil {
		return to.name
	}
	return "its token endpoint"
}
