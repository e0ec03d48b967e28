package actors

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
)

// Book holds the node's copy of the catalog. Readers get a Directory that never changes; a new
// revision replaces it whole.
type Book struct {
	store   domain.Store
	log     *slog.Logger
	current atomic.Pointer[domain.Directory]
	changed func()
	loading sync.Mutex // one reading at a time, so that an older one never replaces a newer
}

// bookPoll is how often the store is asked for a newer revision: an operator who applies a change on
// one node sees it on all within a second, for one tiny read a second.
const bookPoll = time.Second

// OpenBook reads the catalog. changed is called after each later revision is in place.
func OpenBook(ctx context.Context, store domain.Store, log *slog.Logger, changed func()) (*Book, error) {
	b := &Book{store: store, log: log, changed: changed}
	if err := b.reload(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// Directory is the catalog in force.
func (b *Book) Directory() *domain.Directory { return b.current.Load() }

// Refresh looks for a newer revision now, and takes it over.
func (b *Book) Refresh(ctx context.Context) error {
	b.loading.Lock()
	defer b.loading.Unlock()
	rev, err := b.store.CatalogRevision(ctx)
	if err != nil || rev == b.Directory().Catalog.Revision {
		return err
	}
	if err := b.reload(ctx); err != nil {
		return err
	}
	b.log.Info("catalog changed", "revision", b.Directory().Catalog.Revision)
	b.changed()
	return nil
}

// Run refreshes until ctx ends. A store that cannot be read leaves the catalog in force.
func (b *Book) Run(ctx context.Context) {
	tick := time.NewTicker(bookPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := b.Refresh(ctx); err != nil && ctx.Err() == nil {
				b.log.Debug("catalog not read", "error", err)
			}
		}
	}
}

func (b *Book) reload(ctx context.Context) error {
	c, err := b.store.Catalog(ctx)
	if err != nil {
		return err
	}
	b.current.Store(domain.NewDirectory(c))
	return nil
}

// chooser is the desk behind the book: what intake calls.
type chooser struct {
	book *Book
	desk *distribution.Desk
}

func (c chooser) Choose(now time.Time, account domain.AccountID, id domain.CampaignID) distribution.Choice {
	r := c.book.Directory().Campaign(account, id)
	if r == nil { // the campaign was removed: the lead waits until an operator says where it goes
		return distribution.Choice{}
	}
	return c.desk.Choose(now, r)
}

func (c chooser) Return(account domain.AccountID, id domain.CampaignID, choice distribution.Choice) {
	if r := c.book.Directory().Campaign(account, id); r != nil {
		c.desk.Return(r, choice)
	}
}

func (c chooser) Counted(key domain.BuyerKey, day string, n int) { c.desk.Counted(key, day, n) }
