package actors

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

const (
	// guardEvery is how often the store is asked for new suppressions and links while nobody says that it has
	// any. A suppression does not wait for it: the store refuses what was matched without it. A link learned on
	// another node is known here within a second.
	guardEvery = time.Second
	guardPage  = 1000
)

// guard keeps what the node knows of suppressions and of learned links in step with the store.
type guard struct {
	rt    *Runtime
	pulse *pulse

	came     atomic.Int64 // refreshes begun
	mu       sync.Mutex   // one refresh at a time
	ended    int64        // the number of the newest that has ended
	err      error        // its outcome
	read     bool         // one has ended well
	revision int64        // of the store's suppressions, in force here
	catalog  int64        // revision of the catalog whose suppressions are

	reading sync.Mutex // one reading of links at a time
}

func newGuard(rt *Runtime) *guard {
	return &guard{rt: rt, pulse: newPulse(rt.deps.Clock, guardEvery, &rt.looking)}
}

// run looks until ctx ends. A store that cannot be read leaves what is known in force, and refuses what is
// out of date.
func (g *guard) run(ctx context.Context) {
	g.pulse.run(ctx, func(ctx context.Context) {
		if err := g.load(ctx); err != nil && ctx.Err() == nil {
			g.rt.deps.Metrics.guardErrors.Inc()
			g.rt.deps.Log.Debug("suppressions and links not read", "error", err)
		}
	})
}

// load takes over everything that is new.
func (g *guard) load(ctx context.Context) error {
	if err := g.Refresh(ctx); err != nil {
		return err
	}
	return g.learn(ctx)
}

// Refresh returns when every suppression that was in force at its call is known here. Callers that come
// together share one reading: a new suppression sends all of a node's visitors here at once.
func (g *guard) Refresh(ctx context.Context) error {
	came := g.came.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended > came {
		return g.err
	}
	n := g.came.Add(1)
	g.err = g.refresh(ctx)
	g.ended = n
	return g.err
}

func (g *guard) refresh(ctx context.Context) error {
	deps := &g.rt.deps
	newest, err := deps.Store.SuppressionRevision(ctx)
	if err != nil || (g.read && newest == g.revision) {
		return err
	}
	// The catalog has suppressions of its own, and a new one raises the revision.
	if err := deps.Book.Refresh(ctx); err != nil {
		return err
	}
	if c := deps.Book.Directory().Catalog; !g.read || c.Revision != g.catalog {
		deps.Suppressions.SetCatalog(c)
		g.catalog = c.Revision
	}
	// Whoever has an e-mail or a phone of their own by a link is suppressed by it too: links that were there before
	// the newest suppression have to be known with it.
	if err := g.learn(ctx); err != nil {
		return err
	}
	for after, id := g.revision, ""; ; {
		page, err := deps.Store.SuppressionsSince(ctx, after, id, guardPage)
		if err != nil {
			return err
		}
		g.forget(page)
		if len(page) < guardPage {
			deps.Suppressions.Take(newest, page)
			break
		}
		deps.Suppressions.Take(g.revision, page) // in force, but not everything is
		after, id = page[len(page)-1].Revision, page[len(page)-1].ID
	}
	g.revision, g.read = newest, true
	return nil
}

// forget takes what the slow tier said of whoever is suppressed now out of memory.
func (g *guard) forget(changes []domain.Suppression) {
	if g.rt.deps.Slow == nil {
		return
	}
	var keys []domain.Key
	var persons []domain.PersonID
	for _, s := range changes {
		switch s.Kind {
		case domain.SuppressEmail:
			keys = append(keys, identity.KeysOf("", s.HEMs, "", nil)...)
		case domain.SuppressPhone:
			keys = append(keys, identity.KeysOf("", nil, s.Value, nil)...)
		case domain.SuppressPerson:
			persons = append(persons, domain.PersonID(s.Value))
		}
	}
	if len(keys) > 0 || len(persons) > 0 {
		g.rt.deps.Slow.Forget(keys, persons)
	}
}

// learn reads links that other nodes, or an earlier run of this one, have committed.
func (g *guard) learn(ctx context.Context) error {
	g.reading.Lock()
	defer g.reading.Unlock()
	overlay := g.rt.deps.Overlay
	for {
		page, err := g.rt.deps.Store.Links(ctx, overlay.After(), guardPage)
		if err != nil || len(page) == 0 {
			return err
		}
		overlay.Put(page)
		if len(page) < guardPage {
			return nil
		}
	}
}
