package identity

import (
	"cmp"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// OverlayConfig bounds an overlay. Zero fields take their default.
type OverlayConfig struct {
	// Max is how many links are held, the newest; default 1,000,000: some 200,000 people who identified
	// themselves, about 230 MB. A link beyond it is still in the store, and its visitor keeps its person by its
	// own row; only whoever comes back in another browser is no longer recognised by it, and a suppression of that
	// key alone no longer reaches its person.
	Max int
}

func (c OverlayConfig) withDefaults() OverlayConfig {
	c.Max = cmp.Or(c.Max, 1_000_000)
	return c
}

// Overlay holds in memory the links that accounts have learned. It is safe for concurrent use.
type Overlay struct {
	mu      sync.RWMutex
	max     int
	after   int64
	links   map[digest]learned
	hashes  map[digest][]linkedHash // by account and person; a list is never changed, but replaced
	age     fifo
	metrics *overlayMetrics
}

// learned is a link, or with no person what is left of a removed one: an older link of the same key that comes
// late must not bring it back.
type learned struct {
	seq    int64
	person domain.PersonID
	whose  digest // the person's place in hashes; zero for a key that is no hash
}

// NewOverlay builds an empty one. A nil registerer exports nothing.
func NewOverlay(cfg OverlayConfig, reg prometheus.Registerer) *Overlay {
	cfg = cfg.withDefaults()
	return &Overlay{max: cfg.Max, links: map[digest]learned{}, hashes: map[digest][]linkedHash{}, metrics: newOverlayMetrics(reg, cfg.Max)}
}

// Put takes a page of the store's Links, in their order, and moves After on to its end.
func (o *Overlay) Put(links []domain.Link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range links {
		o.take(l)
		o.after = max(o.after, l.Seq)
	}
	o.trim()
}

// Learned takes links that this node's own commit has just made (Observed.Links): they count at once. It does
// not move After: another node's links may have smaller numbers and not be read yet.
func (o *Overlay) Learned(links []domain.Link) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range links {
		o.take(l)
	}
	o.trim()
}

// take keeps the newest link of a key, in whatever order they come.
func (o *Overlay) take(l domain.Link) {
	k := overlayKey(l.Account, l.Key)
	held, there := o.links[k]
	fresh := learned{seq: l.Seq, person: l.Person}
	if l.Removed {
		fresh.person = ""
	}
	h, isHash := hashOf(k, l.Key)
	if isHash && fresh.person != "" {
		fresh.whose = personKey(l.Account, fresh.person)
	}
	if there && (held.seq > l.Seq || held == fresh) {
		return
	}
	if held.whose != fresh.whose {
		o.disown(held.whose, k)
		o.own(fresh.whose, h)
	}
	o.links[k] = fresh
	o.age.push(k, l.Seq)
}

// trim drops the oldest until the rest fits.
func (o *Overlay) trim() {
	for len(o.links) > o.max {
		k, seq := o.age.pop()
		if o.links[k].seq == seq { // otherwise it was learned anew since, and stands further behind
			o.disown(o.links[k].whose, k)
			delete(o.links, k)
			o.metrics.evicted.Inc()
		}
	}
	o.age.compact(2*len(o.links), func(k digest, seq int64) bool { return o.links[k].seq == seq })
	o.metrics.links.Set(float64(len(o.links)))
}

// Person finds whom a key belongs to in an account.
func (o *Overlay) Person(account domain.AccountID, key domain.Key) (domain.PersonID, bool) {
	k := overlayKey(account, key)
	o.mu.RLock()
	defer o.mu.RUnlock()
	l := o.links[k]
	return l.person, l.person != ""
}

// findAll is what there is of each key; one without a person is none.
func (o *Overlay) findAll(account domain.AccountID, keys []domain.Key) []learned {
	all, digests := make([]learned, len(keys)), make([]digest, len(keys))
	for i, k := range keys {
		digests[i] = overlayKey(account, k)
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	for i, d := range digests {
		all[i] = o.links[d]
	}
	return all
}

// After is the number of the newest link that Put has taken: read the store's Links from here on.
func (o *Overlay) After() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.after
}

func overlayKey(account domain.AccountID, k domain.Key) digest {
	return digestOf(string(account), string(k.Kind), k.Value)
}

// fifo remembers in which order keys came. A key that came again stands twice; its stamp tells which counts.
type fifo struct {
	queue []stamped
	head  int
}

type stamped struct {
	key   digest
	stamp int64
}

func (f *fifo) push(k digest, stamp int64) { f.queue = append(f.queue, stamped{k, stamp}) }

func (f *fifo) pop() (digest, int64) {
	s := f.queue[f.head]
	f.head++
	return s.key, s.stamp
}

func (f *fifo) len() int { return len(f.queue) - f.head }

// spare is what compact leaves alone: below it there is nothing to gain.
const spare = 1024

// compact keeps only what counts, when there is more than limit of it.
func (f *fifo) compact(limit int, counts func(digest, int64) bool) {
	if f.len() > limit+spare {
		kept := f.queue[:0]
		for _, s := range f.queue[f.head:] {
			if counts(s.key, s.stamp) {
				kept = append(kept, s)
			}
		}
		f.queue, f.head = kept, 0
	} else if f.head > f.len()+spare { // the part in front was popped: give it back
		f.queue = append(f.queue[:0], f.queue[f.head:]...)
		f.head = 0
	}
}
