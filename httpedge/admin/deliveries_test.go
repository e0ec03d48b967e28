package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// deliveryShown is a delivery as the API shows it.
type deliveryShown struct {
	N             int64
	Endpoint      string
	Event         string
	State         string
	Class         string
	Replay        bool
	Behind        bool
	Attempts      int
	DueAt         string `json:"due_at"`
	Reason        string
	Payload       json.RawMessage
	EndpointState string `json:"endpoint_state"`
	Forecast      []string
	TerminalAt    string `json:"terminal_at"`
	Receipts      []struct {
		Number int
		Body   string
		Error  string
		NextAt string `json:"next_at"`
	}
}

// A list goes from the newest back, page by page, narrowed by what somebody knows of what they look for.
func TestDeliveries_List(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "PUT", "/api/v1/endpoints/hooks", `{"url":"https://acme.example/in"}`).into(new(struct{}))
		fence := w.fence()
		for n := range 3 {
			w.owe(fence, fmt.Sprint("ev-", n), fmt.Sprint("ghl-", n), "crm", "hooks")
		}
		list := func(query string) (events []string, before int64) {
			t.Helper()
			var page struct {
				Deliveries []deliveryShown
				Before     int64
			}
			w.call(w.acme, "GET", "/api/v1/deliveries"+query, nil).into(&page)
			for _, d := range page.Deliveries {
				events = append(events, d.Event+" "+d.Endpoint)
			}
			return events, page.Before
		}
		all, before := list("")
		require.Len(t, all, 6)
		require.Zero(t, before)
		var paged []string
		for query := "?limit=4"; query != ""; {
			some, next := list(query)
			paged, query = append(paged, some...), ""
			if next != 0 {
				query = fmt.Sprint("?limit=4&before=", next)
			}
		}
		require.Equal(t, all, paged)
		for query, want := range map[string]int{
			"?endpoint=crm": 3, "?lead=ghl-1": 2, "?event=ev-2&endpoint=crm": 1, "?state=pending": 6, "?state=delivered": 0, "?endpoint=none": 0,
			"?since=2026-11-25T12:00:00Z": 6, "?until=2026-11-25T12:00:00Z": 0, "?since=2026-11-25T13:00:00%2B02:00&until=2026-11-26T00:00:00Z": 6,
		} {
			found, _ := list(query)
			require.Len(t, found, want, query)
		}
		var theirs struct{ Deliveries []deliveryShown }
		w.call(w.all, "GET", "/api/v1/deliveries?account=rival", nil).into(&theirs)
		require.Empty(t, theirs.Deliveries)
	})
}

// One delivery tells all of its story: what was sent, how each attempt went, and when the next ones are.
func TestDeliveries_Show(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "PUT", "/api/v1/endpoints/crm", `{"url":"https://acme.example/in","schedule":["10s","1m"],"terminal":"10m"}`).into(new(struct{}))
		fence := w.fence()
		d := w.owe(fence, "ev-1", "ghl-1", "crm")[0]
		w.attempt(fence, d, noon.Add(12*time.Second), "")
		answer := w.call(w.acme, "GET", fmt.Sprint("/api/v1/deliveries/", d.N), nil)
		var got deliveryShown
		answer.into(&got)
		require.Equal(t, "pending", got.State)
		require.Equal(t, "retry", got.Class)
		require.Equal(t, "no_secret", got.EndpointState)
		require.JSONEq(t, `{"id":"ev-1"}`, string(got.Payload))
		require.Len(t, got.Forecast, 3, "what is due, one pause, and the terminal time")
		require.Equal(t, "2026-11-25T12:00:12.000Z", got.Forecast[0])
		require.Equal(t, "2026-11-25T12:10:01.000Z", got.Forecast[2])
		require.Equal(t, got.Forecast[2], got.TerminalAt)
		require.Len(t, got.Receipts, 1)
		var parts struct{ Receipts []json.RawMessage }
		answer.into(&parts)
		require.JSONEq(t, `{"number":1,"trigger":"first","scheduled_at":"2026-11-25T12:00:00.000Z","at":"2026-11-25T12:00:01.000Z",
			"phases_ms":{"queue":1000,"first":30,"total":40},"status":503,"error":"status","reason":"503 Service Unavailable","address":"192.0.2.1:443",
			"header":{"Content-Type":["text/plain"]},"body":"thanks\ufffd","secret":"wk_1","catalog_revision":1,"next_at":"2026-11-25T12:00:12.000Z"}`, string(parts.Receipts[0]))

		// What it says of a person is for who may read announcements.
		blind := w.key("acme", apikey.DeliveriesRead)
		var less deliveryShown
		w.call(blind, "GET", fmt.Sprint("/api/v1/deliveries/", d.N), nil).into(&less)
		require.Empty(t, less.Payload)
		require.Len(t, less.Receipts, 1)
	})
}

// Attempts are read page by page, oldest first.
func TestDeliveries_Attempts(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		fence := w.fence()
		d := w.owe(fence, "ev-1", "ghl-1", "crm")[0]
		for i := range 3 {
			d.Attempts, d.Revision = i, int64(i)+1
			w.attempt(fence, d, noon.Add(time.Duration(i+1)*time.Minute), "")
		}
		var numbers []int
		for query, pages := "?limit=2", 0; query != ""; pages++ {
			require.Less(t, pages, 3)
			var page struct {
				Attempts   []struct{ Number int }
				NextCursor string `json:"next_cursor"`
			}
			w.call(w.acme, "GET", fmt.Sprintf("/api/v1/deliveries/%d/attempts%s", d.N, query), nil).into(&page)
			for _, a := range page.Attempts {
				numbers = append(numbers, a.Number)
			}
			if query = ""; page.NextCursor != "" {
				query = "?limit=2&cursor=" + page.NextCursor
			}
		}
		require.Equal(t, []int{1, 2, 3}, numbers)
		w.call(w.acme, "GET", "/api/v1/deliveries/4711/attempts", nil).refused(404, "", "no such delivery")
		w.call(w.acme, "GET", fmt.Sprintf("/api/v1/deliveries/%d/attempts?limit=0", d.N), nil).refused(400, "limit", "from 1 to 200")
		w.call(w.acme, "GET", fmt.Sprintf("/api/v1/deliveries/%d/attempts?account=rival", d.N), nil).refused(403, "", "")
	})
}

// What has ended is sent again as a delivery of its own, what waits is hastened or cancelled, and each is written down.
func TestDeliveries_Steer(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		fence := w.fence()
		done, waits := w.owe(fence, "ev-1", "ghl-1", "crm")[0], w.owe(fence, "ev-2", "ghl-2", "crm")[0]
		w.attempt(fence, done, time.Time{}, "")
		w.attempt(fence, waits, noon.Add(time.Hour), "")
		steer := func(n int64, verb string) answer {
			t.Helper()
			return w.call(w.acme, "POST", fmt.Sprintf("/api/v1/deliveries/%d/%s", n, verb), nil)
		}
		answer := steer(done.N, "replay")
		require.Equal(t, http.StatusCreated, answer.status)
		var again deliveryShown
		answer.into(&again)
		require.True(t, again.Replay)
		require.Equal(t, "replay", again.Class)
		require.Equal(t, "ev-1", again.Event)
		require.Greater(t, again.N, waits.N)
		require.Equal(t, fmt.Sprint("delivery ", done.N), w.audit()[0].Subject)

		var now deliveryShown
		steer(waits.N, "retry").into(&now)
		require.Equal(t, "2026-11-25T12:00:02.000Z", now.DueAt)
		steer(waits.N, "replay").refused(409, "", "still pending")
		steer(waits.N, "cancel").into(&now)
		require.Equal(t, "cancelled", now.State)
		steer(waits.N, "cancel").refused(409, "", "has ended")
		steer(waits.N, "retry").refused(409, "", "has ended")
		var actions []string
		for _, e := range w.audit()[:3] {
			actions = append(actions, e.Action)
		}
		require.Equal(t, []string{"delivery.cancel", "delivery.retry", "delivery.replay"}, actions)

		require.Equal(t, 204, w.call(w.acme, "DELETE", "/api/v1/endpoints/crm", nil).status)
		steer(done.N, "replay").refused(409, "", "not in the catalog any more")
		var gone deliveryShown
		w.call(w.acme, "GET", fmt.Sprint("/api/v1/deliveries/", done.N), nil).into(&gone)
		require.Empty(t, gone.EndpointState)
		require.Empty(t, gone.Forecast)
	})
}

// What is wrong is named with its field, and another account's delivery is not there.
func TestDeliveries_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		fence := w.fence()
		n := w.owe(fence, "ev-1", "ghl-1", "crm")[0].N
		rival := w.key("rival", apikey.DeliveriesRead, apikey.DeliveriesWrite)
		for name, row := range map[string]struct {
			key, method, path string
			status            int
			field, detail     string
		}{
			"a state that is none":     {w.acme, "GET", "?state=lost", 400, "state", "must be one of: pending"},
			"a time that is none":      {w.acme, "GET", "?since=yesterday", 400, "since", "must be a time"},
			"a time before all time":   {w.acme, "GET", "?since=0001-01-02T00:00:00Z", 400, "since", "must be a time"},
			"a lead that is no text":   {w.acme, "GET", "?lead=%00", 400, "lead", "bytes of text"},
			"an event that is no text": {w.acme, "GET", "?event=%ff", 400, "event", "bytes of text"},
			"a time that ends before":  {w.acme, "GET", "?since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z", 400, "until", "after since"},
			"a page too long":          {w.acme, "GET", "?limit=1001", 400, "limit", "1 to 1000"},
			"an endpoint that is none": {w.acme, "GET", "?endpoint=a/b", 400, "endpoint", "1 to 64"},
			"nobody's":                 {w.all, "GET", "", 400, "account", "must be given"},
			"a number that is none":    {w.acme, "GET", "/x", 404, "", "no such delivery"},
			"one that never was":       {w.acme, "GET", "/999", 404, "", "no such delivery"},
			"another's":                {rival, "GET", fmt.Sprint("/", n), 404, "", "no such delivery"},
			"another's, to cancel":     {rival, "POST", fmt.Sprintf("/%d/cancel", n), 404, "", "no such delivery"},
			"another's, to replay":     {rival, "POST", fmt.Sprintf("/%d/replay", n), 404, "", "no such delivery"},
			"one to retry that is not": {w.acme, "POST", "/999/retry", 404, "", "no such delivery"},
			"a verb that is none":      {w.acme, "POST", fmt.Sprintf("/%d/lose", n), 404, "", "no such path"},
		} {
			t.Log(name)
			w.call(row.key, row.method, "/api/v1/deliveries"+row.path, nil).refused(row.status, row.field, row.detail)
		}
		d, err := w.store.Delivery(t.Context(), "acme", n)
		require.NoError(t, err)
		require.Equal(t, domain.DeliveryPending, d.State)
	})
}
