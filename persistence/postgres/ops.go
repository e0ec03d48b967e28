package postgres

import (
	"crypto/sha256"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// op is one operation of a batch: exactly one of its fields is set.
type op struct {
	receive *receiveOp
	decide  *domain.Decision
	seen    []domain.Seen
	ping    bool
}

type receiveOp struct {
	fence domain.Fence
	event domain.Event
	key   eventKey
}

// eventKey is what (account, source, event id) is unique by: the first 16 bytes of its SHA-256.
type eventKey [16]byte

// reply is the answer to one op; which field counts follows from the op.
type reply struct {
	received domain.Received
	decided  domain.Decided
	seen     int
}

// The kinds of ops, for the metrics.
const (
	kindReceive = "receive"
	kindDecide  = "decide"
	kindSeen    = "seen"
	kindPing    = "ping"
)

var outcomes = map[string][]string{
	kindReceive: {"stored", "duplicate"},
	kindDecide:  {string(domain.Done), string(domain.AlreadyDecided), string(domain.CapReached), string(domain.Stale)},
	kindSeen:    {"ok"},
	kindPing:    {"ok"},
}

func (o op) kind() string {
	switch {
	case o.receive != nil:
		return kindReceive
	case o.decide != nil:
		return kindDecide
	case o.ping:
		return kindPing
	}
	return kindSeen
}

// size is about what the op takes on the wire; 200 bytes stand for ids, numbers and times.
func (o op) size() int {
	switch {
	case o.receive != nil:
		return 200 + len(o.receive.event.Contact) + len(o.receive.event.Body)
	case o.decide != nil:
		return 200 + 2*len(o.decide.Contact) + len(o.decide.Trace) // the contact goes to the lead and the feed
	}
	return 100 * len(o.seen)
}

// fence of an op; seen marks have none.
func (o op) fence() (domain.Fence, bool) {
	switch {
	case o.receive != nil:
		return o.receive.fence, true
	case o.decide != nil:
		return o.decide.Fence, true
	}
	return domain.Fence{}, false
}

func keyOf(e domain.Event) eventKey {
	h := sha256.New()
	// A length before each part keeps ("a", "bc") and ("ab", "c") apart; ids are at most 200 bytes.
	for _, part := range []string{string(e.Account), string(e.Source), string(e.ID)} {
		h.Write([]byte{byte(len(part) >> 8), byte(len(part))})
		h.Write([]byte(part))
	}
	return eventKey(h.Sum(nil)[:16])
}

// micro is the precision PostgreSQL keeps: what is answered at once and what is read back are equal.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// bytesOf keeps a nil slice from becoming NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
