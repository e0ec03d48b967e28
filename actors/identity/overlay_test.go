package identity_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

func link(seq int64, key domain.Key, person domain.PersonID) domain.Link {
	return domain.Link{Seq: seq, Account: "acme", Key: key, Person: person}
}

func visitor(n int) domain.Key { return domain.Key{Kind: domain.KeyVisitor, Value: fmt.Sprint("v", n)} }

// Links come from two sides, a node's own commits and the store's list, and the newest of a key counts.
func TestOverlay_KeepsTheNewestLink(t *testing.T) {
	t.Parallel()
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	who := func() domain.PersonID { p, _ := o.Person("acme", visitorKey); return p }
	o.Learned([]domain.Link{link(7, visitorKey, "b")})
	require.Equal(t, domain.PersonID("b"), who(), "at once")
	require.Zero(t, o.After(), "links of other nodes with smaller numbers are still to be read")
	o.Put([]domain.Link{link(4, visitorKey, "a"), link(5, sha(jane), "c")})
	require.Equal(t, domain.PersonID("b"), who(), "an older link comes late and changes nothing")
	require.Equal(t, int64(5), o.After())
	o.Put([]domain.Link{link(9, visitorKey, "c")})
	require.Equal(t, domain.PersonID("c"), who())
	_, found := o.Person("other", visitorKey)
	require.False(t, found, "links are an account's own")
}

// An erased link is gone, and a late word of it does not bring it back; a new one does.
func TestOverlay_ForgetsWhatIsRemoved(t *testing.T) {
	t.Parallel()
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	removed := link(8, visitorKey, "a")
	removed.Removed = true
	known := func() bool { _, ok := o.Person("acme", visitorKey); return ok }
	o.Put([]domain.Link{link(3, visitorKey, "a"), removed})
	require.False(t, known())
	o.Learned([]domain.Link{link(3, visitorKey, "a")})
	require.False(t, known())
	o.Learned([]domain.Link{link(9, visitorKey, "b")})
	require.True(t, known())
}

func TestOverlay_DropsTheOldest(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	o := identity.NewOverlay(identity.OverlayConfig{Max: 3}, reg)
	for n := range 3 {
		o.Put([]domain.Link{link(int64(n+1), visitor(n), "a")})
	}
	o.Put([]domain.Link{link(4, visitor(0), "b")}) // learned anew: no longer the oldest
	o.Put([]domain.Link{link(5, visitor(3), "a")})
	known := func(n int) bool { _, ok := o.Person("acme", visitor(n)); return ok }
	require.True(t, known(0))
	require.False(t, known(1))
	require.True(t, known(2))
	require.True(t, known(3))
	require.Equal(t, 3.0, metric(t, reg, "leadwire_overlay_links")[""])
	require.Equal(t, 3.0, metric(t, reg, "leadwire_overlay_links_max")[""])
	require.Equal(t, 1.0, metric(t, reg, "leadwire_overlay_evicted_total")[""])
}

// A long life of learning and removing in any order: never more than the limit, and the newest word stands.
func TestOverlay_AgreesWithAPlainList(t *testing.T) {
	t.Parallel()
	const seed, limit = 3, 400
	r := rand.New(rand.NewPCG(seed, seed))
	reg := prometheus.NewRegistry()
	o := identity.NewOverlay(identity.OverlayConfig{Max: limit}, reg)
	plain := map[int]domain.Link{}
	for seq := int64(1); seq < 20_000; seq++ {
		n := r.IntN(300) // fewer keys than the limit: nothing is evicted, and the order of age is compacted
		l := link(seq, visitor(n), domain.PersonID(fmt.Sprint("p", r.IntN(5))))
		l.Removed = r.IntN(4) == 0
		if r.IntN(5) == 0 {
			l.Seq = max(1, seq-int64(r.IntN(50)))
		}
		if held, there := plain[n]; !there || held.Seq <= l.Seq {
			plain[n] = l
		}
		o.Learned([]domain.Link{l})
	}
	for n, want := range plain {
		got, ok := o.Person("acme", visitor(n))
		require.Equal(t, !want.Removed, ok, "seed %d, key %d", seed, n)
		if ok {
			require.Equal(t, want.Person, got, "seed %d, key %d", seed, n)
		}
	}
	for n := range 5000 {
		o.Learned([]domain.Link{link(int64(30_000+n), visitor(1000+n), "a")})
	}
	require.Equal(t, float64(limit), metric(t, reg, "leadwire_overlay_links")[""])
}
