package actors_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
)

// watchedCRM is the catalog of crm, with an endpoint that is told how that one does.
func watchedCRM(change ...func(*domain.Endpoint)) domain.Catalog {
	c := actortest.WithEndpoint(crm(change...), "pager")
	c.Accounts[0].Operations = "pager"
	return c
}

// paged lists what the pager was told: "endpoint.failing crm 50".
func paged(t *testing.T, node *actortest.Node) (all []string) {
	t.Helper()
	for _, got := range node.Receivers().Got("pager") {
		var e struct {
			Type     string
			Endpoint struct {
				ID      string
				Percent int
			}
		}
		require.NoError(t, json.Unmarshal([]byte(got.Body), &e))
		all = append(all, fmt.Sprint(e.Type, " ", e.Endpoint.ID, " ", e.Endpoint.Percent))
	}
	return all
}

// An endpoint fails and recovers: whoever watches is told both at once, and nothing of the leads.
func TestOperations_AreToldOfFailures(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, watchedCRM())
	node.Secret("crm")
	node.Secret("pager")
	node.Receivers().Answer("crm", 503, 503)
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Equal(t, []string{"endpoint.failing crm 0"}, paged(t, node))
	require.Contains(t, node.Receivers().Got("pager")[0].Body, "Service Unavailable")
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 3)
	require.Equal(t, []string{"endpoint.failing crm 0", "endpoint.recovered crm 0"}, paged(t, node))
	node.Keep(actortest.Contact("e2", "lead-2"))
	require.Len(t, node.Receivers().Got("crm"), 4)
	require.Len(t, paged(t, node), 2)
}

// Nothing but failures for the whole of its time: it is said on the way, and that it is disabled, and the queue is kept.
// Once somebody enables it everything that waited goes, and that it has recovered is said.
func TestOperations_AreToldBeforeItIsDisabled(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, watchedCRM(func(e *domain.Endpoint) {
		e.Schedule, e.DisableAfter = slices.Repeat([]time.Duration{5 * time.Minute}, 30), time.Hour
	}))
	node.Secret("crm")
	node.Secret("pager")
	node.Receivers().Answer("crm", slices.Repeat([]int{503}, 100)...)
	node.Keep(actortest.Contact("e1", "lead-1"))
	for range 70 {
		node.Leap(time.Minute)
	}
	want := []string{"endpoint.failing crm 0", "endpoint.failing crm 50", "endpoint.failing crm 70", "endpoint.failing crm 90", "endpoint.disabled crm 100"}
	require.Equal(t, want, paged(t, node))
	tried := len(node.Receivers().Got("crm"))
	node.Keep(actortest.Contact("e2", "lead-2"))
	node.Leap(48 * time.Hour)
	require.Len(t, node.Receivers().Got("crm"), tried, "nothing is sent")
	require.Equal(t, want, paged(t, node), "and nothing more is said")

	node.Receivers().Mend("crm")
	key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
	require.NoError(t, node.Runtime.EnableEndpoint(t.Context(), key, domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "ann", Action: "enable"}))
	node.Settle()
	for _, d := range node.Deliveries("crm") {
		require.Equal(t, domain.DeliveryDelivered, d.State)
	}
	require.Equal(t, append(want, "endpoint.recovered crm 0"), paged(t, node))
}

// A delivery that is given up is said, under its number and its event.
func TestOperations_AreToldWhatIsGivenUp(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, watchedCRM(func(e *domain.Endpoint) { e.Schedule, e.Terminal = []time.Duration{2 * time.Second}, time.Minute }))
	node.Secret("crm")
	node.Secret("pager")
	node.Receivers().Answer("crm", 500, 500, 500)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(time.Minute)
	d := node.Deliveries("crm")[0]
	require.Equal(t, domain.DeliveryExhausted, d.State)
	require.Equal(t, []string{"endpoint.failing crm 0", "delivery.exhausted crm 0"}, paged(t, node))
	last := node.Receivers().Got("pager")[1].Body
	require.Contains(t, last, fmt.Sprintf(`"n":%d`, d.N))
	require.Contains(t, last, string(d.Event))
	require.NotContains(t, last, "lead-1")
}

// The pager itself is out of order: that is said to nobody, and what it was to be told waits for it.
func TestOperations_SayNothingOfThemselves(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, watchedCRM())
	node.Secret("crm")
	node.Secret("pager")
	node.Receivers().Answer("crm", 503)
	node.Receivers().Answer("pager", 503, 503)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(5 * time.Minute)
	var events []domain.AnnouncementType
	for _, d := range node.Deliveries("pager") {
		require.Equal(t, domain.DeliveryDelivered, d.State)
		events = append(events, d.Type)
	}
	require.Equal(t, []domain.AnnouncementType{domain.EndpointFailingEvent, domain.EndpointRecoveredEvent}, events)
}

// A node that crashes and comes back does not say again what was said.
func TestOperations_AreToldOnceAcrossRestarts(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, watchedCRM())
	node.Secret("crm")
	node.Secret("pager")
	node.Receivers().Answer("crm", 503, 503, 503)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Restart()
	node.Advance(5 * time.Minute)
	require.Equal(t, []string{"endpoint.failing crm 0", "endpoint.recovered crm 0"}, paged(t, node))
}
