// Package signature verifies what comes in and signs what goes out. It is pure: bytes and keys in, a
// verdict out; it opens no socket, reads no clock and counts nothing.
//
//	header value ──decode──▶ length names the scheme ──▶ every live key is tried ──▶ Verdict
//	     │                          │                            │
//	  missing,                scheme_disabled                 mismatch
//	  malformed
//
// It promises:
//
//   - Only the raw bytes that arrived are verified, never JSON that was read and written again.
//   - A missing signature fails like a wrong one. Nothing is ever skipped.
//   - When a request carries two signatures the weaker one is not looked at, so taking the stronger one
//     away or breaking it gains an attacker nothing.
//   - A verdict names the scheme and the reason in a fixed vocabulary, so both can label a metric.
package signature

// Scheme is how a signature was made.
type Scheme string

const (
	// Ed25519 over the raw body.
	Ed25519 Scheme = "ed25519"
	// RSA is RSASSA-PKCS1-v1_5 with SHA-256 and a 4096-bit key, over the raw body.
	RSA Scheme = "rsa4096"
	// None: there was nothing to tell the scheme by.
	None Scheme = "none"
)

// Reason is why a signature was not accepted; empty when it was.
type Reason string

const (
	Missing   Reason = "missing"         // no header, an empty one, or "N/A"
	Malformed Reason = "malformed"       // not base64, or of no known scheme's length
	Mismatch  Reason = "mismatch"        // well formed, and made by none of the live keys for these bytes
	Disabled  Reason = "scheme_disabled" // a scheme this source is not configured to accept
)

// Reasons lists every reason, for counters that are born at zero.
func Reasons() []Reason { return []Reason{Missing, Malformed, Mismatch, Disabled} }

// Verdict is what a verification found.
type Verdict struct {
	Scheme Scheme
	Reason Reason
}

// OK reports whether the signature is genuine.
func (v Verdict) OK() bool { return v.Reason == "" && v.Scheme != "" && v.Scheme != None }

// Header gives a request's header by its name, nil when there is none. fasthttp's RequestHeader is one.
type Header interface{ Peek(name string) []byte }

// Request is what a signature can cover. Body is exactly what arrived.
type Request struct {
	Header Header
	Body   []byte
}
