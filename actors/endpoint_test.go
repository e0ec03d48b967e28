package actors_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/signature"
)

// crm is a catalog with a buyer and an endpoint that hears of assignments and updates.
func crm(change ...func(*domain.Endpoint)) domain.Catalog {
	first := func(e *domain.Endpoint) {
		e.Events = []domain.AnnouncementType{domain.LeadAssignedEvent, domain.LeadUpdatedEvent}
	}
	return actortest.WithEndpoint(actortest.Catalog("ann"), "crm", append([]func(*domain.Endpoint){first}, change...)...)
}

// A lead that finds its buyer is announced to the endpoint at once, signed, under the announcement's id, and the receipt
// says what happened.
func TestEndpoint_DeliversSigned(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) { e.Headers = map[string]string{"X-Team": "sales"} }))
	key := node.Secret("crm")
	node.Keep(actortest.Contact("e1", "lead-1"))

	got := node.Receivers().Got("crm")
	require.Len(t, got, 1)
	require.Contains(t, got[0].Body, `"type":"lead.assigned"`)
	header := func(name string) string { return got[0].Headers[name][0] }
	require.NoError(t, signature.VerifyWebhook(signature.Webhook{
		ID: got[0].Event, Timestamp: header(signature.WebhookTimestampHeader), Signature: header(signature.WebhookSignatureHeader), Body: []byte(got[0].Body),
	}, node.Clock.Now(), key))
	require.Equal(t, "sales", header("X-Team"))

	all := node.Deliveries("crm")
	require.Len(t, all, 1)
	require.Equal(t, domain.DeliveryDelivered, all[0].State)
	require.EqualValues(t, got[0].Event, all[0].Event)
	receipts := node.Receipts(all[0])
	require.Len(t, receipts, 1)
	require.Equal(t, domain.TriggerFirst, receipts[0].Trigger)
	require.Equal(t, 200, receipts[0].Status)
	require.Equal(t, key.ID(), receipts[0].SecretID)
	require.Equal(t, node.Book.Directory().Catalog.Revision, receipts[0].Revision)
}

// A receiver that fails twice and then recovers sees the event three times, on the schedule that was forecast.
func TestEndpoint_RetriesOnSchedule(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) {
		e.Schedule, e.Terminal = []time.Duration{2 * time.Second, 4 * time.Second}, time.Minute
	}))
	node.Secret("crm")
	node.Receivers().Answer("crm", 500, 0)
	node.Keep(actortest.Contact("e1", "lead-1"))
	require.Len(t, node.Receivers().Got("crm"), 1, "the first attempt is immediate")
	pending := node.Deliveries("crm")[0]
	next := pending.DueAt.Sub(node.Clock.Now())
	require.True(t, next >= 2*time.Second && next <= 2200*time.Millisecond, "%v", next)
	node.Advance(next - time.Millisecond)
	require.Len(t, node.Receivers().Got("crm"), 1, "a retry is never early")
	node.Advance(time.Millisecond)
	require.Len(t, node.Receivers().Got("crm"), 2)
	node.Advance(5 * time.Second)
	got := node.Receivers().Got("crm")
	require.Len(t, got, 3)
	require.Equal(t, got[0].Event, got[2].Event, "the same event under the same id")
	d := node.Deliveries("crm")[0]
	require.Equal(t, domain.DeliveryDelivered, d.State)
	var words []domain.ErrorClass
	for i, r := range node.Receipts(d) {
		require.Equal(t, i+1, r.Number)
		words = append(words, r.Error)
	}
	require.Equal(t, []domain.ErrorClass{domain.ErrorStatus, domain.ErrorConnect, ""}, words)
}

// Whatever fails to the end is given up at its terminal time, and not tried after it.
func TestEndpoint_GivesUp(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) {
		e.Schedule, e.Terminal = []time.Duration{2 * time.Second}, time.Minute
	}))
	node.Secret("crm")
	node.Receivers().Answer("crm", 500, 500, 500, 500)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(time.Minute)
	got := node.Receivers().Got("crm")
	require.Len(t, got, 3)
	require.Equal(t, got[0].At.Add(time.Minute), got[2].At, "the last attempt is made exactly then")
	d := node.Deliveries("crm")[0]
	require.Equal(t, domain.DeliveryExhausted, d.State)
	require.Contains(t, d.Reason, "Internal Server Error")
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 3)
}

// A failing event holds those of its own person only, up to the hold limit; then the rest goes, and says so.
func TestEndpoint_KeepsOrderPerPerson(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) {
		e.Schedule, e.Terminal, e.Hold = []time.Duration{30 * time.Second}, time.Minute, 10*time.Second
	}))
	node.Secret("crm")
	node.Receivers().Answer("crm", 500)
	node.Keep(actortest.Contact("e1", "lead-1"))
	change := actortest.Contact("e2", "lead-1")
	change.Contact = []byte(`{"name":"another name"}`)
	node.Keep(change)
	node.Keep(actortest.Contact("e3", "lead-2"))
	got := node.Receivers().Got("crm")
	require.Len(t, got, 2, "the other person's flows on")
	require.Contains(t, got[1].Body, "lead-2")

	node.Advance(10*time.Second - time.Millisecond)
	require.Len(t, node.Receivers().Got("crm"), 2)
	node.Advance(time.Second)
	got = node.Receivers().Got("crm")
	require.Len(t, got, 3)
	require.Contains(t, got[2].Body, "another name")
	require.Equal(t, []string{"true"}, got[2].Headers["Leadwire-Out-Of-Order"])
	updated := node.Deliveries("crm")[1]
	require.Equal(t, domain.DeliveryDelivered, updated.State)
	require.True(t, node.Receipts(updated)[0].OutOfOrder)
}

// An endpoint without a secret is owed and waits; the moment it has one, everything goes.
func TestEndpoint_WaitsForASecret(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Advance(time.Minute)
	require.Empty(t, node.Receivers().Got("crm"))
	require.Equal(t, domain.DeliveryPending, node.Deliveries("crm")[0].State)
	node.Secret("crm")
	require.Len(t, node.Receivers().Got("crm"), 1)
}

// Somebody who is suppressed between the event and its attempt is not sent; the receipt says by which rule.
func TestEndpoint_AsksAgainWhoIsSuppressed(t *testing.T) {
	t.Parallel()
	anna := domain.Person{ID: "anna", FirstName: "Anna", PersonalEmail: "anna@example.com"}
	catalog := actortest.WithEndpoint(actortest.WithPixel(actortest.Catalog("ann")), "crm")
	node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(anna)))
	h := actortest.View("a")
	h.HEMs, h.Type = identity.HEMs("anna@example.com"), domain.Identify
	node.See(h)
	require.Equal(t, domain.VisitorIdentifiedEvent, node.Deliveries("crm")[0].Type)

	node.Suppress(domain.SuppressEmail, "anna@example.com")
	node.Secret("crm")
	require.Empty(t, node.Receivers().Got("crm"))
	d := node.Deliveries("crm")[0]
	require.Equal(t, domain.DeliverySuppressed, d.State)
	require.Equal(t, "suppressed by account:email", d.Reason)
	require.Equal(t, domain.ErrorSuppressed, node.Receipts(d)[0].Error)
}

// What is due wakes by itself after a crash, without anybody speaking to its endpoint.
func TestEndpoint_WakesAfterACrash(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) {
		e.Schedule, e.Terminal = []time.Duration{20 * time.Second}, time.Minute
	}))
	node.Secret("crm")
	node.Receivers().Answer("crm", 500)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Restart()
	require.Len(t, node.Receivers().Got("crm"), 1)
	node.Advance(23 * time.Second)
	require.Len(t, node.Receivers().Got("crm"), 2)
	require.Equal(t, domain.DeliveryDelivered, node.Deliveries("crm")[0].State)
}

// 410 disables the endpoint: nothing is sent and nothing ends, until somebody enables it.
func TestEndpoint_GoneDisables(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	node.Receivers().Answer("crm", 410)
	node.Keep(actortest.Contact("e1", "lead-1"))
	node.Keep(actortest.Contact("e2", "lead-2"))
	key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
	state, err := node.Store.EndpointState(t.Context(), key)
	require.NoError(t, err)
	require.False(t, state.DisabledAt.IsZero())
	require.NotEmpty(t, state.Reason)
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 1)

	require.NoError(t, node.Runtime.EnableEndpoint(t.Context(), key, domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "test", Action: "enable"}))
	node.Advance(10 * time.Second)
	for _, d := range node.Deliveries("crm") {
		require.Equal(t, domain.DeliveryDelivered, d.State, "%d: %s", d.N, d.Reason)
	}
}

// What is owed to an endpoint that the catalog no longer has is cancelled, and says why.
func TestEndpoint_RemovedFromTheCatalog(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm(func(e *domain.Endpoint) { e.Paused = true }))
	node.Secret("crm")
	for i := range 3 {
		node.Keep(actortest.Contact(domain.EventID("e"+strconv.Itoa(i)), "lead-1"))
	}
	require.NotEmpty(t, node.Deliveries("crm"))
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Endpoints = nil })
	node.Advance(10 * time.Second)
	node.Apply(func(c *domain.Catalog) { c.Accounts[0].Name = "Acme again" })
	node.Advance(10 * time.Second)
	for _, d := range node.Deliveries("crm") {
		require.Equal(t, domain.DeliveryCancelled, d.State)
		require.Contains(t, d.Reason, "removed")
	}
	require.Empty(t, node.Receivers().Got("crm"))
}

// Somebody may send an event again, hurry one that waits, and end one.
func TestEndpoint_ReplaysHastensAndCancels(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	audit := domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "test", Action: "delivery"}
	node.Keep(actortest.Contact("e1", "lead-1"))
	_, err := node.Runtime.Replay(t.Context(), "acme", node.Deliveries("crm")[0].N, audit)
	require.NoError(t, err)
	node.Settle()
	got := node.Receivers().Got("crm")
	require.Len(t, got, 2)
	require.Equal(t, got[0].Event, got[1].Event)
	require.Equal(t, domain.TriggerReplay, node.Receipts(node.Deliveries("crm")[1])[0].Trigger)

	node.Receivers().Answer("crm", 500)
	node.Keep(actortest.Contact("e2", "lead-2"))
	_, err = node.Runtime.Hasten(t.Context(), "acme", node.Deliveries("crm")[2].N, audit)
	require.NoError(t, err)
	node.Settle()
	hastened := node.Deliveries("crm")[2]
	require.Equal(t, domain.DeliveryDelivered, hastened.State)
	require.Equal(t, domain.TriggerManual, node.Receipts(hastened)[1].Trigger)

	node.Receivers().Answer("crm", 500)
	node.Keep(actortest.Contact("e3", "lead-3"))
	_, err = node.Runtime.Cancel(t.Context(), "acme", node.Deliveries("crm")[3].N, audit)
	require.NoError(t, err)
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 5)
	require.Equal(t, domain.DeliveryCancelled, node.Deliveries("crm")[3].State)
}

// A secret that a command has replaced in the store, without a word to the endpoint, signs within 15 seconds of traffic.
func TestEndpoint_ReadsItsSecretsAgain(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	node.Keep(actortest.Contact("e1", "lead-1"))
	fresh := node.SecretUntold("crm")
	node.Advance(16 * time.Second)
	node.Keep(actortest.Contact("e2", "lead-2"))
	node.Keep(actortest.Contact("e3", "lead-3"))
	last := node.Deliveries("crm")[2]
	require.Equal(t, fresh.ID(), node.Receipts(last)[0].SecretID)
}

// Whatever the record knows of somebody is asked once more before an event about them leaves, also what the event does not
// say: of a visitor, and of the lead that they became.
func TestEndpoint_AsksTheRecordAgain(t *testing.T) {
	t.Parallel()
	anna := domain.Person{
		ID: "anna", FirstName: "Anna", BusinessEmail: "anna@engines.example", PersonalEmail: "anna@home.example",
		Phones: []string{"+14155550100"}, Company: "engines.example", Country: "US", State: "CA",
	}
	for rule, row := range map[string]struct {
		kind  domain.SuppressionKind
		value string
	}{
		"email":   {domain.SuppressEmail, "anna@home.example"},
		"phone":   {domain.SuppressPhone, "+14155550100"},
		"person":  {domain.SuppressPerson, "anna"},
		"company": {domain.SuppressCompany, "engines.example"},
		"region":  {domain.SuppressRegion, "US-CA"},
		"path":    {domain.SuppressPath, "/a"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			catalog := actortest.WithPixel(actortest.Catalog("ann"), func(p *domain.Pixel) { p.Campaign = "solar" })
			catalog = actortest.WithEndpoint(catalog, "crm")
			node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(anna)))
			h := actortest.View("a")
			h.HEMs, h.Type = identity.HEMs("anna@engines.example"), domain.Identify
			node.See(h)
			require.Len(t, node.Deliveries("crm"), 3, "she was identified, received and assigned")

			node.Suppress(row.kind, row.value)
			node.Secret("crm")
			node.Advance(time.Second)
			require.Empty(t, node.Receivers().Got("crm"))
			for _, d := range node.Deliveries("crm") {
				require.Equal(t, domain.DeliverySuppressed, d.State, "%s", d.Type)
				require.Equal(t, "suppressed by account:"+rule, d.Reason)
			}
		})
	}
}

// A lead that is erased while its event waits for its next attempt is not sent any more, a CRM's own included.
func TestEndpoint_SendsNothingErased(t *testing.T) {
	t.Parallel()
	node := actortest.New(t, crm())
	node.Secret("crm")
	node.Receivers().Answer("crm", 500)
	e := actortest.Contact("e1", "lead-1")
	e.Contact = []byte(`{"name":"Anna","email":"anna@example.com"}`)
	node.Keep(e)
	require.Len(t, node.Receivers().Got("crm"), 1)
	_, err := node.Runtime.Erase(t.Context(), "acme", "anna@example.com", domain.AuditEntry{Account: "acme", At: node.Clock.Now(), Actor: "test", Action: "erase"})
	require.NoError(t, err)
	require.Empty(t, node.Deliveries("crm"))
	node.Advance(time.Minute)
	require.Len(t, node.Receivers().Got("crm"), 1)
	node.Keep(actortest.Contact("e2", "lead-2"))
	require.Len(t, node.Receivers().Got("crm"), 2, "others go on")
}

// What an endpoint leaves out does not reach it.
func TestEndpoint_LeavesFieldsOut(t *testing.T) {
	t.Parallel()
	anna := domain.Person{ID: "anna", FirstName: "Anna", PersonalEmail: "anna@example.com", Phones: []string{"+14155550100"}}
	catalog := actortest.WithEndpoint(actortest.WithPixel(actortest.Catalog("ann")), "whole")
	catalog = actortest.WithEndpoint(catalog, "less", func(e *domain.Endpoint) { e.Omit = []string{"person.phones", "hems"} })
	node := actortest.New(t, catalog, actortest.WithGraph(actortest.NewGraph(anna)))
	node.Secret("whole")
	node.Secret("less")
	h := actortest.View("a")
	h.HEMs, h.Type = identity.HEMs("anna@example.com"), domain.Identify
	node.See(h)
	whole, less := node.Receivers().Got("whole"), node.Receivers().Got("less")
	require.Len(t, whole, 1)
	require.Len(t, less, 1)
	require.Equal(t, whole[0].Event, less[0].Event)
	require.Contains(t, whole[0].Body, "+14155550100")
	require.Contains(t, whole[0].Body, `"hems"`)
	require.NotContains(t, less[0].Body, "+14155550100")
	require.NotContains(t, less[0].Body, `"hems"`)
	require.Contains(t, less[0].Body, "Anna")
}
