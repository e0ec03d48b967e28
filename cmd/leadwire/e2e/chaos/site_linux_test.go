package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	origin = "https://shop.example"
	agent  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
	// knownVisitors of the site's visitors are in the graph, and a rest is not.
	knownVisitors = 150
	allVisitors   = 250
)

// site is a web site with a pixel. Of four hits one was told and acked before.
type site struct {
	mu    sync.Mutex
	rng   *rand.Rand
	turn  int
	sent  int
	acked map[string]int // hit → its visitor
	told  []hit
}

// hit is one page view.
type hit struct {
	id      string
	visitor int
}

func newSite(seed uint64) *site {
	return &site{rng: rand.New(rand.NewPCG(seed, 3)), acked: map[string]int{}}
}

func visitorID(n int) domain.VisitorID {
	return domain.VisitorID(fmt.Sprintf("5171e0f0-0000-4000-8000-%012d", n))
}

func personLead(n int) domain.LeadID {
	return domain.LeadOfPerson(domain.PersonID(fmt.Sprintf("p%d", n)))
}

// people are the known visitors, as the graph is built from.
func people() string {
	var csv strings.Builder
	csv.WriteString("id,first_name,last_name,business_email,visitors\n")
	for n := range knownVisitors {
		fmt.Fprintf(&csv, "p%d,Person,Number %d,person%d@company.example,%s\n", n, n, n, visitorID(n))
	}
	return csv.String()
}

func (s *site) next() (request, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	var h hit
	if s.turn%4 == 0 && len(s.told) > 0 {
		h = s.told[s.rng.IntN(len(s.told))]
	} else {
		s.sent++
		h = hit{fmt.Sprintf("hit-%d", s.sent), s.rng.IntN(allVisitors)}
	}
	return request{
		id: h.id, path: fmt.Sprintf("/p?px=shop&v=%s", visitorID(h.visitor)), good: http.StatusNoContent,
		header: http.Header{"Origin": {origin}, "Content-Type": {"text/plain;charset=UTF-8"}, "User-Agent": {agent}},
		body:   fmt.Sprintf(`{"id":%q,"type":"page_view","view":"v-%s","url":%q,"title":"Pricing"}`, h.id, h.id, origin+"/pricing"),
	}, func() { s.done(h) }
}

func (s *site) done(h hit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.acked[h.id]; !again {
		s.acked[h.id] = h.visitor
		s.told = append(s.told, h)
	}
}

// hits are all that were acked.
func (s *site) hits() []hit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]hit(nil), s.told...)
}

// viewed counts the acked views of everybody who is known.
func (s *site) viewed() map[domain.LeadID]int {
	all := map[domain.LeadID]int{}
	for _, h := range s.hits() {
		if h.visitor < knownVisitors {
			all[personLead(h.visitor)]++
		}
	}
	return all
}
