package identity_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// The table is for the script in the page as well. A digest that a vector does not give is not compared.
func TestHEMs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/hems.json")
	require.NoError(t, err)
	var rows []struct {
		Input, Because string
		HEMs           []domain.HEM
	}
	require.NoError(t, json.Unmarshal(text, &rows))
	require.NotEmpty(t, rows)
	for _, row := range rows {
		got := identity.HEMs(row.Input)
		require.Len(t, got, len(row.HEMs), "%q: %s", row.Input, row.Because)
		for i, want := range row.HEMs {
			if want.MD5 == "" {
				got[i].MD5 = ""
			}
			if want.SHA1 == "" {
				got[i].SHA1 = ""
			}
			require.Equal(t, want, got[i], "%q: %s", row.Input, row.Because)
		}
	}
}

func TestReadDigest(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text string
		want domain.HEM
	}{
		"32 digits are an MD5":             {strings.Repeat("aB", 16), domain.HEM{Variant: "lower", MD5: strings.Repeat("ab", 16)}},
		"40 are a SHA-1":                   {" " + strings.Repeat("0f", 20), domain.HEM{Variant: "lower", SHA1: strings.Repeat("0f", 20)}},
		"64 are a SHA-256":                 {strings.Repeat("00", 32) + "\n", domain.HEM{Variant: "lower", SHA256: strings.Repeat("00", 32)}},
		"31 are nothing":                   {strings.Repeat("a", 31), domain.HEM{}},
		"other letters are nothing":        {strings.Repeat("g", 32), domain.HEM{}},
		"letters that lower to other ones": {strings.Repeat("\u212a", 32), domain.HEM{}},
		"nothing is nothing":               {"", domain.HEM{}},
	} {
		got, ok := identity.ReadDigest(row.text)
		require.Equal(t, row.want, got, name)
		require.Equal(t, row.want != domain.HEM{}, ok, name)
	}
}

func TestPhoneHash(t *testing.T) {
	t.Parallel()
	plain := sum("+14155552671")
	for name, row := range map[string]struct {
		phone, want string
		ok          bool
	}{
		"separators":                 {" +1 (415) 555-2671 ", plain, true},
		"dots, and spaces of print":  {"+1.415.555\u00a02671", plain, true},
		"a hash, in any case":        {strings.ToUpper(plain), plain, true},
		"without a country":          {"(415) 555-2671", "", false},
		"a country that begins in 0": {"+014155552671", "", false},
		"too short":                  {"+123456", "", false},
		"the shortest":               {"+1234567", sum("+1234567"), true},
		"the longest":                {"+123456789012345", sum("+123456789012345"), true},
		"too long":                   {"+1234567890123456", "", false},
		"letters":                    {"+1415CALLNOW", "", false},
		"two of +":                   {"+1+4155552671", "", false},
		"half a hash":                {plain[:32], "", false},
		"nothing":                    {"", "", false},
	} {
		got, ok := identity.PhoneHash(row.phone)
		require.Equal(t, row.ok, ok, name)
		if ok {
			require.Equal(t, row.want, got, name)
		}
	}
}

func TestKeysOf(t *testing.T) {
	t.Parallel()
	hems := identity.HEMs("j.doe@gmail.com")
	phone, _ := identity.PhoneHash("+14155552671")
	clicks := []domain.Click{{Kind: "MSCLKID", Value: "b"}, {Kind: "gclid", Value: "EAIaIQ"}, {Kind: "gclid", Value: "has space"}, {Kind: "", Value: "x"}}
	keys := identity.KeysOf("v-1", hems, strings.ToUpper(phone), clicks)
	var order []string
	for _, k := range keys {
		require.NoError(t, identity.CheckKey(k), "%v", k)
		order = append(order, string(k.Kind))
	}
	require.Equal(t, []string{"visitor", "sha256", "sha256", "sha1", "sha1", "md5", "md5", "phone", "click", "click"}, order)
	require.Equal(t, "gclid:EAIaIQ", keys[8].Value)

	turned := []domain.HEM{hems[1], {Variant: "lower", SHA256: strings.ToUpper(hems[0].SHA256), SHA1: hems[0].SHA1}, {MD5: hems[0].MD5}, hems[1]}
	require.Equal(t, keys, identity.KeysOf("v-1", turned, phone, []domain.Click{clicks[1], clicks[0], clicks[0]}),
		"the order and the form they were given in make no difference, nor does saying it twice")
	require.Empty(t, identity.KeysOf("", []domain.HEM{{MD5: "no digest"}}, "+14155552671", nil), "what is no key is left out")
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		key   domain.Key
		field string
	}{
		"a visitor":             {domain.Key{Kind: "visitor", Value: "4b1c"}, ""},
		"a visitor's slash":     {domain.Key{Kind: "visitor", Value: "a/b"}, "value"},
		"an MD5":                {domain.Key{Kind: "md5", Value: strings.Repeat("a", 32)}, ""},
		"an MD5 in upper case":  {domain.Key{Kind: "md5", Value: strings.Repeat("A", 32)}, "value"},
		"a SHA-1 of 32":         {domain.Key{Kind: "sha1", Value: strings.Repeat("a", 32)}, "value"},
		"a click":               {domain.Key{Kind: "click", Value: "gclid:a:b"}, ""},
		"a click of no kind":    {domain.Key{Kind: "click", Value: ":ab"}, "value"},
		"a click of no value":   {domain.Key{Kind: "click", Value: "gclid:"}, "value"},
		"a click in other sign": {domain.Key{Kind: "click", Value: "gclid:\u00e9"}, "value"},
		"a click too long":      {domain.Key{Kind: "click", Value: "gclid:" + strings.Repeat("a", 600)}, "value"},
		"a network":             {domain.Key{Kind: "network", Value: "example.com"}, "kind"},
	} {
		err := identity.CheckKey(row.key)
		if row.field == "" {
			require.NoError(t, err, name)
			continue
		}
		var fault *domain.Error
		require.ErrorAs(t, err, &fault, name)
		require.Equal(t, row.field, fault.Field, name)
	}
}

// Whatever is read comes out in canonical form, and reading it again changes nothing.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"Jane.Doe+x@Gmail.com", "+1 (415) 555-2671", strings.Repeat("aB", 20), "..@googlemail.com", "\ufeffa@b", "gclid:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		hems := identity.ReadEmail(text)
		phone, _ := identity.PhoneHash(text)
		for _, k := range identity.KeysOf(domain.VisitorID(text), hems, phone, []domain.Click{{Kind: text, Value: text}}) {
			require.NoError(t, identity.CheckKey(k))
		}
		for _, h := range hems {
			for _, digest := range []string{h.MD5, h.SHA1, h.SHA256} {
				if digest == "" {
					continue
				}
				again, ok := identity.ReadDigest(digest)
				require.True(t, ok)
				require.Equal(t, digest, again.MD5+again.SHA1+again.SHA256)
				require.Nil(t, identity.HEMs(digest), "a digest is not hashed again")
			}
		}
		if phone != "" {
			again, ok := identity.PhoneHash(phone)
			require.True(t, ok)
			require.Equal(t, phone, again)
		}
	})
}
