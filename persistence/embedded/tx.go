package embedded

import (
	"fmt"
	"sync/atomic"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/groupcommit"
	"zombiezen.com/go/sqlite"
)

// tx is the writer's connection with its prepared statements and what it remembers during a batch. It
// has one owner at a time: first Open, then the writer's goroutine.
type tx struct {
	conn  *sqlite.Conn
	fail  func(step string) error
	clock domain.Clock
	stmts

	// epochs mirrors the partitions table. The lock file makes this process the only writer and claims
	// come through this very connection, so the mirror is exact; it is read again after every failure.
	epochs  [domain.Partitions]int64
	claimed map[domain.Partition]int64 // by the batch at hand: epochs takes them over once committed
	// basis mirrors the revision of suppressions in the same way. It rises within a batch.
	basis   int64
	mirrors bool // both are as in the file
	// inForce is basis for everybody else to read, as far as it is committed; unread while only the file can say: at
	// first, and from the moment a batch raises it until that batch, or the next one after its failure, is committed.
	inForce atomic.Int64

	endpoints map[domain.EndpointKey]int64 // their rows' numbers; begun anew after every failure

	feeds   map[domain.BuyerKey]*feedRow // read or made by the batch at hand; written back before COMMIT
	states  map[int64]*endpointRow       // likewise, by the number of the endpoint's row
	results []groupcommit.Result[answer]
}

// step asks the test's hook.
func (t *tx) step(name string) error {
	if t.fail == nil {
		return nil
	}
	if err := t.fail(name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// commit carries out a batch in one transaction. Every operation first reads and checks, and writes
// only when nothing can refuse it any more (takeKeys alone takes back what it wrote); so an error always
// means that the whole batch was rolled back (or, past COMMIT, that its outcome is unknown).
func (t *tx) commit(ops []op) ([]groupcommit.Result[answer], error) {
	t.begin(len(ops))
	err := t.perform(ops)
	if err != nil {
		t.rollback()
		return nil, classify("commit", err)
	}
	for p, epoch := range t.claimed {
		t.epochs[p] = epoch
	}
	t.inForce.Store(t.basis)
	t.stampCommitted()
	return t.results, nil
}

func (t *tx) begin(ops int) {
	if t.feeds == nil {
		t.claimed, t.feeds, t.states = map[domain.Partition]int64{}, map[domain.BuyerKey]*feedRow{}, map[int64]*endpointRow{}
	}
	clear(t.claimed)
	clear(t.feeds)
	clear(t.states)
	clear(t.results)
	t.results = t.results[:0]
	if cap(t.results) < ops {
		t.results = make([]groupcommit.Result[answer], 0, ops)
	}
}

func (t *tx) perform(ops []op) error {
	if !t.conn.AutocommitEnabled() { // a commit that panicked left its transaction and statements open
		if err := t.prepare(); err != nil {
			return err
		}
		t.rollback()
	}
	if err := t.step(stepBegin); err != nil {
		return err
	}
	if err := run(t.stmtBegin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := t.loadMirrors(); err != nil {
		return err
	}
	for i := range ops {
		r, err := t.one(&ops[i])
		if err != nil {
			return err
		}
		t.results = append(t.results, r)
	}
	if err := t.writeFeeds(); err != nil {
		return err
	}
	if err := t.writeEndpoints(); err != nil {
		return err
	}
	if err := t.step(stepCommit); err != nil {
		return err
	}
	if err := run(t.stmtCommit); err != nil {
		return err
	}
	return t.step(stepCommitted)
}

// loadMirrors reads again what a failure has left in doubt.
func (t *tx) loadMirrors() error {
	if t.mirrors {
		return nil
	}
	if err := t.loadEpochs(); err != nil {
		return err
	}
	if err := t.loadBasis(); err != nil {
		return fmt.Errorf("read suppressions' revision: %w", err)
	}
	t.mirrors = true
	return nil
}

// one carries out one operation. An error ends the batch; what concerns the operation alone is in its
// result.
func (t *tx) one(o *op) (groupcommit.Result[answer], error) {
	switch {
	case o.receive != nil:
		return t.receive(o.receive)
	case o.decide != nil:
		return t.decide(o.decide)
	case o.observe != nil:
		return t.observe(o.observe)
	case o.judge != nil:
		return t.judge(o.judge)
	case o.attempt != nil:
		return t.attempt(o.attempt)
	case o.seen != nil:
		return t.seen(o.seen)
	default:
		return t.admin(o.admin)
	}
}

// admin runs the rare operations. Conflict and NotFound are the operation's own answers; they come before
// the first write, like every refusal.
func (t *tx) admin(work func(*tx) error) (r groupcommit.Result[answer], err error) {
	if err := t.step(stepAdmin); err != nil {
		return r, err
	}
	if err := work(t); err != nil {
		if code := domain.CodeOf(err); code != domain.Conflict && code != domain.NotFound {
			return r, err
		}
		r.Err = err
	}
	return r, nil
}

func (t *tx) rollback() {
	t.mirrors = false
	t.endpoints = nil
	if !t.conn.AutocommitEnabled() {
		_ = run(t.stmtRollback) // fails only if SQLite has rolled back by itself meanwhile
	}
}

// stampCommitted notes on every new feed event when it was known to be durable.
func (t *tx) stampCommitted() {
	now := t.clock.Now()
	for i := range t.results {
		if d := t.results[i].Value.decided; d != nil && d.Event.Seq > 0 {
			d.Event.CommittedAt = now
		}
	}
}

func (t *tx) close() error { return t.conn.Close() }

// run carries out a statement that answers no rows.
func run(s *sqlite.Stmt) error {
	_, err := s.Step()
	if resetErr := s.Reset(); err == nil {
		err = resetErr
	}
	return err
}
