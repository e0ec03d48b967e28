package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/leadwire/leadwire/actors/domain"
)

// line is the writer's one connection. It is lent to one commit at a time; when it breaks, one goroutine
// dials until it is back.
//
//	up ──broken──▶ down ──dialled──▶ up
//	                │ for longer than patience: take answers Unavailable at once
type line struct {
	dial     func(context.Context) (*pgx.Conn, error)
	patience time.Duration
	clock    domain.Clock
	log      *slog.Logger
	metrics  *metrics

	mu       sync.Mutex
	conn     *pgx.Conn     // nil while down
	up       chan struct{} // closed once conn is there
	since    time.Time     // down since
	gaveUp   bool          // a batch has waited in vain since then: the next ones do not wait
	closed   bool
	stop     context.CancelFunc // ends the dialling
	dialling sync.WaitGroup
}

// Pauses between dials: a server that restarts is found within a tenth of a second, one that is away is
// asked once a second.
const (
	firstPause   = 50 * time.Millisecond
	lastPause    = time.Second
	dialPatience = 2 * time.Second
)

var errDown = errors.New("the database is away")

func newLine(conn *pgx.Conn, o Options, m *metrics, dial func(context.Context) (*pgx.Conn, error)) *line {
	l := &line{dial: dial, patience: o.Patience, clock: o.Clock, log: o.Log, metrics: m, conn: conn, up: make(chan struct{})}
	close(l.up)
	m.connected.Set(1)
	return l
}

// take returns the connection. While it is down, the first batch waits for it until patience ends, and
// those after it are refused at once: the queue empties as fast as it fills.
func (l *line) take(ctx context.Context, waited *time.Duration) (*pgx.Conn, error) {
	l.mu.Lock()
	conn, up, gaveUp := l.conn, l.up, l.gaveUp
	l.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	if gaveUp || *waited >= l.patience {
		return nil, errDown
	}
	start := time.Now()
	timer := time.NewTimer(l.patience - *waited)
	defer timer.Stop()
	select {
	case <-up:
		*waited += time.Since(start)
		return l.take(ctx, waited)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		l.mu.Lock()
		l.gaveUp = l.conn == nil
		l.mu.Unlock()
		return nil, errDown
	}
}

// lose gives the connection up and starts to dial a new one. It does nothing if that has happened.
func (l *line) lose(conn *pgx.Conn, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != conn || l.closed {
		return
	}
	l.conn, l.up, l.gaveUp, l.since = nil, make(chan struct{}), false, l.clock.Now()
	l.metrics.connected.Set(0)
	l.metrics.lost.Inc()
	l.log.Warn("lost the database", "cause", cause)
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.dialling.Go(func() {
		defer cancel()
		l.hangUp(conn)
		l.redial(ctx)
	})
}

// hangUp closes a connection without asking the server, which may not answer.
func (l *line) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it is broken already
}

func (l *line) redial(ctx context.Context) {
	pause := firstPause
	for {
		conn, err := l.dial(ctx)
		if err == nil {
			l.restore(conn)
			return
		}
		l.log.Debug("the database does not answer", "err", err)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		pause = min(pause*2, lastPause)
	}
}

func (l *line) restore(conn *pgx.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		l.hangUp(conn)
		return
	}
	l.log.Info("the database is back", "after", l.clock.Now().Sub(l.since))
	l.conn = conn
	l.metrics.connected.Set(1)
	close(l.up)
}

// isUp says whether there is a connection.
func (l *line) isUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil
}

// close ends the connection and the dialling. No commit is in flight by then.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	conn, stop := l.conn, l.stop
	l.conn, l.gaveUp = nil, true
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	l.dialling.Wait()
	if conn != nil {
		l.hangUp(conn)
	}
	l.metrics.connected.Set(0)
}
