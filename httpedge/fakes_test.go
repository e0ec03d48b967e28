package httpedge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/valyala/fasthttp"
)

// leads keeps events by their key, as the actors and the store behind them do.
type leads struct {
	mu     sync.Mutex
	events map[domain.EventID]domain.Event
	err    error                           // answered instead of keeping
	enter  func(ctx context.Context) error // called first; for tests that hold a webhook in flight
}

func (l *leads) Ingest(ctx context.Context, e domain.Event) (domain.Received, error) {
	l.mu.Lock()
	enter, err := l.enter, l.err
	l.mu.Unlock()
	if enter != nil {
		if err := enter(ctx); err != nil {
			return domain.Received{}, err
		}
	}
	if err != nil {
		return domain.Received{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.events[e.ID]; known {
		return domain.Received{Duplicate: true}, nil
	}
	if l.events == nil {
		l.events = map[domain.EventID]domain.Event{}
	}
	l.events[e.ID] = e
	return domain.Received{Seq: int64(len(l.events))}, nil
}

// hold has every later Ingest call enter first.
func (l *leads) hold(enter func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enter = enter
}

func (l *leads) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *leads) kept() map[domain.EventID]domain.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.events)
}

// visitors keeps hits by their key, in the order they came.
type visitors struct {
	mu    sync.Mutex
	hits  []domain.Hit
	calls int
	fails map[domain.EventID]error // answered instead of keeping a request that has the hit; "": any
	enter func(ctx context.Context) error
}

func (v *visitors) Hits(ctx context.Context, hits []domain.Hit) ([]domain.Received, error) {
	v.mu.Lock()
	enter, err := v.enter, v.fails[""]
	for _, h := range hits {
		if err == nil {
			err = v.fails[h.ID]
		}
	}
	v.mu.Unlock()
	if enter != nil {
		if err := enter(ctx); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	out := make([]domain.Received, 0, len(hits))
	for _, h := range hits {
		if slices.ContainsFunc(v.hits, func(known domain.Hit) bool { return known.ID == h.ID }) {
			out = append(out, domain.Received{Duplicate: true})
			continue
		}
		v.hits = append(v.hits, h)
		out = append(out, domain.Received{Seq: int64(len(v.hits))})
	}
	return out, nil
}

func (v *visitors) fail(id domain.EventID, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fails = map[domain.EventID]error{id: err}
}

// hold has every later call enter first.
func (v *visitors) hold(enter func(context.Context) error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.enter = enter
}

func (v *visitors) kept() []domain.Hit {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.hits)
}

// store is a Reader over a few rows.
type store struct {
	mu    sync.Mutex
	rows  map[domain.BuyerKey][]domain.Lead // newest first
	heads map[domain.BuyerKey]domain.Head
	seen  map[string]domain.Seen
	back  domain.Backlog
	err   error
	reads int // of rows
	pings int
	wait  atomic.Int64 // time.Duration of its queue
}

func newStore() *store {
	return &store{rows: map[domain.BuyerKey][]domain.Lead{}, heads: map[domain.BuyerKey]domain.Head{}, seen: map[string]domain.Seen{}}
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// assign gives a buyer one more lead.
func (s *store) assign(to domain.BuyerKey, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := s.heads[to].Seq + 1
	s.heads[to] = domain.Head{Seq: seq}
	s.rows[to] = slices.Insert(s.rows[to], 0, domain.Lead{
		Account: to.Account, ID: domain.LeadID(id), State: domain.Assigned, Revision: 1, Campaign: "solar", Buyer: to.Buyer,
		Contact: json.RawMessage(`{"first_name":"Zoë"}`), Source: "ghl", AssignSeq: seq, LastSeq: seq,
		ReceivedAt: noon, AssignedAt: noon.Add(12345 * time.Microsecond), UpdatedAt: noon.Add(time.Second),
	})
}

func (s *store) BuyerLeads(_ context.Context, key domain.BuyerKey, before domain.Seq, limit int) ([]domain.Lead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	var out []domain.Lead
	for _, l := range s.rows[key] {
		if (before == 0 || l.AssignSeq < before) && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, s.err
}

func (s *store) Lead(_ context.Context, key domain.LeadKey) (domain.Lead, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return domain.Lead{}, s.err
	}
	for _, rows := range s.rows {
		for _, l := range rows {
			if l.Key() == key {
				return l, nil
			}
		}
	}
	return domain.Lead{}, domain.Fail("read lead", domain.NotFound, nil)
}

func (s *store) Heads(_ context.Context, keys []domain.BuyerKey) ([]domain.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []domain.Head
	for _, k := range keys {
		out = append(out, s.heads[k])
	}
	return out, s.err
}

func (s *store) RecordSeen(_ context.Context, seen []domain.Seen) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := 0
	for _, one := range seen {
		key := fmt.Sprintf("%s/%s/%d", one.Account, one.Buyer, one.Seq)
		if _, known := s.seen[key]; !known {
			s.seen[key] = one
			fresh++
		}
	}
	return fresh, s.err
}

func (s *store) Backlog(context.Context) (domain.Backlog, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.back, s.err
}

func (s *store) Ping(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pings++
	return s.err
}

func (s *store) QueueWait() time.Duration { return time.Duration(s.wait.Load()) }

func (s *store) TokenKey(context.Context) ([]byte, error) { return tokenKey, nil }
func (s *store) Epoch() string                            { return "5f3a01cc" }

// stream says whom it was asked to serve.
type stream struct{}

func (*stream) Serve(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey) {
	ctx.SetBodyString("stream of " + buyer.String())
}

// told remembers what telemetry learned.
type told struct {
	mu   sync.Mutex
	seen []domain.Seen
}

func (t *told) Seen(seen []domain.Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, seen...)
}

// clock moves only when a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (*clock) AfterFunc(d time.Duration, f func()) domain.Timer { return time.AfterFunc(d, f) }

// directory is the catalog a test can replace.
type directory struct {
	mu  sync.Mutex
	now *domain.Directory
}

func (d *directory) get() *domain.Directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *directory) set(c domain.Catalog) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = domain.NewDirectory(c)
}
