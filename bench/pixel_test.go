package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every request is whole HTTP with events of their own, all of the visitor it says.
func TestHits_Build(t *testing.T) {
	t.Parallel()
	h := newHits("0badcafe", "127.0.0.1:80", benchPixel, 1764000000000, 3, 1000)
	ids, views := map[string]bool{}, map[string]bool{}
	for n := range int64(50) {
		request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(h.build(n))))
		require.NoError(t, err)
		require.Equal(t, benchPixel, request.URL.Query().Get("px"))
		require.Equal(t, visitorID("0badcafe", h.of(n)), request.URL.Query().Get("v"))
		var events []struct{ ID, Type, View, URL string }
		require.NoError(t, json.NewDecoder(request.Body).Decode(&events))
		require.Len(t, events, 3)
		for _, e := range events {
			require.False(t, ids[e.ID], "an event id comes once")
			ids[e.ID], views[e.View] = true, true
		}
		require.Equal(t, "page_view", events[0].Type)
		require.Equal(t, "page_leave", events[1].Type)
	}
	require.Len(t, ids, 150)
	require.Len(t, views, 150)
}

// Every visitor comes before any comes a second time.
func TestHits_VisitorsTakeTurns(t *testing.T) {
	t.Parallel()
	h := &hits{visitors: 777, stride: strideOf(777)}
	for round := range int64(3) {
		seen := map[int64]bool{}
		for n := range h.visitors {
			seen[h.of(round*h.visitors+n)] = true
		}
		require.Len(t, seen, 777)
	}
}

func TestPeople_Announced(t *testing.T) {
	t.Parallel()
	type said struct{ kind, lead string }
	for name, row := range map[string]struct {
		said                                []said
		missing, repeated, strange, updates int
	}{
		"nobody was announced":              {missing: 2},
		"both were, once":                   {said: []said{{"visitor.identified", "person-p1"}, {"visitor.identified", "person-p2"}}},
		"one was met twice":                 {said: []said{{"visitor.identified", "person-p1"}, {"visitor.identified", "person-p1"}}, missing: 1, repeated: 1},
		"an update is no first match":       {said: []said{{"visitor.updated", "person-p1"}}, missing: 2, updates: 1},
		"somebody who did not visit":        {said: []said{{"visitor.identified", "person-p9"}}, missing: 2, strange: 1},
		"a lead that is no person of a run": {said: []said{{"visitor.identified", "company-x.example"}}, missing: 2, strange: 1},
		"what is not a visitor's is passed": {said: []said{{"lead.assigned", "person-p1"}}, missing: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &people{visited: map[int64]bool{1: true, 2: true}, met: map[string]bool{}, missing: 2}
			for _, s := range row.said {
				p.announced(s.kind, s.lead)
			}
			require.Equal(t, []int{row.missing, row.repeated, row.strange, row.updates}, []int{p.missing, p.repeated, p.strange, p.updates})
		})
	}
}

// Only who is known and was acked is waited for.
func TestPeople_VisitedIsAckedAndKnown(t *testing.T) {
	t.Parallel()
	l := &pixelLoad{cfg: PixelConfig{Visitors: 10, Known: 0.5}, hits: &hits{visitors: 10, stride: strideOf(10)}, answers: make([]answer, 10)}
	for n := range l.answers {
		l.answers[n] = wasAcked
		if l.hits.of(int64(n)) == 2 {
			l.answers[n] = wasFailed
		}
	}
	p := newPeople(l)
	require.Equal(t, map[int64]bool{0: true, 1: true, 3: true, 4: true}, p.visited)
	require.Equal(t, 4, p.missing)
}

func TestPixelConfig_Validate(t *testing.T) {
	t.Parallel()
	for field, harm := range map[string]func(*PixelConfig){
		"rate":        func(c *PixelConfig) { c.Rate = -1 },
		"batch":       func(c *PixelConfig) { c.Batch = 51 },
		"visitors":    func(c *PixelConfig) { c.Visitors = -1 },
		"known":       func(c *PixelConfig) { c.Known = 1.5; c.People = 1e9 },
		"people":      func(c *PixelConfig) { c.People = 1 },
		"duration":    func(c *PixelConfig) { c.Duration = -time.Second },
		"swaps":       func(c *PixelConfig) { c.Swaps = 16 },
		"connections": func(c *PixelConfig) { c.Connections = -1 },
		"patience":    func(c *PixelConfig) { c.Patience = -1 },
	} {
		c := PixelConfig{}.withDefaults()
		require.NoError(t, c.validate())
		harm(&c)
		require.ErrorContains(t, c.validate(), field)
	}
}

// Everybody comes before anybody comes again, and the known are among the others at every moment.
func TestStride_IsEven(t *testing.T) {
	t.Parallel()
	for _, visitors := range []int64{1, 2, 3, 10, 997, 1000, 100_000, 1_000_003} {
		step, seen := strideOf(visitors), map[int64]bool{}
		for n := range min(visitors, 2000) {
			v := n * step % visitors
			require.False(t, seen[v], "%d of %d visitors at %d", v, visitors, n)
			seen[v] = true
		}
		known := 0
		for n := range int64(1000) {
			if n*step%visitors < visitors*3/10 {
				known++
			}
			if n >= 100 && visitors >= 1000 {
				require.InDelta(t, 0.3, float64(known)/float64(n+1), 0.03, "after %d of %d", n, visitors)
			}
		}
	}
}
