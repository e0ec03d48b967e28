package identity_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// numbered is the n-th of many hashes.
func numbered(n int) string {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	s := sha256.Sum256(b[:])
	return hex.EncodeToString(s[:])
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A match with every key there is: 100,000 links learned, a graph of a map.
func BenchmarkMatch(b *testing.B) {
	const many = 100_000
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	graph := links{}
	for n := range many {
		o.Put([]domain.Link{link(int64(n+1), visitor(n), domain.PersonID(fmt.Sprint("p", n)))})
		graph[domain.Key{Kind: domain.KeySHA256, Value: numbered(n)}] = domain.PersonID(fmt.Sprint("p", n))
	}
	m := identity.NewMatcher(identity.MatcherDeps{Overlay: o, Graphs: book{people: graph}, Metrics: identity.NewMetrics(nil)})
	hems := identity.HEMs("jane.doe@gmail.com")
	for name, e := range map[string]identity.Evidence{
		"Nobody":   {Account: "acme", Visitor: vis},
		"Visitor":  {Account: "acme", Visitor: "v4711"},
		"Identify": {Account: "acme", Visitor: "v4711", Identified: true, HEMs: hems, Phone: sum(tel), Clicks: []domain.Click{gclid}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Match(e)
			}
		})
	}
}

// A check of everything a hit and a record have, against a million suppressed e-mails.
func BenchmarkCheck(b *testing.B) {
	const many = 1_000_000
	before := heap()
	s := identity.NewSuppressions(nil)
	page := make([]domain.Suppression, 0, 1000)
	for n := range many {
		h := numbered(n)
		page = append(page, domain.Suppression{
			ID: h[:32], Scope: domain.AccountScope, Account: "acme", Kind: domain.SuppressEmail,
			HEMs: []domain.HEM{{Variant: "lower", SHA256: h, SHA1: numbered(many + n)[:40], MD5: numbered(2*many + n)[:32]}},
		})
		if len(page) == cap(page) {
			s.Take(int64(n), page)
			page = page[:0]
		}
	}
	perEntry := float64(heap()-before) / many
	for _, more := range []struct {
		kind  domain.SuppressionKind
		value string
	}{
		{domain.SuppressCompany, "example.com"}, {domain.SuppressRegion, "DE"}, {domain.SuppressNetwork, "192.0.2.0/24"},
		{domain.SuppressPerson, "p-9"}, {domain.SuppressPath, "/account/**"},
	} {
		s.Take(many, []domain.Suppression{global(b, more.kind, more.value)})
	}
	subject := identity.SubjectOf(domain.Person{
		ID: "p-1", BusinessEmail: "jane@mail.acme.example", PersonalEmail: "jane.doe@gmail.com", Phones: []string{tel}, Country: "US", State: "CO", Company: "acme.example",
	})
	subject.Account, subject.Pixel, subject.Address, subject.Paths = "acme", "shop", netip.MustParseAddr("198.51.100.1"), []string{"/pricing"}
	b.Run("OneAtATime", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if rule, found := s.Check(subject); found {
				b.Fatal(rule)
			}
		}
		b.ReportMetric(perEntry, "B/entry")
	})
	b.Run("Parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s.Check(subject)
			}
		})
	})
	runtime.KeepAlive(s)
}

// Links learned, with what one takes: five of each person, as an identify call makes them.
func BenchmarkOverlay(b *testing.B) {
	const many = 1_000_000
	before := heap()
	o := identity.NewOverlay(identity.OverlayConfig{}, nil)
	for n := range many / 5 {
		h := numbered(n)
		who, page := domain.PersonID(fmt.Sprintf("hem-%032d", n)), []domain.Link{}
		for i, k := range []domain.Key{
			visitor(n), {Kind: domain.KeySHA256, Value: h}, {Kind: domain.KeySHA1, Value: h[:40]}, {Kind: domain.KeyMD5, Value: h[:32]}, {Kind: domain.KeyPhone, Value: h},
		} {
			page = append(page, link(int64(5*n+i+1), k, who))
		}
		o.Put(page)
	}
	perEntry := float64(heap()-before) / many
	b.Run("Person", func(b *testing.B) {
		k := visitor(4711)
		b.ReportAllocs()
		for b.Loop() {
			o.Person("acme", k)
		}
		b.ReportMetric(perEntry, "B/link")
	})
	b.Run("Complete", func(b *testing.B) {
		s := identity.Subject{Account: "acme", Person: domain.PersonID(fmt.Sprintf("hem-%032d", 4711))}
		b.ReportAllocs()
		for b.Loop() {
			o.Complete(s)
		}
	})
	runtime.KeepAlive(o)
}

func BenchmarkHEMs(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		identity.HEMs("Jane.Doe@gmail.com")
	}
}
