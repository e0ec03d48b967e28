package postgres

import (
	"crypto/sha256"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// op is one operation of a batch: exactly one of its fields is set, but for an event that came with its
// decision, which has both.
type op struct {
	receive *receiveOp
	decide  *domain.Decision
	seen    []domain.Seen
	observe *observeOp
	judge   *judgeOp
	learn   *domain.Lesson
	attempt *attemptOp
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
	observed domain.Observed
	judged   domain.Judged
	learned  domain.Learned

	attempted domain.AttemptRecorded
}

// The kinds of ops, for the metrics.
const (
	kindReceive = "receive"
	kindAdmit   = "admit"
	kindDecide  = "decide"
	kindSeen    = "seen"
	kindObserve = "observe"
	kindJudge   = "judge"
	kindLearn   = "learn"
	kindAttempt = "attempt"
	kindPing    = "ping"
)

const (
	outcomeStored    = "stored"
	outcomeDuplicate = "duplicate"
)

var outcomes = map[string][]string{
	kindReceive: {outcomeStored, outcomeDuplicate},
	kindAdmit:   {string(domain.Done), string(domain.CapReached), string(domain.Stale), string(domain.Outdated), outcomeStored, outcomeDuplicate},
	kindDecide:  {string(domain.Done), string(domain.AlreadyDecided), string(domain.CapReached), string(domain.Stale), string(domain.Outdated)},
	kindSeen:    {"ok"},
	kindObserve: {string(domain.Done), string(domain.Duplicated), string(domain.Outdated), string(domain.Stale)},
	kindJudge:   {string(domain.Done), string(domain.AlreadyDecided), string(domain.Outdated), string(domain.Stale)},
	kindLearn:   {string(domain.Done), string(domain.Outdated)},
	kindAttempt: {string(domain.Done), string(domain.AlreadyDecided), string(domain.Stale), string(domain.Outdated)},
	kindPing:    {"ok"},
}

func (o op) kind() string {
	switch {
	case o.admits():
		return kindAdmit
	case o.receive != nil:
		return kindReceive
	case o.decide != nil:
		return kindDecide
	case o.observe != nil:
		return kindObserve
	case o.judge != nil:
		return kindJudge
	case o.learn != nil:
		return kindLearn
	case o.attempt != nil:
		return kindAttempt
	case o.ping:
		return kindPing
	}
	return kindSeen
}

// size is about what the op takes on the wire; 200 bytes stand for ids, numbers and times.
func (o op) size() int {
	n := 100 * len(o.seen)
	if l := o.learn; l != nil {
		n += 100 * len(l.Links)
	}
	if r := o.receive; r != nil {
		n += 200 + len(r.event.Contact) + len(r.event.Body)
	}
	if d := o.decide; d != nil {
		n += 200 + 2*len(d.Contact) + len(d.Trace) + sizeOf(d.Announce) // the contact goes to the lead and the feed
	}
	if v := o.observe; v != nil {
		n += 200 + len(v.visit) + 100*len(v.Learn)
		for i := range v.Hits {
			n += 200 + len(v.Hits[i].Body)
		}
		for _, owed := range v.owed {
			n += 200 + len(owed) + len(v.visit)
		}
	}
	if j := o.judge; j != nil {
		n += 200 + len(j.after) + len(j.enter) + 8*len(j.Settle) + sizeOf(j.Announce)
	}
	if a := o.attempt; a != nil {
		n += 200 + len(a.spec) + len(a.Receipt.Body) + sizeOf(a.Announce)
	}
	return n
}

// admits says whether o is an event with its decision.
func (o op) admits() bool { return o.receive != nil && o.decide != nil }

// fence of an op; seen marks and links that no hit brought have none.
func (o op) fence() (domain.Fence, bool) {
	switch {
	case o.receive != nil:
		return o.receive.fence, true
	case o.decide != nil:
		return o.decide.Fence, true
	case o.observe != nil:
		return o.observe.Fence, true
	case o.judge != nil:
		return o.judge.Fence, true
	case o.attempt != nil:
		return o.attempt.Fence, true
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
