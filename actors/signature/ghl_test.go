package signature_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/stretchr/testify/require"
)

// headers is a request's headers as a test writes them.
type headers map[string]string

func (h headers) Peek(name string) []byte {
	v, ok := h[name]
	if !ok {
		return nil
	}
	return []byte(v)
}

var body = []byte(`{"type":"ContactCreate","locationId":"loc-1","id":"c-1"}`)

func newKey(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return public, private
}

// An RSA-4096 key takes seconds to make, so the tests share one.
var legacyKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 4096) })

func signLegacy(t testing.TB, body []byte) string {
	t.Helper()
	key, err := legacyKey()
	require.NoError(t, err)
	digest := sha256.Sum256(body)
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(sig)
}

func pemOf(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func open(t testing.TB, src domain.Source) *signature.GHL {
	t.Helper()
	g, err := signature.NewGHL(src)
	require.NoError(t, err)
	return g
}

func TestGHL_Verify(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	older, olderPrivate := newKey(t)
	_, stranger := newKey(t)
	rsaKey, err := legacyKey()
	require.NoError(t, err)
	keys := []string{signature.FormatEd25519(public), signature.FormatEd25519(older)}
	current := open(t, domain.Source{PublicKeys: keys})
	both := open(t, domain.Source{PublicKeys: keys, Legacy: true, LegacyKeys: []string{pemOf(t, &rsaKey.PublicKey)}})
	good, legacy := signature.SignGHL(private, body), signLegacy(t, body)
	forged := signature.SignGHL(stranger, body)

	for _, row := range []struct {
		why  string
		by   *signature.GHL
		head headers
		want signature.Verdict
	}{
		{"the current scheme by the current key", current, headers{signature.GHLHeader: good}, signature.Verdict{Scheme: signature.Ed25519}},
		{"the older of two live keys", current, headers{signature.GHLHeader: signature.SignGHL(olderPrivate, body)}, signature.Verdict{Scheme: signature.Ed25519}},
		{"white space around a header is no part of it", current, headers{signature.GHLHeader: " " + good + " "}, signature.Verdict{Scheme: signature.Ed25519}},
		{"no header is a failure, never a skip", current, headers{}, signature.Verdict{Scheme: signature.None, Reason: signature.Missing}},
		{"an empty header is as good as none", current, headers{signature.GHLHeader: ""}, signature.Verdict{Scheme: signature.None, Reason: signature.Missing}},
		{"N/A is a failure", current, headers{signature.GHLHeader: "N/A"}, signature.Verdict{Scheme: signature.None, Reason: signature.Missing}},
		{"a stranger's key", current, headers{signature.GHLHeader: forged}, signature.Verdict{Scheme: signature.Ed25519, Reason: signature.Mismatch}},
		{"a signature of other bytes", current, headers{signature.GHLHeader: signature.SignGHL(private, append([]byte(" "), body...))}, signature.Verdict{Scheme: signature.Ed25519, Reason: signature.Mismatch}},
		{"not base64", current, headers{signature.GHLHeader: "!" + good[1:]}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},
		{"base64 for URLs", current, headers{signature.GHLHeader: strings.Repeat("-_", 43) + "=="}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},
		{"the length of no scheme", current, headers{signature.GHLHeader: base64.StdEncoding.EncodeToString(make([]byte, 63))}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},
		{"longer than any signature", current, headers{signature.GHLHeader: strings.Repeat("A", 8000)}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},
		{"trailing bits that another encoder would not write", current, headers{signature.GHLHeader: good[:len(good)-3] + "B=="}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},

		{"the legacy scheme is off by default", current, headers{signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.RSA, Reason: signature.Disabled}},
		{"the legacy scheme where it is configured", both, headers{signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.RSA}},
		{"a legacy signature of other bytes", both, headers{signature.GHLLegacyHeader: signLegacy(t, []byte("{}"))}, signature.Verdict{Scheme: signature.RSA, Reason: signature.Mismatch}},
		{"an Ed25519 signature in the legacy header has been seen, and is good", current, headers{signature.GHLLegacyHeader: good}, signature.Verdict{Scheme: signature.Ed25519}},
		{"a forged one in the legacy header", both, headers{signature.GHLLegacyHeader: forged}, signature.Verdict{Scheme: signature.Ed25519, Reason: signature.Mismatch}},
		{"both genuine: the stronger is named", both, headers{signature.GHLHeader: good, signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.Ed25519}},
		{"no downgrade by breaking the stronger one", both, headers{signature.GHLHeader: forged, signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.Ed25519, Reason: signature.Mismatch}},
		{"no downgrade by mangling it", both, headers{signature.GHLHeader: "x", signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.None, Reason: signature.Malformed}},
		{"no downgrade by N/A", both, headers{signature.GHLHeader: "N/A", signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.None, Reason: signature.Missing}},
		{"no downgrade by emptying it", both, headers{signature.GHLHeader: "", signature.GHLLegacyHeader: legacy}, signature.Verdict{Scheme: signature.None, Reason: signature.Missing}},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			got := row.by.Verify(signature.Request{Header: row.head, Body: body})
			require.Equal(t, row.want, got)
			require.Equal(t, row.want.Reason == "", got.OK())
		})
	}
}

// The zero verdict, of a caller that forgot to ask, is a refusal.
func TestVerdict_ZeroIsNoGood(t *testing.T) {
	t.Parallel()
	require.False(t, signature.Verdict{}.OK())
}

// Operators paste keys in whatever form they found them.
func TestParseEd25519_TakesEveryForm(t *testing.T) {
	t.Parallel()
	public, _ := newKey(t)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for form, text := range map[string]string{
		"base64 of SPKI DER": base64.StdEncoding.EncodeToString(der),
		"raw, base64":        base64.StdEncoding.EncodeToString(public),
		"raw, hex":           hex.EncodeToString(public),
		"raw, HEX":           strings.ToUpper(hex.EncodeToString(public)),
		"PEM":                pemOf(t, public),
		"PEM with space":     "\n  " + pemOf(t, public) + "\n",
		"ours":               signature.FormatEd25519(public),
	} {
		got, err := signature.ParseEd25519(text)
		require.NoError(t, err, form)
		require.Equal(t, public, got, form)
	}
}

// A key that cannot be read is named by its place in the catalog.
func TestNewGHL_NamesTheBadKey(t *testing.T) {
	t.Parallel()
	public, private := newKey(t)
	good := signature.FormatEd25519(public)
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	rsaKey, err := legacyKey()
	require.NoError(t, err)
	for why, row := range map[string]struct {
		src   domain.Source
		field string
	}{
		"nonsense":                {domain.Source{PublicKeys: []string{good, "nonsense!"}}, "public_keys[1]"},
		"a key of another kind":   {domain.Source{PublicKeys: []string{pemOf(t, &rsaKey.PublicKey)}}, "public_keys[0]"},
		"too short":               {domain.Source{PublicKeys: []string{"AAAA"}}, "public_keys[0]"},
		"the private key":         {domain.Source{PublicKeys: []string{string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}))}}, "public_keys[0]"},
		"a small RSA key":         {domain.Source{Legacy: true, LegacyKeys: []string{pemOf(t, &small.PublicKey)}}, "legacy_keys[0]"},
		"an Ed25519 key as RSA":   {domain.Source{Legacy: true, LegacyKeys: []string{pemOf(t, public)}}, "legacy_keys[0]"},
		"an empty key is no key":  {domain.Source{PublicKeys: []string{""}}, "public_keys[0]"},
		"nonsense for legacy key": {domain.Source{Legacy: true, LegacyKeys: []string{"?"}}, "legacy_keys[0]"},
	} {
		_, err := signature.NewGHL(row.src)
		require.Error(t, err, why)
		require.Equal(t, domain.Invalid, domain.CodeOf(err), why)
		require.ErrorContains(t, err, row.field, why)
	}
}

// The keys we carry are the published ones, in every published form.
func TestGHL_CarriesThePlatformsKeys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/inbound-vectors.json")
	require.NoError(t, err)
	var vectors []struct {
		Source, Scheme, Kind string
		SPKI                 string `json:"public_key_spki_b64"`
		Hex                  string `json:"public_key_raw_hex"`
		PEM                  string `json:"public_key_pem"`
		DERSum               string `json:"der_sha256"`
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	checked := 0
	for _, v := range vectors {
		switch {
		case v.Source == "ghl" && v.Scheme == "ed25519":
			published, err := signature.ParseEd25519(v.SPKI)
			require.NoError(t, err)
			raw, err := signature.ParseEd25519(v.Hex)
			require.NoError(t, err)
			require.Equal(t, raw, published)
			require.Equal(t, published, signature.PlatformKey())
			checked++
		case v.Source == "ghl":
			published, err := signature.ParseRSA(v.PEM)
			require.NoError(t, err)
			require.True(t, published.Equal(signature.PlatformLegacyKey()))
			der, err := x509.MarshalPKIXPublicKey(published)
			require.NoError(t, err)
			sum := sha256.Sum256(der)
			require.Equal(t, v.DERSum, hex.EncodeToString(sum[:]))
			checked++
		}
	}
	require.Equal(t, 2, checked)
	open(t, domain.Source{Legacy: true}) // both defaults can be read
}

// Whatever a stranger puts into the header, nothing but a signature by our key is accepted.
func FuzzGHL_Verify(f *testing.F) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	g, err := signature.NewGHL(domain.Source{PublicKeys: []string{signature.FormatEd25519(public)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signature.SignGHL(private, body), "", body)
	f.Add("N/A", "AAAA", []byte{})
	f.Add(strings.Repeat("A", 684), strings.Repeat("A", 88), []byte("{}"))
	f.Fuzz(func(t *testing.T, current, legacy string, body []byte) {
		got := g.Verify(signature.Request{Header: headers{signature.GHLHeader: current, signature.GHLLegacyHeader: legacy}, Body: body})
		if !got.OK() {
			require.NotEmpty(t, got.Reason)
			require.NotEmpty(t, got.Scheme)
			return
		}
		sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(current))
		require.NoError(t, err)
		require.True(t, ed25519.Verify(public, body, sig))
	})
}

func BenchmarkGHL_Verify(b *testing.B) {
	public, private := newKey(b)
	g := open(b, domain.Source{PublicKeys: []string{signature.FormatEd25519(public)}})
	payload := []byte(strings.Repeat("x", 1024))
	r := signature.Request{Header: headers{signature.GHLHeader: signature.SignGHL(private, payload)}, Body: payload}
	b.ReportAllocs()
	for b.Loop() {
		if !g.Verify(r).OK() {
			b.Fatal("not verified")
		}
	}
}
