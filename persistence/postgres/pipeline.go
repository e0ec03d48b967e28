package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// pipeline is one try of a batch: its statements, and what they answer.
type pipeline struct {
	b      *batch
	sent   pgx.Batch
	fail   func(string) error
	broke  error // what fail answered
	epochs map[domain.Partition]int64

	stored  map[int]int64 // op → seq
	decided map[int]domain.Decided
	noFeed  []int
	// repeats are events that come with a decision and stand in the batch a second time: only the first
	// can be new, so only its decision is tried.
	repeats map[int]bool
	// strangers are decisions that came with their event, for a buyer without a row in feeds.
	strangers []int
	marks     *marks

	observed  map[int]domain.Observed
	judged    map[int]domain.Judged
	learned   map[int]domain.Learned
	attempted map[int]domain.AttemptRecorded
}

func newPipeline(b *batch, fail func(string) error) *pipeline {
	p := &pipeline{
		b: b, fail: fail, epochs: map[domain.Partition]int64{},
		stored: map[int]int64{}, decided: map[int]domain.Decided{}, marks: newMarks(), repeats: map[int]bool{},
		observed: map[int]domain.Observed{}, judged: map[int]domain.Judged{}, learned: map[int]domain.Learned{},
		attempted: map[int]domain.AttemptRecorded{},
	}
	ops := make([]op, len(b.todo))
	keys := make(map[eventKey]struct{}, len(b.todo))
	for i, n := range b.todo {
		ops[i] = b.ops[n]
		if r := ops[i].receive; r != nil {
			if _, again := keys[r.key]; again {
				p.repeats[n] = true
			}
			keys[r.key] = struct{}{}
		}
	}
	p.lock(ops)
	p.step(stepLocked)
	for _, wave := range waves(ops) {
		for i, n := range wave {
			wave[i] = b.todo[n]
		}
		p.receive(wave)
		p.step(stepReceived)
		p.decide(wave)
		p.step(stepDecided)
		p.observe(wave)
		p.learn(wave)
		p.step(stepObserved)
		p.judge(wave)
		p.step(stepJudged)
		p.attempt(wave)
		p.step(stepAttempted)
		p.see(wave)
		p.step(stepSeen)
	}
	if slices.ContainsFunc(ops, func(o op) bool { return o.ping }) {
		// Last, so that nodes which ping at once hold this row for no longer than a commit takes.
		p.sent.Queue(`UPDATE store SET pinged_at = now()`)
	}
	return p
}

// step lets a test break the pipeline here: the server undoes the transaction at this statement.
func (p *pipeline) step(name string) {
	if p.broke != nil {
		return
	}
	if p.broke = p.fail(name); p.broke != nil {
		p.sent.Queue("SELECT 1 / (SELECT 0)")
	}
}

// send is the round trip. Statements without BEGIN up to the final Sync are one transaction, and Close
// returns after the server has answered the Sync, which is after the commit: until then nothing counts.
func (p *pipeline) send(ctx context.Context, conn *pgx.Conn) error {
	if p.sent.Len() == 0 {
		return nil
	}
	err := conn.SendBatch(ctx, &p.sent).Close()
	if p.broke != nil {
		return p.broke
	}
	return err
}

// queue adds a statement and what to do with each of its rows.
func (p *pipeline) queue(sql string, row func(pgx.Rows) error, args ...any) {
	p.sent.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if row == nil {
				continue
			}
			if err := row(rows); err != nil {
				rows.Close()
				return err
			}
		}
		return rows.Err()
	})
}

// lock queues the locks, each kind in the order of its keys. The keys are distinct, and the server
// sorts them.
func (p *pipeline) lock(ops []op) {
	var parts []int16
	held := [domain.Partitions]bool{}
	var named, leads pairs
	for _, o := range ops {
		if f, ok := o.fence(); ok && !held[f.Partition] {
			held[f.Partition] = true
			parts = append(parts, int16(f.Partition))
		}
		switch d := o.decide; {
		case d == nil:
		case d.Verb == domain.Assign:
			named.add(string(d.Lead.Account), string(d.Buyer))
		case d.Verb == domain.Update:
			leads.add(string(d.Lead.Account), string(d.Lead.Lead))
		}
	}
	if slices.ContainsFunc(ops, op.hasBasis) {
		p.queue(sqlLockBasis, nil)
	}
	if len(parts) > 0 {
		p.queue(sqlLockPartitions, p.scanEpoch, parts)
	}
	if old := existing(ops); old.len() > 0 {
		p.queue(sqlLockLeads, nil, old.a, old.b)
	}
	if named.len()+leads.len() > 0 {
		p.queue(sqlLockFeeds, nil, named.a, named.b, leads.a, leads.b)
	}
	if heads := headsOf(ops); len(heads) > 0 {
		p.queue(sqlLockHeads, nil, heads)
	}
	if queues := endpointsOf(ops); queues.len() > 0 {
		p.queue(sqlLockEndpoints, nil, queues.a, queues.b)
	}
}

// existing lists the leads that the ops expect to be there already.
func existing(ops []op) pairs {
	var all pairs
	for _, o := range ops {
		if o.decide != nil && o.decide.Expect > 0 {
			all.add(string(o.decide.Lead.Account), string(o.decide.Lead.Lead))
		}
	}
	return all
}

func (p *pipeline) scanEpoch(rows pgx.Rows) error {
	var part int16
	var epoch int64
	if err := rows.Scan(&part, &epoch); err != nil {
		return fmt.Errorf("read partition: %w", err)
	}
	p.epochs[domain.Partition(part)] = epoch
	return nil
}

// answer turns what the pipeline found into results, and returns the ops that have to run again.
func (p *pipeline) answer() []int {
	for _, n := range p.b.todo {
		o := p.b.ops[n]
		if f, ok := o.fence(); ok && !p.owned(f) {
			p.b.results[n] = result{Err: domain.ErrFenced}
			continue
		}
		switch {
		case o.admits():
			p.b.results[n] = admitted(p.stored[n], p.decided[n])
		case o.receive != nil:
			p.b.results[n] = received(p.stored[n])
		case o.decide != nil:
			d := p.decided[n]
			p.b.results[n] = result{Value: reply{decided: d}, Outcome: string(d.Outcome)}
		case o.observe != nil:
			p.b.results[n] = result{Value: reply{observed: p.observed[n]}, Outcome: string(p.observed[n].Outcome)}
		case o.judge != nil:
			p.b.results[n] = result{Value: reply{judged: p.judged[n]}, Outcome: string(p.judged[n].Outcome)}
		case o.learn != nil:
			p.b.results[n] = result{Value: reply{learned: p.learned[n]}, Outcome: string(p.learned[n].Outcome)}
		case o.attempt != nil:
			p.b.results[n] = result{Value: reply{attempted: p.attempted[n]}, Outcome: string(p.attempted[n].Outcome)}
		default:
			p.b.results[n] = result{Value: reply{seen: p.marks.count(n)}}
		}
	}
	return p.noFeed
}

func received(seq int64) result {
	if seq == 0 {
		return result{Value: reply{received: domain.Received{Duplicate: true}}, Outcome: outcomeDuplicate}
	}
	return result{Value: reply{received: domain.Received{Seq: seq}}, Outcome: outcomeStored}
}

// admitted joins the two answers. A decision that says "already decided" of an event that is new was not
// tried: the event waits.
func admitted(seq int64, d domain.Decided) result {
	r := received(seq)
	if seq == 0 || d.Outcome == domain.AlreadyDecided || d.Outcome == "" {
		return r
	}
	r.Value.decided, r.Outcome = d, string(d.Outcome)
	return r
}

// pairs is a set of (account, id) as two columns.
type pairs struct {
	a, b []string
	has  map[[2]string]struct{}
}

func (p *pairs) add(a, b string) {
	if _, ok := p.has[[2]string{a, b}]; ok {
		return
	}
	if p.has == nil {
		p.has = map[[2]string]struct{}{}
	}
	p.has[[2]string{a, b}] = struct{}{}
	p.a, p.b = append(p.a, a), append(p.b, b)
}

func (p *pairs) len() int { return len(p.a) }
