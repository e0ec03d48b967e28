package bench

import (
	"context"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// housekeeping is how often the loop looks at what no socket tells it: time-outs, streams to reopen,
// an interrupt.
const housekeeping = 20 * time.Millisecond

// loadConfig is one run's plan.
type loadConfig struct {
	pacer       Pacer
	total       int64         // requests
	warm        int64         // of them, the first that are sent and proven but not timed
	maxConns    int           // for requests
	patience    time.Duration // for one answer
	drain       time.Duration // after the last answer, for the last event
	openTimeout time.Duration
}

// load is the sender and the audience of one run, all on one goroutine.
//
//	streams open ──▶ warm-up ──▶ measured ──▶ drain: answers, then events
type load struct {
	cfg     loadConfig
	reactor *reactor
	streams *streams
	webhook *webhook
	ledger  *ledger
	prefix  []byte

	posters []*poster // open ones
	free    []*poster // open and idle, the one used last on top
	peak    int
	start   time.Time
	noticed int64 // requests whose time has come
	sent    int64
	settled int64 // answered, refused or failed
	busy    int64 // requests that waited because every connection was taken
	blocked int64 // the first request not counted in busy
	resyncs int64

	ack, sse, late *Recorder
	segments       segments
	measuring      chan struct{} // closed when the warm-up is over
	acked          atomic.Int64  // the ledger's, for who takes snapshots meanwhile
	lastAck        time.Time
}

func newLoad(cfg loadConfig, to netip.AddrPort, w *webhook, host, feedPath string, tokens []string) (*load, error) {
	r, err := newReactor(to)
	if err != nil {
		return nil, err
	}
	l := &load{
		cfg: cfg, reactor: r, webhook: w, prefix: []byte(w.contactPrefix()),
		ledger: newLedger(cfg.total, len(tokens)),
		ack:    NewRecorder(), sse: NewRecorder(), late: NewRecorder(),
		segments: newSegments(), measuring: make(chan struct{}),
	}
	l.streams = newStreams(r, host, feedPath, tokens, l.event)
	return l, nil
}

// run carries the plan out. When ctx ends it stops where it is; what was measured stays.
func (l *load) run(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sharpTimers()
	defer l.reactor.close()
	if err := l.streams.open(ctx, time.Now().Add(l.cfg.openTimeout)); err != nil {
		return err
	}
	if err := l.send(ctx); err != nil {
		return err
	}
	return l.settle(ctx)
}

// send is the open loop: whatever is due goes out, and in between the loop listens.
func (l *load) send(ctx context.Context) error {
	l.start = time.Now()
	kept := l.start
	for l.sent < l.cfg.total {
		now := time.Now()
		elapsed := now.Sub(l.start)
		l.notice(elapsed)
		for l.sent < l.noticed && l.sendOne(now) {
		}
		if err := l.reactor.turn(l.pause(elapsed)); err != nil {
			return err
		}
		if now.Sub(kept) >= housekeeping {
			kept = now
			l.keepHouse(now)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause is how long the loop may sleep. When everything is due and waits for connections, only their
// answers can go on: waking for the plan would spin, and take the core from the server.
func (l *load) pause(elapsed time.Duration) time.Duration {
	if l.noticed == l.cfg.total {
		return housekeeping
	}
	return min(housekeeping, l.cfg.pacer.Pace(elapsed, l.noticed))
}

// notice counts the requests whose time has come, and how late that was noticed: the harness's own
// fault, and part of every latency besides.
func (l *load) notice(elapsed time.Duration) {
	for l.noticed < l.cfg.total {
		due := l.cfg.pacer.Due(l.noticed)
		if due > elapsed {
			return
		}
		if l.noticed == l.cfg.warm {
			close(l.measuring)
		}
		if l.noticed >= l.cfg.warm {
			l.late.Record(elapsed - due)
		}
		l.noticed++
	}
}

// sendOne sends the next request on a connection that is idle, or on one more; false when there are
// maxConns already. The request then waits, and its latency with it.
func (l *load) sendOne(now time.Time) bool {
	var p *poster
	if k := len(l.free); k > 0 {
		p, l.free = l.free[k-1], l.free[:k-1]
	} else if p = l.openPoster(); p == nil {
		if l.sent >= l.blocked {
			l.busy, l.blocked = l.busy+1, l.sent+1
		}
		return false
	}
	n := l.sent
	l.sent++
	p.send(n, now, l.webhook.build(n))
	return true
}

func (l *load) openPoster() *poster {
	if len(l.posters) >= l.cfg.maxConns {
		return nil
	}
	p := &poster{load: l, n: idle}
	sock, err := l.reactor.connect(p)
	if err != nil {
		return nil
	}
	p.sock = sock
	l.posters = append(l.posters, p)
	l.peak = max(l.peak, len(l.posters))
	return p
}

func (l *load) posterGone(p *poster) {
	l.posters = without(l.posters, p)
	l.free = without(l.free, p)
}

func without(all []*poster, gone *poster) []*poster {
	for i, p := range all {
		if p == gone {
			last := len(all) - 1
			all[i] = all[last]
			return all[:last]
		}
	}
	return all
}

// answered notes an answer; status 0 is none.
func (l *load) answered(n int64, status int, at time.Time) {
	a := wasFailed
	switch status {
	case 200:
		a = wasAcked
		if n >= l.cfg.warm {
			l.ack.Record(at.Sub(l.due(n)))
			l.lastAck = at
		}
	case 429:
		a = wasRefused
	}
	l.settled++
	l.ledger.answered(n, a)
	l.acked.Store(l.ledger.acked)
}

func (l *load) due(n int64) time.Time { return l.start.Add(l.cfg.pacer.Due(n)) }

// event takes one block of a stream.
func (l *load) event(stream int, at time.Time, m message) {
	seq, numbered := seqOf(m.ID)
	switch {
	case string(m.Type) == "resync":
		l.resyncs++
		if numbered {
			l.ledger.last[stream] = seq
		}
		return
	case !m.HasID || !numbered:
		return // a heartbeat
	case len(m.Data) == 0:
		l.ledger.place(stream, seq)
		return
	case !l.ledger.numbered(stream, seq):
		return
	}
	n, ours := number(m.Data, l.prefix)
	if !ours {
		l.ledger.strangers++
		return
	}
	if l.ledger.arrived(n) && n >= l.cfg.warm {
		due := l.due(n)
		l.sse.Record(at.Sub(due))
		l.segments.record(due, readMarks(m.Data), at)
	}
}

// keepHouse gives up on answers that took too long and brings back streams that were closed.
func (l *load) keepHouse(now time.Time) {
	for i := len(l.posters) - 1; i >= 0; i-- {
		if p := l.posters[i]; p.n != idle && now.Sub(p.sent) > l.cfg.patience {
			l.reactor.shut(p.sock, errPatience)
		}
	}
	l.streams.comeBack(now)
}

// settle waits for the last answers, then for the last events, as long as the plan allows.
func (l *load) settle(ctx context.Context) error {
	var deadline time.Time
	for l.settled < l.sent || l.ledger.lost() > 0 {
		now := time.Now()
		if l.settled == l.sent {
			if deadline.IsZero() {
				deadline = now.Add(l.cfg.drain)
			}
			if now.After(deadline) {
				return nil // what is missing now is lost
			}
		}
		if err := l.reactor.turn(housekeeping); err != nil {
			return err
		}
		l.keepHouse(now)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
