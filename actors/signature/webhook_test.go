package signature_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// The vectors of the Standard Webhooks libraries: their default secret and key, message and answers.
const (
	specID      = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	specSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	specKey     = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
	specBody    = `{"test": 2432232314}`
	specHMAC    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	specEd25519 = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag=="
)

var specAt = time.Unix(1614265330, 0)

func parseKey(t testing.TB, text string) signature.WebhookKey {
	t.Helper()
	key, err := signature.ParseWebhookKey(text)
	require.NoError(t, err)
	return key
}

func newWebhookKey(t testing.TB, kind domain.SecretKind) signature.WebhookKey {
	t.Helper()
	key, err := signature.NewWebhookKey(kind)
	require.NoError(t, err)
	return key
}

func TestSignWebhook_AsTheSpecificationDoes(t *testing.T) {
	t.Parallel()
	secret, private := parseKey(t, specSecret), parseKey(t, specKey)
	for name, row := range map[string]struct {
		keys []signature.WebhookKey
		want string
	}{
		"HMAC":                       {[]signature.WebhookKey{secret}, specHMAC},
		"Ed25519":                    {[]signature.WebhookKey{private}, specEd25519},
		"both while one is replaced": {[]signature.WebhookKey{secret, private}, specHMAC + " " + specEd25519},
		"in the order of the keys":   {[]signature.WebhookKey{private, secret}, specEd25519 + " " + specHMAC},
	} {
		got, err := signature.SignWebhook(specID, specAt, []byte(specBody), row.keys...)
		require.NoError(t, err, name)
		require.Equal(t, row.want, got, name)
	}
}

// Two secrets are live for a while: a receiver that knows either is content, and a third is not.
func TestSignWebhook_TwoLiveSecrets(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.SecretKind{domain.HMACSecret, domain.Ed25519Secret} {
		older, newer, other := newWebhookKey(t, kind), newWebhookKey(t, kind), newWebhookKey(t, kind)
		w := signed(t, specAt, newer, older)
		require.NoError(t, signature.VerifyWebhook(w, specAt, older))
		require.NoError(t, signature.VerifyWebhook(w, specAt, newer))
		require.NoError(t, signature.VerifyWebhook(w, specAt, other, newer), "a receiver rotates as well")
		require.ErrorContains(t, signature.VerifyWebhook(w, specAt, other), "no signature")
		if kind == domain.Ed25519Secret {
			require.NoError(t, signature.VerifyWebhook(w, specAt, parseKey(t, newer.Public())), "the public half is enough")
		}
	}
}

func signed(t testing.TB, at time.Time, keys ...signature.WebhookKey) signature.Webhook {
	t.Helper()
	value, err := signature.SignWebhook(specID, at, []byte(specBody), keys...)
	require.NoError(t, err)
	return signature.Webhook{ID: specID, Timestamp: strconv.FormatInt(at.Unix(), 10), Signature: value, Body: []byte(specBody)}
}

func TestVerifyWebhook_SaysWhyNot(t *testing.T) {
	t.Parallel()
	key := parseKey(t, specSecret)
	for name, row := range map[string]struct {
		change func(*signature.Webhook)
		after  time.Duration
		want   string
	}{
		"genuine":                        {func(*signature.Webhook) {}, 0, ""},
		"as old as is allowed":           {func(*signature.Webhook) {}, signature.WebhookTolerance, ""},
		"too old":                        {func(*signature.Webhook) {}, signature.WebhookTolerance + time.Second, "from now"},
		"from a clock that is ahead":     {func(*signature.Webhook) {}, -signature.WebhookTolerance - time.Second, "from now"},
		"no id":                          {func(w *signature.Webhook) { w.ID = "" }, 0, "webhook-id is missing"},
		"another id":                     {func(w *signature.Webhook) { w.ID = "msg_other" }, 0, "no signature"},
		"an id with a part of the next":  {func(w *signature.Webhook) { w.ID += "." + w.Timestamp }, 0, "full stop"},
		"no timestamp":                   {func(w *signature.Webhook) { w.Timestamp = "" }, 0, "whole number"},
		"a timestamp written otherwise":  {func(w *signature.Webhook) { w.Timestamp = "+" + w.Timestamp }, 0, "whole number"},
		"a timestamp with a zero before": {func(w *signature.Webhook) { w.Timestamp = "0" + w.Timestamp }, 0, "whole number"},
		"a timestamp before 1970":        {func(w *signature.Webhook) { w.Timestamp = "-1" }, 0, "whole number"},
		"a timestamp beyond all time":    {func(w *signature.Webhook) { w.Timestamp = "9223372036854775807" }, 0, "from now"},
		"another timestamp":              {func(w *signature.Webhook) { w.Timestamp = "1614265331" }, 0, "no signature"},
		"no signature":                   {func(w *signature.Webhook) { w.Signature = " " }, 0, "missing"},
		"an empty signature":             {func(w *signature.Webhook) { w.Signature = "v1," }, 0, "no signature"},
		"a signature without version":    {func(w *signature.Webhook) { w.Signature = specHMAC[3:] }, 0, "no signature"},
		"the version of the other kind":  {func(w *signature.Webhook) { w.Signature = "v1a" + specHMAC[2:] }, 0, "no signature"},
		"a version of the future":        {func(w *signature.Webhook) { w.Signature = "v2" + specHMAC[2:] }, 0, "no signature"},
		"half a signature":               {func(w *signature.Webhook) { w.Signature = specHMAC[:23] }, 0, "no signature"},
		"among strangers": {func(w *signature.Webhook) {
			w.Signature = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x " + specHMAC + " v1,!"
		}, 0, ""},
		"among too many strangers": {func(w *signature.Webhook) { w.Signature = strings.Repeat("v1,x ", 16) + specHMAC }, 0, "more than 16"},
		"a header without end":     {func(w *signature.Webhook) { w.Signature = strings.Repeat("x", 5000) }, 0, "longer than"},
		"one byte of the body":     {func(w *signature.Webhook) { w.Body = []byte(specBody + " ") }, 0, "no signature"},
	} {
		w := signed(t, specAt, key)
		row.change(&w)
		err := signature.VerifyWebhook(w, specAt.Add(row.after), key)
		if row.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, row.want, name)
		require.Equal(t, domain.Unverified, domain.CodeOf(err), name)
	}
}

func TestSignWebhook_RefusesWhatNobodyCouldVerify(t *testing.T) {
	t.Parallel()
	key, public := parseKey(t, specSecret), parseKey(t, parseKey(t, specKey).Public())
	for name, row := range map[string]struct {
		id   string
		keys []signature.WebhookKey
		want string
	}{
		"no id":                     {"", []signature.WebhookKey{key}, "missing"},
		"an id with a full stop":    {"a.1", []signature.WebhookKey{key}, "full stop"},
		"an id that ends a header":  {"a\r\nx: y", []signature.WebhookKey{key}, "printable"},
		"an id of other letters":    {"ä", []signature.WebhookKey{key}, "printable"},
		"an id without end":         {strings.Repeat("a", 257), []signature.WebhookKey{key}, "longer than"},
		"no key":                    {specID, nil, "no key"},
		"the public half of a pair": {specID, []signature.WebhookKey{public}, "cannot sign"},
		"the zero key":              {specID, []signature.WebhookKey{{}}, "cannot sign"},
	} {
		_, err := signature.SignWebhook(row.id, specAt, []byte(specBody), row.keys...)
		require.ErrorContains(t, err, row.want, name)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), name)
	}
}

func TestParseWebhookKey_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, want string }{
		"nothing":                          {"", "does not begin"},
		"a secret without its prefix":      {specSecret[6:], "does not begin"},
		"a prefix of others":               {"sk_live_" + specSecret[6:], "does not begin"},
		"a prefix in capitals":             {"WHSEC_" + specSecret[6:], "does not begin"},
		"a prefix alone":                   {"whsec_", "has 0 bytes"},
		"a secret that is short":           {"whsec_c2hvcnQ=", "has 5 bytes"},
		"a secret that is long":            {"whsec_" + strings.Repeat("AAAA", 30), "longer than"},
		"a secret in hex":                  {"whsec_" + strings.Repeat("zz-", 16), "not base64"},
		"a secret over two lines":          {specSecret[:20] + "\n" + specSecret[20:], "not base64"},
		"a secret with a blank":            {specSecret + " ", "not base64"},
		"a private key that is short":      {"whsk_c2hvcnQ=", "has 5 bytes"},
		"a private key with another's end": {"whsk_" + strings.Repeat("A", 85) + "Q==", "another private key"},
		"a public key that is short":       {"whpk_c2hvcnQ=", "a public key has 32"},
	} {
		_, err := signature.ParseWebhookKey(row.text)
		require.ErrorContains(t, err, row.want, name)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), name)
		if _, secret, found := strings.Cut(row.text, "_"); found && len(secret) > 4 {
			require.NotContains(t, err.Error(), secret[:4], "%s: an error shows nothing of a secret", name)
		}
	}
	require.Equal(t, parseKey(t, "whsec_"+strings.Repeat("A", 43)+"=").ID(), parseKey(t, "whsec_"+strings.Repeat("A", 43)).ID(), "padding may be left out")
}

// What is made is read back as it was, and says which it is.
func TestNewWebhookKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.SecretKind{domain.HMACSecret, domain.Ed25519Secret} {
		key := newWebhookKey(t, kind)
		read := parseKey(t, key.Reveal())
		require.Equal(t, key.Reveal(), read.Reveal())
		require.Equal(t, key.ID(), read.ID())
		require.Equal(t, kind, read.Kind())
		require.True(t, read.Signs())
		require.NotEqual(t, key.ID(), newWebhookKey(t, kind).ID())
	}
	pair := newWebhookKey(t, domain.Ed25519Secret)
	half := parseKey(t, pair.Public())
	require.Equal(t, pair.ID(), half.ID(), "a receiver finds the key that a receipt names")
	require.False(t, half.Signs())
	require.Equal(t, pair.Public(), half.Reveal())
	require.Empty(t, parseKey(t, specSecret).Public())
	_, err := signature.NewWebhookKey(domain.BearerSecret)
	require.ErrorContains(t, err, "does not sign")
}

// However a key is printed, logged or encoded: it shows its name and none of itself.
func TestWebhookKey_NeverShowsItself(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.SecretKind{domain.HMACSecret, domain.Ed25519Secret} {
		key := newWebhookKey(t, kind)
		_, encodedKey, _ := strings.Cut(key.Reveal(), "_")
		bytesOfIt, err := base64.StdEncoding.DecodeString(encodedKey)
		require.NoError(t, err)
		raw := []string{fmt.Sprintf("%d %d", bytesOfIt[0], bytesOfIt[1]), fmt.Sprintf("%x", bytesOfIt[:4])}
		var shown []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%08b", "%t", "%c", "%U"} {
			shown = append(shown, fmt.Sprintf(verb, key), fmt.Sprintf(verb, &key), fmt.Sprintf(verb, []signature.WebhookKey{key}),
				fmt.Sprintf(verb, struct{ Key signature.WebhookKey }{key}))
			hidden := fmt.Sprintf(verb, struct{ key signature.WebhookKey }{key}) // fmt asks no method of it
			require.NotContains(t, hidden, key.Reveal()[7:20])
			require.NotContains(t, hidden, raw[0], verb)
			require.NotContains(t, hidden, raw[1], verb)
		}
		encoded, err := json.Marshal(map[string]any{"key": key})
		require.NoError(t, err)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "keys", []signature.WebhookKey{key})
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "keys", []signature.WebhookKey{key})
		_, secret, _ := strings.Cut(key.Reveal(), "_")
		for _, s := range append(shown, string(encoded), log.String()) {
			require.Contains(t, s, key.ID())
			require.NotContains(t, s, secret[:8])
			require.NotContains(t, s, secret[len(secret)-9:])
			require.Less(t, len(strings.TrimSpace(s)), 1000)
		}
	}
	require.Equal(t, "no webhook key", signature.WebhookKey{}.String())
}

func FuzzParseWebhookKey(f *testing.F) {
	f.Add(specSecret)
	f.Add(specKey)
	f.Add("whpk_" + strings.Repeat("A", 43) + "=")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := signature.ParseWebhookKey(text)
		if err != nil {
			return
		}
		again, err := signature.ParseWebhookKey(key.Reveal())
		require.NoError(t, err)
		require.Equal(t, key.ID(), again.ID())
	})
}

// Nothing but what was signed is accepted, and nothing makes verification panic.
func FuzzVerifyWebhook(f *testing.F) {
	at := strconv.FormatInt(specAt.Unix(), 10)
	f.Add(specID, at, specHMAC, []byte(specBody))
	f.Add(specID, at, specEd25519, []byte(specBody))
	f.Add(specID, at, specHMAC+" "+specEd25519, []byte(specBody))
	f.Add("a.b", "-0", "v1, v1a,=", []byte{})
	keys := []signature.WebhookKey{parseKey(f, specSecret), parseKey(f, specKey)}
	f.Fuzz(func(t *testing.T, id, timestamp, value string, body []byte) {
		w := signature.Webhook{ID: id, Timestamp: timestamp, Signature: value, Body: body}
		if signature.VerifyWebhook(w, specAt, keys...) == nil {
			require.Equal(t, []string{specID, at, specBody}, []string{id, timestamp, string(body)})
		}
	})
}

func BenchmarkSignWebhook(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1500) // an envelope
	for _, kind := range []domain.SecretKind{domain.HMACSecret, domain.Ed25519Secret} {
		key := newWebhookKey(b, kind)
		b.Run(string(kind), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := signature.SignWebhook(specID, specAt, body, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
