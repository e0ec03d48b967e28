package domain

import (
	"context"
	"time"
)

// Dispatch is one attempt, signed and ready to be sent.
type Dispatch struct {
	Endpoint EndpointKey
	URL      string
	Header   Header // everything but Host, Content-Length and what the client itself adds
	Body     []byte
	Timeout  time.Duration // of the whole attempt
	// Certificate is who we say that we are in the TLS handshake; nil: nobody.
	Certificate *ClientCertificate
}

// ClientCertificate is one with its key.
type ClientCertificate struct {
	ID  string // of its secret: another certificate of the endpoint has another
	PEM []byte // the chain, the leaf first, and the key
}

// Sent is what became of a dispatch. Error is "" for an answer of 2xx, and Reason says it in words otherwise.
type Sent struct {
	At        time.Time // when it began
	Phases    Phases    // without Held, Gather, Queue and Blocked
	Status    int       // 0: no answer
	Header    Header
	Body      []byte // at most MaxExcerpt
	Truncated bool
	Error     ErrorClass
	Reason    string
	Address   string // dialled
	// RetryAfter is when the endpoint asked to be tried again, as a time; zero: it did not.
	RetryAfter time.Time
}

// Receipt is what an attempt's receipt has from its sender.
func (s *Sent) Receipt() Receipt {
	return Receipt{
		At: s.At, Phases: s.Phases, Status: s.Status, Header: s.Header, Body: s.Body, Truncated: s.Truncated, Error: s.Error, Reason: s.Reason, Address: s.Address,
	}
}

// Sender posts to customers' endpoints. It never answers an error: what went wrong is in Sent.
type Sender interface {
	Send(ctx context.Context, d Dispatch) Sent
}

// Statuses of an answer that say more than that it failed.
const (
	StatusGone        = 410 // the endpoint wants nothing any more
	StatusTooMany     = 429 // not so fast
	StatusServerFault = 500 // and above: the endpoint's own fault, not the event's
	StatusUnavailable = 503 // not now
)
