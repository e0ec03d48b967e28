package signature

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// The headers of Standard Webhooks (https://www.standardwebhooks.com), in lower case as it writes them.
const (
	WebhookIDHeader        = "webhook-id"        // the event's id: the same on every attempt and replay
	WebhookTimestampHeader = "webhook-timestamp" // of the attempt, in seconds since 1970
	WebhookSignatureHeader = "webhook-signature" // one signature per live key, separated by spaces
)

// How a signature says what it was made with.
const (
	versionHMAC    = "v1"
	versionEd25519 = "v1a"
)

// WebhookTolerance is how far a timestamp may be from the receiver's clock, either way. It is what the libraries
// of Standard Webhooks allow: an older request that was listened to cannot be sent again.
const WebhookTolerance = 5 * time.Minute

// Bounds of what is signed and verified.
const (
	maxWebhookID  = 256 // bytes: ours have 36
	maxSignatures = 16  // in one header: a sender with more live keys than that has none to trust
	maxSigned     = 4 << 10
)

// SignWebhook makes the value of WebhookSignatureHeader: the signatures of all keys, in their order, so that a
// receiver that knows one of them is content while they are being replaced.
//
// What is signed is id.timestamp.body. An id with a full stop is refused, because it could be read as another id
// with another timestamp.
func SignWebhook(id string, at time.Time, body []byte, keys ...WebhookKey) (string, error) {
	const op = "sign webhook"
	if err := checkWebhookID(id); err != nil {
		return "", &domain.Error{Op: op, Code: domain.Invalid, Field: WebhookIDHeader, Err: err}
	}
	if len(keys) == 0 {
		return "", domain.Fail(op, domain.Invalid, errors.New("there is no key to sign with"))
	}
	var value strings.Builder
	before := signedBefore(id, strconv.FormatInt(at.Unix(), 10))
	for i, key := range keys {
		if !key.Signs() {
			return "", domain.Fail(op, domain.Invalid, fmt.Errorf("%s cannot sign", key))
		}
		if i > 0 {
			value.WriteByte(' ')
		}
		version, sig := key.material().sign(before, body)
		value.WriteString(version)
		value.WriteByte(',')
		value.WriteString(base64.StdEncoding.EncodeToString(sig))
	}
	return value.String(), nil
}

// Webhook is what arrived: three headers, and the body byte for byte.
type Webhook struct {
	ID, Timestamp, Signature string
	Body                     []byte
}

// VerifyWebhook is what a receiver does: it answers nil when one of the signatures is by one of the keys, and an
// Unverified error that says why otherwise. It takes the same time whichever byte of a signature is wrong.
func VerifyWebhook(w Webhook, now time.Time, keys ...WebhookKey) error {
	if err := verifyWebhook(w, now, keys); err != nil {
		return domain.Fail("verify webhook", domain.Unverified, err)
	}
	return nil
}

func verifyWebhook(w Webhook, now time.Time, keys []WebhookKey) error {
	if err := checkWebhookID(w.ID); err != nil {
		return fmt.Errorf("%s %w", WebhookIDHeader, err)
	}
	// The timestamp is signed as it was written, so only one way of writing it is taken.
	seconds, err := strconv.ParseInt(w.Timestamp, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != w.Timestamp {
		return fmt.Errorf("%s is not a whole number of seconds", WebhookTimestampHeader)
	}
	age := now.Sub(time.Unix(seconds, 0)) // saturates: an absurd timestamp stays absurd
	if age > WebhookTolerance || age < -WebhookTolerance {
		return fmt.Errorf("%s is more than %v from now", WebhookTimestampHeader, WebhookTolerance)
	}
	if len(w.Signature) > maxSigned {
		return fmt.Errorf("%s is longer than %d bytes", WebhookSignatureHeader, maxSigned)
	}
	signatures := strings.Fields(w.Signature)
	switch {
	case len(signatures) == 0:
		return fmt.Errorf("%s is missing", WebhookSignatureHeader)
	case len(signatures) > maxSignatures:
		return fmt.Errorf("%s has more than %d signatures", WebhookSignatureHeader, maxSignatures)
	}
	before := signedBefore(w.ID, w.Timestamp)
	for _, key := range keys {
		if key.material().verify(before, w.Body, signatures) {
			return nil
		}
	}
	return fmt.Errorf("no signature in %s is by a key that is known here", WebhookSignatureHeader)
}

// checkWebhookID: it is sent as a header and signed as the first part of three.
func checkWebhookID(id string) error {
	switch {
	case id == "":
		return errors.New("is missing")
	case len(id) > maxWebhookID:
		return fmt.Errorf("is longer than %d bytes", maxWebhookID)
	}
	for i := range len(id) {
		if id[i] == '.' {
			return errors.New("has a full stop, which separates the parts that are signed")
		}
		if id[i] <= ' ' || id[i] > '~' {
			return errors.New("has a character that is no printable ASCII")
		}
	}
	return nil
}

func signedBefore(id, timestamp string) []byte { return []byte(id + "." + timestamp + ".") }

// sign: of the two schemes only HMAC can take the body as it comes; Ed25519 reads it twice.
func (m material) sign(before, body []byte) (version string, sig []byte) {
	if m.hmac == nil {
		return versionEd25519, ed25519.Sign(m.private, append(slices.Clip(before), body...))
	}
	h := hmac.New(sha256.New, m.hmac)
	_, _ = h.Write(before)
	_, _ = h.Write(body)
	return versionHMAC, h.Sum(nil)
}

func (m material) verify(before, body []byte, signatures []string) bool {
	var made, signed []byte // each at most once, however many signatures there are
	for _, given := range signatures {
		version, encoded, _ := strings.Cut(given, ",")
		sig, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil {
			continue
		}
		switch {
		case version == versionHMAC && m.hmac != nil:
			if made == nil {
				_, made = m.sign(before, body)
			}
			if hmac.Equal(made, sig) {
				return true
			}
		case version == versionEd25519 && m.public != nil && len(sig) == ed25519.SignatureSize:
			if signed == nil {
				signed = append(slices.Clip(before), body...)
			}
			if ed25519.Verify(m.public, signed, sig) {
				return true
			}
		}
	}
	return false
}
