package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// oweTwo fills a store with two deliveries to acme's crm: the first has failed once, the second was never tried.
func oweTwo(t *testing.T, data string) {
	t.Helper()
	code, _, complaint := leadwire(t, "apply", "-f", write(t, filepath.Join(t.TempDir(), "catalog.yaml"), endpointsFile), "--data", data)
	require.Zero(t, code, complaint)
	store, err := embedded.Open(t.Context(), data, embedded.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	fences, err := store.Claim(t.Context(), "n1", []domain.Partition{1})
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, id := range []string{"ev-1", "ev-2"} {
		lead := domain.LeadID("ghl-" + id)
		e := domain.Event{
			Account: "acme", Source: "ghl", ID: domain.EventID("in-" + id), Lead: lead, Type: "contact", Effect: domain.Amend,
			Contact: json.RawMessage(`{}`), Body: []byte(`{}`), ReceivedAt: now,
		}
		got, err := store.Receive(t.Context(), fences[0], e)
		require.NoError(t, err)
		_, err = store.Decide(t.Context(), domain.Decision{
			Fence: fences[0], EventSeq: got.Seq, Verb: domain.Ignore, Lead: domain.LeadKey{Account: "acme", Lead: lead}, Source: "ghl", EventID: e.ID,
			Contact: e.Contact, ReceivedAt: now, At: now, Announce: []domain.Announcement{{
				ID: domain.EventID(id), Account: "acme", Type: domain.LeadReceivedEvent, Lead: lead, Payload: json.RawMessage(`{"id":"` + id + `"}`), At: now,
				Owed: []domain.Owed{{Endpoint: "crm", Partition: 1}},
			}},
		})
		require.NoError(t, err)
	}
	d, err := store.Delivery(t.Context(), "acme", 1)
	require.NoError(t, err)
	_, err = store.RecordAttempt(t.Context(), domain.Attempted{
		Fence: fences[0], Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryPending, NextAt: now.Add(time.Hour), Class: domain.ClassRetry,
		ReleaseAt: now.Add(time.Hour), Receipt: domain.Receipt{
			Delivery: d.N, Number: 1, Trigger: domain.TriggerFirst, ScheduledAt: now, At: now, Phases: domain.Phases{Connect: 1500 * time.Microsecond, Total: 40 * time.Millisecond},
			Status: 503, Error: domain.ErrorStatus, Reason: "503 Service Unavailable", Body: []byte("be\x1b[2Jright back"), NextAt: now.Add(time.Hour), SecretID: "wk_1", Revision: 1,
		},
	})
	require.NoError(t, err)
}

// Whoever is asked what became of an event finds its delivery, reads its story, and has it tried, cancelled and sent
// again.
func TestDeliveries_Story(t *testing.T) {
	data := t.TempDir()
	oweTwo(t, data)
	does := func(args ...string) string {
		t.Helper()
		code, out, complaint := leadwire(t, append(args, "--account", "acme", "--data", data)...)
		require.Zero(t, code, complaint)
		return out
	}
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	out := does("deliveries", "list")
	require.Regexp(t, `^N +OWED +ENDPOINT +TYPE +LEAD +STATE +TRIES +ENDED OR DUE +NEWEST ATTEMPT\n`+
		`2 +`+at+` +crm +lead\.received +ghl-ev-2 +pending +0 +due `+at+` +-\n`+
		`1 +`+at+` +crm +lead\.received +ghl-ev-1 +pending +1 +due `+at+` +503 Service Unavailable\n$`, out)
	require.Regexp(t, `^\{"n":1,`, does("deliveries", "list", "--event", "ev-1", "--json"))
	require.Regexp(t, `acme/crm +\w+ +2 +`+at+` +- +`+at+` +https`, does("endpoint", "list"))

	out = does("deliveries", "show", "1")
	require.Regexp(t, `^delivery 1 to acme/crm: pending\n  lead\.received ev-1 \(announcement 1\), about lead ghl-ev-1\n\n`+at+`  owed\n`+
		at+`  attempt 1: 503 Service Unavailable \(status\)\n +1\.5ms connecting, 40ms the attempt in all\n +\| be\x{FFFD}\[2Jright back\n +signed by wk_1, configured by catalog revision 1\n\n`+
		`nothing is sent: the endpoint is no_secret \(leadwire endpoint get crm\)\. It was to be tried at\n`+
		at+`  attempt 2\n`, out)
	require.Regexp(t, at+`  attempt \d+, the last: then it is given up\n$`, out)
	require.NotContains(t, out, `{"id":"ev-1"}`)
	require.Contains(t, does("deliveries", "show", "1", "--payload"), `{"id":"ev-1"}`)
	require.Contains(t, does("deliveries", "show", "1", "--json"), `"forecast":["`)

	require.Regexp(t, `^delivery 1 to acme/crm: pending, due `+at, does("deliveries", "retry", "1"))
	require.Regexp(t, `^delivery 2 to acme/crm: cancelled, `+at, does("deliveries", "cancel", "2"))
	require.Regexp(t, at+`  cancelled\n$`, does("deliveries", "show", "2"))
	require.Regexp(t, `^delivery 3 to acme/crm: pending, due `+at, does("deliveries", "replay", "2"))
	require.Contains(t, does("deliveries", "show", "3"), "(announcement 2, a replay)")
	require.Regexp(t, `^\{"n":2,`, does("deliveries", "list", "--limit", "1", "--state", "cancelled", "--json"))
}

// A story says in words what a support engineer has to tell.
func TestDeliveryStory_Words(t *testing.T) {
	t.Parallel()
	row := deliveryRow{N: 7, Account: "acme", Endpoint: "crm", Lead: "ghl-1", State: "pending"}
	ended := func(state, reason string) deliveryStory {
		d := deliveryStory{deliveryRow: row}
		d.State, d.EndedAt, d.Reason = state, "2026-01-01T00:00:00.000Z", reason
		return d
	}
	tried := ended("exhausted", "404 Not Found")
	tried.Type = "endpoint.test"
	due := row
	due.DueAt = "2026-01-01T00:00:00.000Z"
	for name, one := range map[string]struct {
		story deliveryStory
		want  string
	}{
		"delivered":                {ended("delivered", "200 OK"), "Z  delivered\n"},
		"given up":                 {ended("exhausted", "500 Oops"), "Z  given up at its terminal time; the last of it: 500 Oops\n"},
		"a test":                   {tried, "Z  not taken; a test is sent once; the last of it: 404 Not Found\n"},
		"suppressed":               {ended("suppressed", "suppressed by 3f2a"), "Z  not sent: its person was suppressed; the last of it: suppressed by 3f2a\n"},
		"behind":                   {deliveryStory{deliveryRow: row, EndpointState: "ok"}, "it waits behind an earlier delivery of its lead (leadwire deliveries list --lead ghl-1)\n"},
		"behind, of a paused one":  {deliveryStory{deliveryRow: row, EndpointState: "paused"}, "nothing is sent: the endpoint is paused"},
		"of an endpoint that went": {deliveryStory{deliveryRow: due}, "not in the catalog any more"},
		"due": {
			deliveryStory{deliveryRow: due, EndpointState: "failing", Forecast: []string{"T1", "T2"}},
			"if every attempt fails at once, it is tried at\nT1  attempt 1\nT2  attempt 2, the last: then it is given up\n",
		},
		"an attempt out of order": {
			deliveryStory{deliveryRow: due, EndpointState: "ok", Receipts: []receipt{{Number: 1, Trigger: "manual", OutOfOrder: true, attempt: attempt{At: "T0", Status: 204, Phases: phases{Held: 90_061, Queue: 1500}}}}},
			"T0  attempt 1, asked for: 204\n                          sent although an earlier one of its lead had not arrived\n                          1m30s behind an earlier one, 1.5s waiting for its turn\n",
		},
	} {
		require.Contains(t, one.story.text(), one.want, name)
	}
}
