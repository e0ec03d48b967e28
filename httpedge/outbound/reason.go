package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// explain gives an error its class, and words for whoever runs the endpoint.
func (s *Sender) explain(ctx, whole context.Context, timeout time.Duration, r record, err error) (domain.ErrorClass, string) {
	var refused *Refusal
	var known *fault
	switch {
	case errors.As(err, &refused):
		return refused.Class, refused.Reason
	case errors.Is(context.Cause(ctx), context.Canceled):
		if r.last < stageWrite {
			return domain.ErrorStopped, "the sender was stopping: nothing was sent"
		}
		return domain.ErrorStopped, "the sender was stopping while it was " + doing[r.last] + ": the event may have arrived"
	case errors.As(err, &known):
		return known.class, known.reason
	case whole.Err() != nil:
		return domain.ErrorTimeout, fmt.Sprintf("it took longer than %v in all, and was then %s", timeout, doing[r.last])
	}
	if class, reason := s.explainTLS(r, err); class != "" {
		return class, reason
	}
	var late net.Error
	switch {
	case errors.As(err, &late) && late.Timeout():
		return domain.ErrorTimeout, s.late(r)
	case r.conns == 0:
		return domain.ErrorURL, "the request cannot be made: " + plain(err) // a header that is none, say
	case strings.Contains(err.Error(), "readLoopPeekFail"):
		return domain.ErrorProtocol, "the answer is no valid HTTP: it came before the request"
	case protocolFault(err):
		return domain.ErrorProtocol, "the answer is no valid HTTP: " + plain(err)
	case r.last < stageBody:
		return domain.ErrorCut, "the connection ended before an answer came: " + inWords(err) + hint(r)
	default:
		return domain.ErrorCut, "the connection ended within the answer: " + inWords(err)
	}
}

// hint is for a new connection that a server has ended after it had asked who we are: its alert may get lost behind the end.
func hint(r record) string {
	switch {
	case r.reused || !r.asked:
		return ""
	case r.shown:
		return "; the server had asked for the client certificate"
	default:
		return "; the server had asked for a client certificate, and the endpoint has none (a secret of kind mtls)"
	}
}

// late is about the transport's own timeouts, and the connection's.
func (s *Sender) late(r record) string {
	switch r.last { //nolint:exhaustive // the others have timeouts of ours
	case stageTLS:
		return fmt.Sprintf("the TLS handshake took longer than %v", s.config.TLS)
	case stageFirst:
		return fmt.Sprintf("the first byte took longer than %v", s.config.FirstByte)
	case stageBody:
		return fmt.Sprintf("the answer's headers took longer than %v", s.config.FirstByte)
	default:
		return "it took too long, and was then " + doing[r.last]
	}
}

func (s *Sender) explainTLS(r record, err error) (domain.ErrorClass, string) {
	var (
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	var reason string
	switch {
	case errors.As(err, &name):
		reason = fmt.Sprintf("the certificate is for %s, not for %s", namesOf(name.Certificate), r.host)
	case errors.As(err, &invalid):
		reason = s.invalid(invalid)
	case errors.As(err, &authority):
		reason = "the certificate of " + r.host + " is signed by nobody who is known: is its chain complete?"
		if c := authority.Cert; c != nil && c.Issuer.String() == c.Subject.String() {
			reason = "the certificate of " + r.host + " is signed by itself"
		}
	case errors.As(err, &verify):
		reason = "the certificate of " + r.host + " is not valid: " + plain(verify.Err)
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		reason = r.host + " answers in plain HTTP where TLS was expected"
	case errors.As(err, &record):
		reason = r.host + " does not speak TLS on this port"
	case errors.As(err, &alert), strings.Contains(err.Error(), remoteAlert):
		reason = brokenOff(r, err)
	default:
		var late net.Error
		if r.last != stageTLS || errors.As(err, &late) && late.Timeout() {
			return "", ""
		}
		reason = "the TLS handshake failed: " + inWords(err)
	}
	return domain.ErrorTLS, reason
}

// remoteAlert begins what crypto/tls says of an alert from the other side. With TLS 1.3 one about our certificate comes when the
// handshake is over for us, in the place of an answer.
const remoteAlert = "remote error: "

// brokenOff is about an alert. Of a server that has asked for a client's certificate it is taken to be about that: the words of
// alerts differ.
func brokenOff(r record, err error) string {
	said := plain(err)
	if _, alert, found := strings.Cut(said, remoteAlert); found {
		said = alert
	}
	switch {
	case r.asked && r.shown:
		return "the server refused the client certificate: " + said
	case r.asked:
		return "the server asks for a client certificate, and the endpoint has none (a secret of kind mtls): " + said
	default:
		return "the server broke the TLS handshake off: " + said
	}
}

func (s *Sender) invalid(e x509.CertificateInvalidError) string {
	if e.Reason != x509.Expired || e.Cert == nil {
		return "the certificate is not valid: " + plain(e)
	}
	const day = "2 January 2006 15:04 MST"
	if now := s.deps.Clock.Now(); now.Before(e.Cert.NotBefore) {
		return "the certificate is not valid before " + e.Cert.NotBefore.UTC().Format(day)
	}
	return "the certificate expired on " + e.Cert.NotAfter.UTC().Format(day)
}

// namesOf are what a certificate is for; many have dozens.
func namesOf(c *x509.Certificate) string {
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	const few = 3
	switch {
	case len(names) == 0:
		return "no host"
	case len(names) > few:
		return cut(strings.Join(names[:few], ", "), maxQuoted) + fmt.Sprintf(" and %d more", len(names)-few)
	default:
		return cut(strings.Join(names, ", "), maxQuoted)
	}
}

const closedByThem = "connection closed by the other side"

// inWords names the usual ends of a connection.
func inWords(err error) string {
	for _, known := range []struct {
		is    error
		words string
	}{
		{syscall.ECONNREFUSED, "nobody listens (connection refused)"},
		{syscall.ECONNRESET, "connection reset"},
		{syscall.EPIPE, closedByThem},
		{syscall.EHOSTUNREACH, "no route to the host"},
		{syscall.ENETUNREACH, "no route to the network"},
		{io.ErrUnexpectedEOF, closedByThem},
		{io.EOF, closedByThem},
		{io.ErrClosedPipe, closedByThem},
	} {
		if errors.Is(err, known.is) {
			return known.words
		}
	}
	if strings.Contains(err.Error(), "server closed idle connection") { // the transport's word, of a fresh one as well
		return closedByThem
	}
	if op, is := errors.AsType[*net.OpError](err); is { // its text has our own address
		return plain(op.Err)
	}
	return plain(err)
}

// protocolFault: the standard library has types for few of these, so they are told by their words.
func protocolFault(err error) bool {
	text := err.Error()
	for _, words := range []string{
		"malformed", "headers exceeded", "header list too large", "header list larger", "invalid byte in chunk", "chunk length", "chunked", "bad Content-Length",
		"unsupported transfer encoding", "too many transfer encodings", "informational", "PROTOCOL_ERROR", "FRAME_SIZE_ERROR", "COMPRESSION_ERROR", "frame too large",
		"response missing", "message cannot contain",
		"invalid header", "http2: invalid", "server sent",
	} {
		if strings.Contains(text, words) {
			return !strings.Contains(text, "GOAWAY")
		}
	}
	return false
}

// maxQuoted bounds what is quoted of another side's words.
const maxQuoted = 200

// plain is an error's text: printable, and short enough for a receipt.
func plain(err error) string {
	if err == nil {
		return "unknown"
	}
	text := err.Error()
	for _, prefix := range []string{"net/http: ", "http2: ", "http: ", "HTTP/1.x transport connection broken: ", "remote error: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return cut(text, maxQuoted)
}
