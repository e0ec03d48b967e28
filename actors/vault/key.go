package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
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

// KeySize is that of AES-256, in bytes.
const KeySize = 32

// Key is a master key. It is never shown: only Encode gives it away, and is for writing it to a file.
type Key struct {
	id   keyID
	aead cipher.AEAD
	get  func() []byte // a function, because fmt would print the bytes where it may not ask for a method
}

// keyID is the beginning of a hash of the key.
type keyID [idSize]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// NewKey makes a key.
func NewKey() Key {
	raw := make([]byte, KeySize)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	return keyOf(raw)
}

// ParseKey reads 32 bytes in base64, as `openssl rand -base64 32` prints them. The error shows none of the text.
func ParseKey(text string) (Key, error) {
	const op = "read vault key"
	text = strings.TrimSpace(text)
	if text == "" {
		return Key{}, domain.Fail(op, domain.Invalid, errors.New("it is empty"))
	}
	if strings.ContainsAny(text, "\r\n") {
		return Key{}, domain.Fail(op, domain.Invalid, errors.New("it has several lines: one key is one line"))
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != KeySize {
		return Key{}, domain.Fail(op, domain.Invalid, fmt.Errorf("it is not %d bytes in base64 (make one by `openssl rand -base64 %d`)", KeySize, KeySize))
	}
	if isOneByte(raw) {
		return Key{}, domain.Fail(op, domain.Invalid, errors.New("it is the same byte all over, which is no key"))
	}
	return keyOf(raw), nil
}

func isOneByte(raw []byte) bool { return bytes.Count(raw, raw[:1]) == len(raw) }

func keyOf(raw []byte) Key {
	block, err := aes.NewCipher(raw)
	if err != nil {
		panic("vault: " + err.Error()) // the size is right: it is ours
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("vault: " + err.Error()) // likewise
	}
	sum := sha256.Sum256(append([]byte("leadwire vault key\x00"), raw...))
	return Key{id: keyID(sum[:idSize]), aead: aead, get: func() []byte { return raw }}
}

// ID names the key in rows, errors and logs.
func (k Key) ID() string { return k.id.String() }

// Encode is the key as ParseKey reads it.
func (k Key) Encode() string {
	if k.get == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.get())
}

// String shows the id.
func (k Key) String() string { return "vault key " + k.ID() }

// Format shows the same by every verb.
func (k Key) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, k.String()) }

// LogValue shows the same in a log.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText shows the same in JSON and YAML.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
