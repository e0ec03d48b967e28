package pixel

import (
	"net/netip"
	"sync"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/rate"
)

// Defaults of a pixel's rates, in hits a second.
const (
	DefaultRate           = 5000 // what one node takes of everything
	DefaultRatePerAddress = 50   // an office behind one address has some hundred people who turn a page now and then
)

// Rates says how many hits are too many, of a pixel and of an address. Each has a bucket that holds a
// second's worth, or MaxItems if that is more.
//
// Addresses are bounded by two generations: when the young one is full it becomes the old one, and the
// oldest are forgotten. An address that goes on sending stays; forgetting one only gives it a second's
// worth anew. IPv6 counts by /64: whoever has one has all of it.
type Rates struct {
	max int // addresses in a generation

	mu         sync.Mutex
	latest     time.Time // that was ever told
	pixels     map[domain.PixelID]rate.Bucket
	young, old map[rateKey]rate.Bucket
}

type rateKey struct {
	pixel domain.PixelID
	addr  netip.Addr
}

// NewRates remembers at most so many addresses.
func NewRates(addresses int) *Rates {
	return &Rates{max: max(1, addresses/2), pixels: map[domain.PixelID]rate.Bucket{}, young: map[rateKey]rate.Bucket{}}
}

// Limit is which rate a request is over.
type Limit string

const (
	NoLimit      Limit = ""
	PixelLimit   Limit = "rate_pixel"
	AddressLimit Limit = "rate_address"
)

// Take takes room for one hit, of address and pixel; or says which has none, and after how long it will.
// The pixel has to be one that exists: each is remembered.
func (r *Rates) Take(now time.Time, p *domain.Pixel, from netip.Addr) (Limit, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now = r.notBefore(now)
	key := keyOf(p, from)
	addr, addrWait := r.address(key).Take(now, 1, addressRate(p))
	if addrWait > 0 {
		return AddressLimit, addrWait
	}
	pixel, wait := r.pixels[p.ID].Take(now, 1, pixelRate(p))
	if wait > 0 {
		return PixelLimit, wait
	}
	r.put(key, addr)
	r.pixels[p.ID] = pixel
	return NoLimit, 0
}

// notBefore keeps time from going back: a busy machine counts a request a second after it came, when others that came
// later have been counted, and to its own time their room would seem to be taken for long to come.
func (r *Rates) notBefore(now time.Time) time.Time {
	if now.Before(r.latest) {
		return r.latest
	}
	r.latest = now
	return now
}

// Charge takes room for hits that came along with one that was let in, even where there is none: the next
// request then waits for it.
func (r *Rates) Charge(now time.Time, p *domain.Pixel, from netip.Addr, n int) {
	if n < 1 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now = r.notBefore(now)
	key := keyOf(p, from)
	r.put(key, r.address(key).Charge(now, n, addressRate(p)))
	r.pixels[p.ID] = r.pixels[p.ID].Charge(now, n, pixelRate(p))
}

// Addresses is how many are remembered.
func (r *Rates) Addresses() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.young)
	for key := range r.old {
		if _, again := r.young[key]; !again {
			n++
		}
	}
	return n
}

func (r *Rates) address(key rateKey) rate.Bucket {
	if at, ok := r.young[key]; ok {
		return at
	}
	return r.old[key]
}

func (r *Rates) put(key rateKey, at rate.Bucket) {
	if _, known := r.young[key]; !known && len(r.young) >= r.max {
		r.old, r.young = r.young, make(map[rateKey]rate.Bucket, r.max)
	}
	r.young[key] = at
}

func keyOf(p *domain.Pixel, from netip.Addr) rateKey {
	if from.Is6() {
		if net, err := from.WithZone("").Prefix(64); err == nil {
			from = net.Addr()
		}
	}
	return rateKey{p.ID, from}
}

func pixelRate(p *domain.Pixel) rate.Limit { return limitOf(p.Rate, DefaultRate) }

func addressRate(p *domain.Pixel) rate.Limit { return limitOf(p.RatePerAddress, DefaultRatePerAddress) }

func limitOf(perSecond, otherwise int) rate.Limit {
	if perSecond <= 0 {
		perSecond = otherwise
	}
	return rate.Limit{PerSecond: perSecond, Burst: max(perSecond, MaxItems)}
}
