package outbound

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// clientSecret has what has to be written otherwise in a form.
const clientSecret = "s3cr3t+/=&%"

var crm = domain.EndpointKey{Account: "acme", Endpoint: "crm"}

// issuer is an authorization server that numbers its tokens.
type issuer struct {
	*world
	*Tokens

	clock  *handClock
	mu     sync.Mutex
	asked  []*http.Request // with their forms read
	answer func(out http.ResponseWriter, n int)
}

// newIssuer answers as it is told to; nil: with tokens that are good for so many seconds.
func newIssuer(t *testing.T, life int, answer func(out http.ResponseWriter, n int)) *issuer {
	t.Helper()
	i := &issuer{answer: answer}
	if answer == nil {
		i.answer = func(out http.ResponseWriter, n int) {
			_, _ = fmt.Fprintf(out, `{"access_token":"token-%d","token_type":"bearer","expires_in":%d}`, n, life)
		}
	}
	i.world, _ = receiver(t, true, Config{}, func(out http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		i.mu.Lock()
		i.asked = append(i.asked, r)
		n := len(i.asked)
		i.mu.Unlock()
		i.answer(out, n)
	})
	i.clock = &handClock{now: time.Now()}
	i.deps.Clock = i.clock
	var err error
	i.Tokens, err = NewTokens(i.Sender)
	require.NoError(t, err)
	return i
}

func client(change ...func(*domain.TokenClient)) domain.TokenClient {
	c := domain.TokenClient{TokenURL: "https://example.com/token?tenant=1", ClientID: "lead wire", ClientSecret: clientSecret, Auth: domain.TokenBasic}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (i *issuer) token(refused string) (string, error) {
	return i.Token(i.t.Context(), crm, "cr_1", client(), refused)
}

func (i *issuer) fetched(outcome string) int {
	return i.value(i.metrics.fetches.WithLabelValues(outcome))
}

// A token is asked for as RFC 6749 has it, with the client in the header or in the form.
func TestTokens_Asks(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, 3600, nil)
	got, err := i.token("")
	require.NoError(t, err)
	require.Equal(t, "token-1", got)
	r := i.asked[0]
	require.Equal(t, "POST /token?tenant=1", r.Method+" "+r.RequestURI)
	require.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	require.Equal(t, url.Values{"grant_type": {"client_credentials"}}, r.PostForm)
	pair, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	require.NoError(t, err)
	require.Equal(t, "lead+wire:"+url.QueryEscape(clientSecret), string(pair))

	_, err = i.Token(t.Context(), crm, "cr_2", client(func(c *domain.TokenClient) {
		c.Auth, c.Scope, c.Audience = domain.TokenBody, "leads write", "https://api.example.com"
	}), "")
	require.NoError(t, err)
	r = i.asked[1]
	require.Empty(t, r.Header.Get("Authorization"))
	require.Equal(t, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"lead wire"}, "client_secret": {clientSecret},
		"scope": {"leads write"}, "audience": {"https://api.example.com"},
	}, r.PostForm)
	require.Equal(t, 2, i.fetched("ok"))
}

// A token is used until shortly before it ends, and for an hour at most; another endpoint, or another secret, has its own.
func TestTokens_AreKept(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		answer string
		used   time.Duration
	}{
		"an hour":            {`"expires_in":3600`, 59 * time.Minute},
		"a day":              {`"expires_in":86400`, 59 * time.Minute},
		"as text":            {`"expires_in":"100"`, 90 * time.Second},
		"a short while":      {`"expires_in":20`, 18 * time.Second},
		"no time":            {`"expires_in":0`, time.Second},
		"less than none":     {`"expires_in":-5`, time.Second},
		"not said":           {`"scope":"x"`, 59 * time.Minute},
		"said in other ways": {`"expires_in":"soon"`, 59 * time.Minute},
	} {
		i := newIssuer(t, 0, func(out http.ResponseWriter, n int) {
			_, _ = fmt.Fprintf(out, `{"access_token":"token-%d","token_type":"Bearer",%s}`, n, row.answer)
		})
		for _, step := range []struct {
			wait time.Duration
			want string
		}{{0, "token-1"}, {row.used - 1, "token-1"}, {1, "token-2"}} {
			i.clock.advance(step.wait)
			got, err := i.token("")
			require.NoError(t, err, name)
			require.Equal(t, step.want, got, name)
		}
	}
	i := newIssuer(t, 3600, nil)
	for n, k := range []tokenKey{{crm, "a"}, {crm, "b"}, {domain.EndpointKey{Account: "rival", Endpoint: "crm"}, "a"}} {
		got, err := i.Token(t.Context(), k.endpoint, k.secret, client(), "")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("token-", n+1), got)
	}
}

// However many attempts need a token at once, one asks for it; when that one gives up, another one does.
func TestTokens_AreFetchedOnce(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	i := newIssuer(t, 0, func(out http.ResponseWriter, n int) {
		if n == 1 {
			<-release
			return
		}
		_, _ = fmt.Fprintf(out, `{"access_token":"token-%d","token_type":"Bearer","expires_in":60}`, n)
	})
	impatient, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := i.Token(impatient, crm, "cr_1", client(), "")
		gaveUp <- err
	}()
	require.Eventually(t, func() bool { i.mu.Lock(); defer i.mu.Unlock(); return len(i.asked) == 1 }, 5*time.Second, time.Millisecond)
	got := make(chan string)
	const many = 50
	for range many {
		go func() {
			token, err := i.token("")
			got <- fmt.Sprint(token, err)
		}()
	}
	cancel()
	require.ErrorIs(t, <-gaveUp, context.Canceled)
	for range many {
		require.Equal(t, "token-2<nil>", <-got)
	}
	require.Len(t, i.asked, 2)
	require.Equal(t, 1, i.fetched("stopped"))
	close(release)
}

// A token that an endpoint refuses is replaced once for all who were refused it. One that was given out a moment ago is not:
// the next one would be refused as well.
func TestTokens_AreReplaced(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, 3600, nil)
	old, err := i.token("")
	require.NoError(t, err)
	young, err := i.token(old)
	require.NoError(t, err)
	require.Equal(t, old, young, "it is a moment old")
	i.clock.advance(10 * time.Second)
	got := make(chan string)
	const many = 20
	for range many {
		go func() {
			token, err := i.token(old)
			got <- fmt.Sprint(token, err)
		}()
	}
	for range many {
		require.Equal(t, "token-2<nil>", <-got)
	}
	require.Len(t, i.asked, 2)
}

// A failure is the answer for a second, or for as long as the server asks for, up to a minute; then it is asked again.
func TestTokens_PauseAfterAFailure(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		header string
		pause  time.Duration
	}{"as it is": {"", time.Second}, "half a minute": {"30", 30 * time.Second}, "a day": {"86400", time.Minute}} {
		i := newIssuer(t, 0, func(out http.ResponseWriter, _ int) {
			if row.header != "" {
				out.Header().Set("Retry-After", row.header)
			}
			out.WriteHeader(http.StatusTooManyRequests)
		})
		for _, step := range []struct {
			wait  time.Duration
			asked int
		}{{0, 1}, {row.pause - 1, 1}, {1, 2}} {
			i.clock.advance(step.wait)
			_, err := i.token("")
			require.EqualError(t, err, "no token from example.com: it answered 429 Too Many Requests", name)
			require.Len(t, i.asked, step.asked, name)
		}
		require.Equal(t, 2, i.fetched("refused"))
	}
}

// Whatever a server answers, the error says it in words of ours, and nothing that is secret is in it, in a log or printed.
func TestTokens_Failures(t *testing.T) {
	t.Parallel()
	echo := `{"error":"` + clientSecret + `","error_description":"the secret ` + clientSecret + ` is wrong"}`
	for name, row := range map[string]struct {
		answer func(out http.ResponseWriter, n int)
		says   string
	}{
		"a wrong secret":            {says(401, `{"error":"invalid_client"}`), "it answered 401 Unauthorized (invalid_client)"},
		"a wrong scope":             {says(400, `{"error":"invalid_scope","error_description":"no"}`), "it answered 400 Bad Request (invalid_scope)"},
		"the secret as an error":    {says(400, echo), "it answered 400 Bad Request"},
		"no JSON":                   {says(500, "<html>"+clientSecret), "it answered 500 Internal Server Error"},
		"somewhere else":            {moved, "it answered 302 Found"},
		"a page":                    {says(200, "<html>"), "its answer is not the JSON of a token"},
		"nothing":                   {says(204, ""), "its answer is not the JSON of a token"},
		"no token":                  {says(200, `{"token_type":"Bearer"}`), "its answer has no access_token"},
		"a token of another kind":   {says(200, `{"access_token":"t0k3n","token_type":"mac"}`), "its tokens are not of the type Bearer"},
		"a token of two lines":      {says(200, `{"access_token":"t0k3n\r\nHost: x","token_type":"Bearer"}`), "printable ASCII"},
		"a very long token":         {says(200, `{"access_token":"`+strings.Repeat("t0k3n", 2000)+`","token_type":"Bearer"}`), "printable ASCII"},
		"an answer without an end":  {says(200, `{"access_token":"t0k3n","more":"`+strings.Repeat("x", 60<<10)), "its answer has more than 32768 bytes"},
		"an answer that breaks off": {func(out http.ResponseWriter, _ int) { panic(http.ErrAbortHandler) }, "before an answer came"},
	} {
		i := newIssuer(t, 0, row.answer)
		got, err := i.token("")
		require.Empty(t, got, name)
		require.ErrorContains(t, err, "no token from example.com: ", name)
		require.ErrorContains(t, err, row.says, name)
		silent(t, name, err.Error(), i.log.String())
	}
	silent(t, "printed", fmt.Sprintf("%v %+v %#v %s %q", client(), client(), client(), client(), client()))
	whole, err := json.Marshal(client())
	require.NoError(t, err)
	require.Contains(t, string(whole), "s3cr3t", "what is sealed has it")
}

// silent finds what is secret in texts, in all its forms.
func silent(t *testing.T, name string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		for _, form := range []string{
			"s3cr3t", "t0k3n", base64.StdEncoding.EncodeToString([]byte("lead+wire:" + url.QueryEscape(clientSecret)))[:24],
		} {
			require.NotContains(t, text, form, name)
		}
	}
}

func says(code int, body string) func(http.ResponseWriter, int) {
	return func(out http.ResponseWriter, _ int) {
		out.WriteHeader(code)
		_, _ = io.WriteString(out, body)
	}
}

func moved(out http.ResponseWriter, _ int) {
	out.Header().Set("Location", "https://elsewhere.example/?secret="+url.QueryEscape(clientSecret))
	out.WriteHeader(http.StatusFound)
}

// A server that sends back what it got, as no HTTP at all.
func TestTokens_Echo(t *testing.T) {
	t.Parallel()
	w := piped(t, Config{}, func(conn net.Conn) {
		got := make([]byte, 4096)
		n, _ := conn.Read(got)
		_, _ = conn.Write([]byte(strings.ReplaceAll(string(got[:n]), "\r\n", " ")))
	})
	tokens, err := NewTokens(w.Sender)
	require.NoError(t, err)
	_, err = tokens.Token(t.Context(), crm, "cr_1", client(func(c *domain.TokenClient) { c.TokenURL, c.Auth = "http://hooks.example/", domain.TokenBody }), "")
	require.ErrorContains(t, err, "no token from hooks.example: ")
	silent(t, "echo", err.Error(), w.log.String())
}

// A token is fetched where an event may be sent, and nowhere else.
func TestTokens_AreVetted(t *testing.T) {
	t.Parallel()
	for _, row := range tricks {
		w := newWorld(t, Config{Refuse: []netip.Prefix{netip.MustParsePrefix("198.45.67.0/24")}}, nil)
		w.mine = []netip.Addr{netip.MustParseAddr("198.45.66.7")}
		if row.leads != "" {
			w.names.is("localhost", row.leads)
			w.names.is(hostOf(row.url), row.leads)
		}
		tokens, err := NewTokens(w.Sender)
		require.NoError(t, err)
		_, err = tokens.Token(t.Context(), crm, "cr_1", client(func(c *domain.TokenClient) { c.TokenURL = row.url }), "")
		require.ErrorContains(t, err, "no token from ", row.name)
		require.ErrorContains(t, err, row.says, row.name)
		require.Empty(t, w.dialled, row.name)
		require.Equal(t, 1, w.refused(row.rule), row.name)
		require.Equal(t, 1, w.value(tokens.metrics.fetches.WithLabelValues(fetchFailed)))
		silent(t, row.name, err.Error(), w.log.String())
	}
}

// There are no more tokens than the limit: the one that ends first goes.
func TestTokens_AreBounded(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, 3600, nil)
	for n := range maxTokens {
		i.kept[tokenKey{crm, fmt.Sprint(n)}] = &token{value: "x", until: i.clock.now.Add(time.Duration(n+1) * time.Second)}
	}
	_, err := i.Token(t.Context(), crm, "fresh", client(), "")
	require.NoError(t, err)
	require.Len(t, i.kept, maxTokens)
	require.NotContains(t, i.kept, tokenKey{crm, "0"})
	require.Contains(t, i.kept, tokenKey{crm, "fresh"})
}
