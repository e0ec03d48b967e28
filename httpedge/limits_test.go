package httpedge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

// gate holds webhooks inside Ingest until it is opened.
type gate struct {
	inside chan struct{}
	open   chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}, 16), make(chan struct{})} }

func (g *gate) enter(context.Context) error {
	g.inside <- struct{}{}
	<-g.open
	return nil
}

// Beyond the limit of webhooks in flight the next is put off at once, and none of those inside suffers.
func TestIngest_LimitsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	g := newGate()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.InFlight = 2 })
	e.leads.hold(g.enter)
	var wait sync.WaitGroup
	inside := make([]answer, 2)
	for i := range inside {
		wait.Go(func() { inside[i] = e.post(t, contact(fmt.Sprint("in", i))) })
		<-g.inside
	}
	require.Equal(t, "2", e.metric(t, "leadwire_ingest_in_flight"))
	require.Equal(t, "2", e.metric(t, "leadwire_ingest_in_flight_max"))
	got := e.post(t, contact("over"))
	require.Equal(t, 429, got.status)
	require.Equal(t, "1", e.counted(t, "none", "deferred", "overloaded"))
	close(g.open)
	wait.Wait()
	require.Equal(t, 200, inside[0].status)
	require.Equal(t, 200, inside[1].status)
	require.Len(t, e.leads.kept(), 2)
}

// Bytes of bodies are bounded too, before any signature is looked at.
func TestIngest_LimitsBodyBytes(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.BodyBytes = 10 << 10 })
	require.Equal(t, 200, e.post(t, contact("small")).status)
	large := strings.Replace(contact("large"), "Zoë", strings.Repeat("z", 20<<10), 1)
	require.Equal(t, 429, e.post(t, large).status)
	require.Equal(t, "1", e.counted(t, "none", "deferred", "no_room"))
	require.Equal(t, "0", e.metric(t, "leadwire_ingest_body_bytes"))
}
