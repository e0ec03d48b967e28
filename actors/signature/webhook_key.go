package signature

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// How Standard Webhooks writes keys: a prefix that says what it is, and base64.
const (
	hmacPrefix    = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// Sizes of a symmetric secret, in bytes.
const (
	// HMACSize is what we make: as long as the hash, which is as much as HMAC-SHA256 can use.
	HMACSize = 32
	// MinHMAC and MaxHMAC bound what is brought along: Standard Webhooks wants 192 to 512 bits.
	MinHMAC = 24
	MaxHMAC = 64
)

// WebhookKey signs what goes out, or verifies it: a symmetric secret, an Ed25519 key pair, or the public half of
// one. Printed, logged or encoded it shows its ID and never itself; Reveal is the one way to the whole of it.
type WebhookKey struct {
	id string
	// get, because fmt prints the fields of another struct's unexported field without asking any method, and follows
	// a pointer there when the verb does not fit. Of a function it knows the address only.
	get func() material
}

type material struct {
	hmac    []byte
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

func (k WebhookKey) material() material {
	if k.get == nil {
		return material{}
	}
	return k.get()
}

// NewWebhookKey makes a key of a kind that signs: domain.HMACSecret or domain.Ed25519Secret.
func NewWebhookKey(kind domain.SecretKind) (WebhookKey, error) {
	secret := make([]byte, HMACSize) // also the size of an Ed25519 seed
	_, _ = rand.Read(secret)         // never fails: it ends the program instead

	switch kind { //nolint:exhaustive // the others do not sign
	case domain.HMACSecret:
		return hmacKey(secret), nil
	case domain.Ed25519Secret:
		return privateKey(ed25519.NewKeyFromSeed(secret)), nil
	default:
		return WebhookKey{}, domain.FailField("make webhook key", "kind", fmt.Sprintf("%q does not sign: hmac and ed25519 do", kind))
	}
}

// ParseWebhookKey reads a key as Standard Webhooks writes it: whsec_ (24 to 64 bytes in base64), whsk_ (an Ed25519
// seed of 32 bytes, or the 64 of seed and public key) or whpk_ (32 bytes). The error is an Invalid one and never
// holds any of the text.
func ParseWebhookKey(text string) (WebhookKey, error) {
	key, err := parseWebhookKey(text)
	if err != nil {
		return WebhookKey{}, &domain.Error{Op: "read webhook key", Code: domain.Invalid, Field: "secret", Err: err}
	}
	return key, nil
}

func parseWebhookKey(text string) (WebhookKey, error) {
	prefix, encoded, _ := strings.Cut(text, "_")
	prefix += "_"
	if prefix != hmacPrefix && prefix != privatePrefix && prefix != publicPrefix {
		return WebhookKey{}, errors.New("does not begin with whsec_, whsk_ or whpk_")
	}
	if len(encoded) > base64.StdEncoding.EncodedLen(MaxHMAC) {
		return WebhookKey{}, fmt.Errorf("is longer than %d bytes in base64", MaxHMAC)
	}
	raw, err := decodeKey(encoded)
	if err != nil {
		return WebhookKey{}, fmt.Errorf("what follows %s is not base64", prefix)
	}
	switch prefix {
	case hmacPrefix:
		if len(raw) < MinHMAC {
			return WebhookKey{}, fmt.Errorf("has %d bytes; %d to %d are needed", len(raw), MinHMAC, MaxHMAC)
		}
		return hmacKey(raw), nil
	case privatePrefix:
		return parsePrivate(raw)
	default:
		if len(raw) != ed25519.PublicKeySize {
			return WebhookKey{}, fmt.Errorf("has %d bytes; a public key has %d", len(raw), ed25519.PublicKeySize)
		}
		return publicKey(raw), nil
	}
}

func parsePrivate(raw []byte) (WebhookKey, error) {
	if len(raw) != ed25519.SeedSize && len(raw) != ed25519.PrivateKeySize {
		return WebhookKey{}, fmt.Errorf("has %d bytes; a private key has %d, or %d with its public half", len(raw), ed25519.SeedSize, ed25519.PrivateKeySize)
	}
	key := privateKey(ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize]))
	if len(raw) == ed25519.PrivateKeySize && !key.material().public.Equal(ed25519.PublicKey(raw[ed25519.SeedSize:])) {
		return WebhookKey{}, errors.New("its public half belongs to another private key")
	}
	return key, nil
}

// decodeKey: with padding as it is specified, and without as some dashboards show it.
func decodeKey(encoded string) ([]byte, error) {
	if !strings.HasSuffix(encoded, "=") && len(encoded)%4 != 0 {
		return base64.RawStdEncoding.Strict().DecodeString(noLines(encoded))
	}
	return base64.StdEncoding.Strict().DecodeString(noLines(encoded))
}

// noLines makes line breaks an error, which the decoder would skip: a pasted key has lost or gained something.
func noLines(encoded string) string {
	return strings.NewReplacer("\n", "!", "\r", "!").Replace(encoded)
}

func hmacKey(secret []byte) WebhookKey {
	return keyOf(fingerprint("hmac", secret), material{hmac: secret})
}

func privateKey(private ed25519.PrivateKey) WebhookKey {
	public := ed25519.PublicKey(private[ed25519.SeedSize:])
	return keyOf(fingerprint("ed25519", public), material{private: private, public: public})
}

func publicKey(public []byte) WebhookKey {
	return keyOf(fingerprint("ed25519", public), material{public: public})
}

func keyOf(id string, m material) WebhookKey { return WebhookKey{id, func() material { return m }} }

// fingerprint names a key in receipts and logs: 48 bits of a hash, which tell an account's few keys apart and say
// nothing of a secret with 192 bits or more.
func fingerprint(kind string, key []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, "leadwire webhook key "+kind+"\x00")
	_, _ = h.Write(key)
	return "wk_" + hex.EncodeToString(h.Sum(nil)[:6])
}

// ID names the key: never secret, the same wherever it is read. A key pair and its public half have the same.
func (k WebhookKey) ID() string { return k.id }

// Kind is what the key is stored as; "" for the zero key.
func (k WebhookKey) Kind() domain.SecretKind {
	switch m := k.material(); {
	case m.hmac != nil:
		return domain.HMACSecret
	case m.public != nil:
		return domain.Ed25519Secret
	default:
		return ""
	}
}

// Signs says whether the key can sign: the public half of a pair cannot.
func (k WebhookKey) Signs() bool {
	m := k.material()
	return m.hmac != nil || m.private != nil
}

// Reveal is the whole key as text: for sealing it, and for showing it to its owner the once.
func (k WebhookKey) Reveal() string {
	switch m := k.material(); {
	case m.hmac != nil:
		return hmacPrefix + base64.StdEncoding.EncodeToString(m.hmac)
	case m.private != nil:
		return privatePrefix + base64.StdEncoding.EncodeToString(m.private.Seed())
	default:
		return k.Public()
	}
}

// Public is what receivers verify an Ed25519 key's signatures with, as text; "" for a symmetric secret, which has
// no such half.
func (k WebhookKey) Public() string {
	m := k.material()
	if m.public == nil {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(m.public)
}

// String shows the ID.
func (k WebhookKey) String() string {
	if k.id == "" {
		return "no webhook key"
	}
	return "webhook key " + k.id
}

// Format shows the same by every verb: %d or %x of a struct would print its fields.
func (k WebhookKey) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, k.String()) }

// LogValue shows the same in a log.
func (k WebhookKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows the same in JSON and YAML.
func (k WebhookKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
