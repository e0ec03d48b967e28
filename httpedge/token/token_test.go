package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/token"
	"github.com/stretchr/testify/require"
)

var (
	key     = bytes.Repeat([]byte{7}, token.KeySize)
	noon    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	buyer   = domain.BuyerKey{Account: "acme", Buyer: "anna"}
	expires = noon.Add(time.Hour)
)

// directory lists the given tokens for anna, and one of the same name for her neighbour bert.
func directory(tokens ...domain.Token) *domain.Directory {
	return domain.NewDirectory(domain.Catalog{Accounts: []domain.Account{{ID: "acme", Buyers: []domain.Buyer{
		{ID: "anna", Tokens: tokens},
		{ID: "bert", Tokens: []domain.Token{{ID: "t1", ExpiresAt: expires}}},
	}}}})
}

// sealed is a token of our key whose content is whatever a test wants.
func sealed(content string) string {
	signed := "lwb1." + base64.RawURLEncoding.EncodeToString([]byte(content))
	h := hmac.New(sha256.New, key)
	h.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	listed := domain.Token{ID: "t1", ExpiresAt: expires}
	good := token.Mint(key, buyer, listed)
	dot := strings.LastIndexByte(good, '.')
	foreign := token.Mint(bytes.Repeat([]byte{8}, token.KeySize), buyer, listed)
	bert := token.Mint(key, domain.BuyerKey{Account: "acme", Buyer: "bert"}, listed)
	dir := directory(listed)
	for _, row := range []struct {
		why  string
		text string
		at   time.Time
		dir  *domain.Directory
		want token.Reason
	}{
		{"a listed token before its time", good, noon, dir, ""},
		{"the last nanosecond", good, expires.Add(-1), dir, ""},
		{"no token", "", noon, dir, token.Missing},
		{"its time has come", good, expires, dir, token.Expired},
		{"the entry's time was shortened", good, noon, directory(domain.Token{ID: "t1", ExpiresAt: noon}), token.Expired},
		{"the entry's time was lengthened: the token keeps its own", good, expires, directory(domain.Token{ID: "t1", ExpiresAt: expires.Add(time.Hour)}), token.Expired},
		{"the entry is gone", good, noon, directory(), token.Revoked},
		{"only a neighbour's entry has that name", sealed("acme/carl/t1/99999999999"), noon, dir, token.Revoked},
		{"another store's key", foreign, noon, dir, token.Forged},
		{"anna's signature under bert's claims", bert[:strings.LastIndexByte(bert, '.')] + good[dot:], noon, dir, token.Forged},
		{"a claim changed", "lwb1." + base64.RawURLEncoding.EncodeToString([]byte("acme/bert/t1/99999999999")) + good[dot:], noon, dir, token.Forged},
		{"another form", "lwb2" + good[4:], noon, dir, token.Malformed},
		{"no signature", good[:dot], noon, dir, token.Malformed},
		{"an empty signature", good[:dot+1], noon, dir, token.Malformed},
		{"half a signature", good[:len(good)-4], noon, dir, token.Malformed},
		{"trailing bits of the signature that another encoder would not write", twist(good), noon, dir, token.Malformed},
		{"a padded signature", good + "=", noon, dir, token.Malformed},
		{"longer than any token", good + strings.Repeat("A", 400), noon, dir, token.Malformed},
		{"ours, with too few claims", sealed("acme/anna/t1"), noon, dir, token.Malformed},
		{"ours, with too many claims", sealed("acme/anna/t1/99999999999/x"), noon, dir, token.Malformed},
		{"ours, with a time that is no number", sealed("acme/anna/t1/soon"), noon, dir, token.Malformed},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			claims, err := token.Verify(key, row.text, row.at, row.dir)
			if row.want == "" {
				require.NoError(t, err)
				require.Equal(t, token.Claims{Buyer: buyer, ID: "t1", ExpiresAt: expires}, claims)
				return
			}
			require.Equal(t, domain.Unverified, domain.CodeOf(err))
			var reason token.Reason
			require.ErrorAs(t, err, &reason)
			require.Equal(t, row.want, reason)
			require.Zero(t, claims)
		})
	}
}

// twist changes the bits of the last character that stand for nothing.
func twist(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[at|1+at%2*2])
}

// The longest ids make a token that still fits.
func TestMint_Fits(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("x", 64)
	text := token.Mint(key, domain.BuyerKey{Account: domain.AccountID(id), Buyer: domain.BuyerID(id)},
		domain.Token{ID: id, ExpiresAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.LessOrEqual(t, len(text), token.MaxLength)
}

// Nothing but a token of our key is ever accepted, and nothing makes Verify fall over.
func FuzzVerify(f *testing.F) {
	listed := domain.Token{ID: "t1", ExpiresAt: expires}
	good := token.Mint(key, buyer, listed)
	dir := directory(listed)
	f.Add(good)
	f.Add(sealed("acme/anna/t1"))
	f.Add("lwb1..")
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := token.Verify(key, text, noon, dir)
		if err != nil {
			require.Equal(t, domain.Unverified, domain.CodeOf(err))
			return
		}
		require.Equal(t, text, token.Mint(key, claims.Buyer, domain.Token{ID: claims.ID, ExpiresAt: claims.ExpiresAt}))
	})
}
