package actors_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// batching is a catalog whose endpoint hears of updates of leads, by threes, ten seconds late at most.
func batching(change ...func(*domain.Endpoint)) domain.Catalog {
	return crm(append([]func(*domain.Endpoint){func(e *domain.Endpoint) {
		e.Events = []domain.AnnouncementType{domain.LeadUpdatedEvent}
		e.Batch = domain.Batch{Count: 3, Delay: 10 * time.Second}
	}}, change...)...)
}

// update changes a lead, which makes it first if it is not there.
func update(node *actortest.Node, event domain.EventID, lead domain.LeadID, city string) {
	e := actortest.Contact(event, lead)
	e.Contact = []byte(`{"city":"` + city + `"}`)
	node.Keep(e)
}

func readBatch(t *testing.T, a actortest.Arrival) delivery.Batch {
	t.Helper()
	var b delivery.Batch
	require.NoError(t, json.Unmarshal([]byte(a.Body), &b), a.Body)
	return b
}

// Updates of three people leave in one request: one signature over all of it, an id for each. Each has its own receipt.
func TestEndpoint_SendsBatches(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, batching())
	key := node.Secret("crm")
	for _, lead := range []domain.LeadID{"lead-1", "lead-2", "lead-3"} {
		node.Keep(actortest.Contact(domain.EventID("new-"+lead), lead))
	}
	update(node, "e1", "lead-1", "Reno")
	update(node, "e2", "lead-2", "Elko")
	require.Empty(t, node.Receivers().Got("crm"))
	update(node, "e3", "lead-3", "Ely")
	got := node.Receivers().Got("crm")
	require.Len(t, got, 1)
	header := func(name string) string { return got[0].Headers[name][0] }
	require.NoError(t, signature.VerifyWebhook(signature.Webhook{
		ID: got[0].Event, Timestamp: header(signature.WebhookTimestampHeader), Signature: header(signature.WebhookSignatureHeader), Body: []byte(got[0].Body),
	}, node.Clock.Now(), key))
	require.Equal(t, "3", header("Leadwire-Batch"))
	batch := readBatch(t, got[0])
	require.Equal(t, "batch", batch.Type)
	require.Equal(t, got[0].Event, batch.ID)
	all := node.Deliveries("crm")
	require.Len(t, all, 3)
	for i, d := range all {
		require.Equal(t, domain.DeliveryDelivered, d.State)
		require.Equal(t, d.Event, batch.Items[i].ID)
		require.Contains(t, string(batch.Items[i].Data), `"type":"lead.updated"`)
		receipts := node.Receipts(d)
		require.Len(t, receipts, 1)
		require.Equal(t, batch.ID, receipts[0].Batch)
		require.Equal(t, key.ID(), receipts[0].SecretID)
	}
	require.Equal(t, 3, batchMembers(t, node, batch.ID))

	update(node, "e4", "lead-1", "Ely")
	node.Advance(10*time.Second - time.Millisecond)
	require.Len(t, node.Receivers().Got("crm"), 1)
	node.Advance(time.Millisecond)
	got = node.Receivers().Got("crm")
	require.Len(t, got, 2, "nobody came along in ten seconds")
	require.NotContains(t, got[1].Headers, "Leadwire-Batch")
	require.Contains(t, got[1].Body, `"type":"lead.updated"`, "it is a plain envelope")
}

// batchMembers is how many deliveries say in their receipts that they were in a batch.
func batchMembers(t *testing.T, node *actortest.Node, id string) (n int) {
	t.Helper()
	for _, d := range node.Deliveries("crm") {
		for _, r := range node.Receipts(d) {
			if r.Batch == id {
				n++
			}
		}
	}
	return n
}

// A batch that is refused is tried again event by event, each under its own id and in its lead's order.
func TestEndpoint_TriesABatchAgainOneByOne(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, batching(func(e *domain.Endpoint) {
		e.Batch.Count, e.Schedule, e.Terminal = 2, []time.Duration{2 * time.Second}, time.Minute
	}))
	node.Secret("crm")
	node.Keep(actortest.Contact("new-1", "lead-1"))
	node.Keep(actortest.Contact("new-2", "lead-2"))
	node.Receivers().Answer("crm", 422)
	update(node, "e1", "lead-1", "Reno")
	update(node, "e2", "lead-2", "Elko")
	update(node, "e3", "lead-1", "Ely")
	require.Len(t, node.Receivers().Got("crm"), 1)
	node.Advance(15 * time.Second)
	got := node.Receivers().Got("crm")
	require.Len(t, got, 4)
	var of1 []domain.EventID
	for _, a := range got[1:] {
		require.NotContains(t, a.Headers, "Leadwire-Batch")
		of1 = append(of1, domain.EventID(a.Event))
	}
	all := node.Deliveries("crm")
	require.ElementsMatch(t, []domain.EventID{all[0].Event, all[1].Event, all[2].Event}, of1)
	for _, d := range all {
		require.Equal(t, domain.DeliveryDelivered, d.State)
	}
	require.Less(t, index(of1, all[0].Event), index(of1, all[2].Event), "lead-1 in its order")
}

func index(all []domain.EventID, one domain.EventID) int {
	for i, e := range all {
		if e == one {
			return i
		}
	}
	return -1
}

// Each event of a batch is in the endpoint's shape, and keeps its id outside of it.
func TestEndpoint_ShapesBatches(t *testing.T) {
	t.Parallel()
	catalog := batching(func(e *domain.Endpoint) { e.Batch.Count, e.Shape = 2, "short" })
	catalog.Accounts[0].Shapes = []domain.Shape{{ID: "short", Fields: map[string]string{"who": "lead.id"}}}
	node := actortest.New(t, catalog)
	node.Secret("crm")
	for _, lead := range []domain.LeadID{"lead-1", "lead-2"} {
		node.Keep(actortest.Contact(domain.EventID("new-"+lead), lead))
	}
	update(node, "e1", "lead-1", "Reno")
	update(node, "e2", "lead-2", "Elko")
	batch := readBatch(t, node.Receivers().Got("crm")[0])
	require.JSONEq(t, `{"who":"lead-1"}`, string(batch.Items[0].Data))
	require.Equal(t, node.Deliveries("crm")[1].Event, batch.Items[1].ID)
}

// Who objects while their update waits for others is not in the batch. The others are.
func TestEndpoint_LeavesOutOfABatchWhoIsSuppressed(t *testing.T) {
	t.Parallel()
	people := []domain.Person{{ID: "ada", FirstName: "Ada", PersonalEmail: "ada@example.com"}, {ID: "bob", FirstName: "Bob", PersonalEmail: "bob@example.com"}, {ID: "cy", FirstName: "Cy", PersonalEmail: "cy@example.com"}}
	graph := actortest.NewGraph(people...)
	for _, p := range people {
		graph.Cookie(domain.VisitorID("v-"+string(p.ID)), p.ID)
	}
	catalog := actortest.WithEndpoint(actortest.WithPixel(actortest.Catalog()), "crm", func(e *domain.Endpoint) {
		e.Events, e.Batch = []domain.AnnouncementType{domain.VisitorUpdatedEvent}, domain.Batch{Count: 3, Delay: time.Minute}
	})
	node := actortest.New(t, catalog, actortest.WithGraph(graph))
	node.Secret("crm")
	view := func(visit string, p domain.PersonID) {
		h := actortest.View(domain.EventID(visit + string(p)))
		h.Visitor = domain.VisitorID("v-" + string(p))
		node.See(h)
	}
	for _, p := range people {
		view("first-", p.ID)
	}
	view("again-", "ada")
	view("again-", "bob")
	node.Advance(20 * time.Second) // both are announced, and wait for a third
	require.Empty(t, node.Receivers().Got("crm"))
	node.Suppress(domain.SuppressEmail, "ada@example.com")
	view("again-", "cy")
	node.Advance(20 * time.Second)
	got := node.Receivers().Got("crm")
	require.Len(t, got, 1)
	batch := readBatch(t, got[0])
	require.Len(t, batch.Items, 2)
	require.NotContains(t, got[0].Body, "ada@example.com")
	states := map[domain.DeliveryState]int{}
	for _, d := range node.Deliveries("crm") {
		states[d.State]++
	}
	require.Equal(t, map[domain.DeliveryState]int{domain.DeliveryDelivered: 2, domain.DeliverySuppressed: 1}, states)
}

// Somebody is erased while a batch that names them is on its way. The endpoint's answer, which may name them too, is in
// nobody's receipt.
func TestEndpoint_KeepsNoAnswerAboutWhoIsErasedMeanwhile(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, batching(func(e *domain.Endpoint) { e.Batch.Count = 2 }))
	node.Secret("crm")
	for _, lead := range []domain.LeadID{"lead-1", "lead-2"} {
		e := actortest.Contact(domain.EventID("new-"+lead), lead)
		e.Contact = []byte(`{"email":"` + string(lead) + `@example.com"}`)
		node.Keep(e)
	}
	node.Receivers().Plan("crm", domain.Sent{Status: 200, Body: []byte("thanks for lead-1@example.com")})
	node.Receivers().While("crm", func(context.Context) {
		_, err := node.Runtime.Erase(t.Context(), "acme", "lead-1@example.com", domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "test", Action: "erase"})
		assert.NoError(t, err)
	})
	update(node, "e1", "lead-1", "Reno")
	update(node, "e2", "lead-2", "Elko")
	require.Len(t, node.Receivers().Got("crm"), 1)
	all := node.Deliveries("crm")
	require.Len(t, all, 1, "of the one who was erased nothing is left")
	require.Equal(t, domain.DeliveryDelivered, all[0].State)
	receipt := node.Receipts(all[0])[0]
	require.Empty(t, receipt.Body)
	require.True(t, receipt.Truncated)
}
