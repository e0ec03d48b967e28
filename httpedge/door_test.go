package httpedge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge"
)

// While the store's queue takes longer than half of what an event has to become durable, whoever comes is put off before
// anything is verified or asked, on a connection that can be used again; and is taken once it has become shorter.
func TestDoor_PutsOffWhileTheStoresQueueIsLong(t *testing.T) {
	t.Parallel()
	e := start(t, func(c *httpedge.Config, _ *httpedge.Deps) { c.IngestTimeout = 4 * time.Second })
	require.Equal(t, "2", e.metric(t, "leadwire_ingest_queue_seconds_max"))
	image := func() int {
		return e.send(t, "GET", "/p.gif?px=shop", "", "User-Agent", firefox, "Referer", shop+"/").status
	}

	e.store.wait.Store(int64(2*time.Second + 1))
	require.Equal(t, "2.000000001", e.metric(t, "leadwire_ingest_queue_seconds"))
	webhook := e.post(t, contact("c1"))
	require.Equal(t, 429, webhook.status)
	require.NotEmpty(t, webhook.header.Get("Retry-After"))
	require.NotEqual(t, "close", webhook.header.Get("Connection"))
	forged := e.send(t, "POST", "/leads/webhook/ghl", contact("c2"), signature.GHLHeader, "no signature")
	require.Equal(t, 429, forged.status, "nothing was verified")
	hit := e.hit(t, "px=shop", pageView("h1", "/"))
	require.Equal(t, 429, hit.status)
	require.Equal(t, "queue", hit.problem(t).Rule)
	require.NotEqual(t, "close", hit.header.Get("Connection"))
	require.Equal(t, 200, image(), "a page without scripts gets its image")
	require.Empty(t, e.leads.kept())
	require.Empty(t, e.seen.kept())
	require.Equal(t, "2", e.counted(t, "none", "deferred", "queue"))
	require.Equal(t, "1", e.hitsCounted(t, "post", "deferred", "queue"))
	require.Equal(t, "1", e.hitsCounted(t, "image", "deferred", "queue"))

	e.store.wait.Store(int64(2 * time.Second))
	require.Equal(t, 200, e.post(t, contact("c1")).status)
	require.Equal(t, 204, e.hit(t, "px=shop", pageView("h1", "/")).status)
	require.Equal(t, 200, image())
	require.Len(t, e.leads.kept(), 1)
	require.Len(t, e.seen.kept(), 2)
}
