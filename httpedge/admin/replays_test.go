package admin_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

type replayShown struct {
	N        int64
	Account  string
	Endpoint string
	States   []string
	State    string
	Since    string
	Until    string
	Expected int
	Done     int
	MadeAt   string `json:"made_at"`
	EndedAt  string `json:"ended_at"`
	By       string
}

// exhaust gives a delivery up.
func (w *world) exhaust(fence domain.Fence, event, lead string) {
	w.t.Helper()
	d := w.owe(fence, event, lead, "crm")[0]
	got, err := w.store.RecordAttempt(w.t.Context(), domain.Attempted{
		Fence: fence, Key: d.Key(), Delivery: d.N, Lead: d.Lead, Expect: d.Revision, State: domain.DeliveryExhausted,
		Receipt: domain.Receipt{Delivery: d.N, Number: 1, Trigger: domain.TriggerFirst, At: noon.Add(time.Second), Error: domain.ErrorStatus, Reason: "503 Service Unavailable"},
	})
	require.NoError(w.t, err)
	require.Equal(w.t, domain.Done, got.Outcome)
}

// What an endpoint missed is counted, then replayed; how far that is can be read, and it can be stopped.
func TestReplays_Story(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "PUT", "/api/v1/endpoints/crm", `{"url":"https://acme.example/in"}`).into(new(struct{}))
		fence := w.fence()
		for n := range 3 {
			w.exhaust(fence, fmt.Sprint("ev-", n), fmt.Sprint("ghl-", n))
		}
		ask := func(method, path, body string) (got replayShown) {
			t.Helper()
			w.call(w.acme, method, path, body).into(&got)
			return got
		}
		written := len(w.audit())
		counted := ask("POST", "/api/v1/replays", `{"endpoint":"crm","dry_run":true}`)
		require.Equal(t, replayShown{Account: "acme", Endpoint: "crm", States: []string{"exhausted"}, Expected: 3}, counted)
		require.Zero(t, ask("POST", "/api/v1/replays", `{"endpoint":"crm","dry_run":true,"until":"2026-11-25T12:00:00Z","states":["exhausted","delivered"]}`).Expected)
		require.Len(t, w.audit(), written, "looking is not written down")

		answer := w.call(w.acme, "POST", "/api/v1/replays", `{"endpoint":"crm","since":"2026-11-25T13:00:00+02:00"}`)
		require.Equal(t, 201, answer.status)
		var made replayShown
		answer.into(&made)
		require.Equal(t, "running", made.State)
		require.Equal(t, "2026-11-25T11:00:00.000Z", made.Since)
		require.Equal(t, 3, made.Expected)
		require.Contains(t, made.By, "key ")
		require.Equal(t, "replay.start", w.audit()[0].Action)
		require.Equal(t, "endpoint crm", w.audit()[0].Subject)
		require.Equal(t, "exhausted since 2026-11-25T11:00:00Z", w.audit()[0].Detail)
		w.call(w.acme, "POST", "/api/v1/replays", `{"endpoint":"crm"}`).refused(409, "", "is running")

		running, err := w.store.FindReplay(t.Context(), "acme", made.N)
		require.NoError(t, err)
		_, err = w.store.AdvanceReplay(t.Context(), running, 2, noon)
		require.NoError(t, err)
		path := fmt.Sprint("/api/v1/replays/", made.N)
		require.Equal(t, 2, ask("GET", path, "").Done)
		cancelled := ask("DELETE", path, "")
		require.Equal(t, "cancelled", cancelled.State)
		require.Equal(t, 2, cancelled.Done)
		require.NotEmpty(t, cancelled.EndedAt)
		require.Equal(t, "replay.cancel", w.audit()[0].Action)
		w.call(w.acme, "DELETE", path, nil).refused(409, "", "ended")

		again := ask("POST", "/api/v1/replays", `{"endpoint":"crm","states":["delivered","cancelled"]}`)
		require.Equal(t, "done", again.State, "of nothing")
		var page struct {
			Replays []replayShown
			Before  int64
		}
		w.call(w.acme, "GET", "/api/v1/replays?endpoint=crm&limit=1", nil).into(&page)
		require.Equal(t, []replayShown{again}, page.Replays)
		w.call(w.acme, "GET", fmt.Sprint("/api/v1/replays?before=", page.Before), nil).into(&page)
		require.Equal(t, []replayShown{cancelled}, page.Replays)
	})
}

// Nothing is begun that cannot be meant, for somebody else, or where it would go nowhere.
func TestReplays_Refused(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "PUT", "/api/v1/endpoints/crm", `{"url":"https://acme.example/in"}`).into(new(struct{}))
		for body, want := range map[string]struct {
			status int
			field  string
		}{
			`{}`:                                {400, "endpoint"},
			`{"endpoint":"none"}`:               {404, ""},
			`{"endpoint":"crm","state":"done"}`: {400, ""},
			`{"endpoint":"crm","states":["pending"]}`:                                          {400, "states"},
			`{"endpoint":"crm","since":"yesterday"}`:                                           {400, "since"},
			`{"endpoint":"crm","since":"2026-11-25T12:00:00Z","until":"2026-11-25T12:00:00Z"}`: {400, "until"},
			`{"endpoint":"crm","account":"rival"}`:                                             {403, ""},
		} {
			w.call(w.acme, "POST", "/api/v1/replays", body).refused(want.status, want.field, "")
		}
		w.call(w.all, "POST", "/api/v1/replays", `{"endpoint":"crm"}`).refused(400, "account", "must be given")
		w.call(w.key("acme", apikey.DeliveriesRead), "POST", "/api/v1/replays", `{"endpoint":"crm","dry_run":true}`).refused(403, "", "deliveries:write")
		var mine replayShown
		w.call(w.acme, "POST", "/api/v1/replays", `{"endpoint":"crm"}`).into(&mine)
		for _, path := range []string{fmt.Sprint(mine.N, "?account=rival"), fmt.Sprint(mine.N+1, "?account=acme"), "x?account=acme"} {
			w.call(w.all, "GET", "/api/v1/replays/"+path, nil).refused(404, "", "no such replay")
			w.call(w.all, "DELETE", "/api/v1/replays/"+path, nil).refused(404, "", "no such replay")
		}
	})
}

// Enabling an endpoint offers what it missed, also what was owed before it failed and given up after; and once it was
// sent again there is nothing to offer.
func TestReplays_CatchUp(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "PUT", "/api/v1/endpoints/crm", `{"url":"https://acme.example/in"}`).into(new(struct{}))
		fence := w.fence()
		w.exhaust(fence, "ev-1", "ghl-1")
		w.exhaust(fence, "ev-2", "ghl-2")
		var got struct {
			State   string
			CatchUp *replayShown `json:"catch_up"`
		}
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/enable", nil).into(&got)
		require.Equal(t, &replayShown{Account: "acme", Endpoint: "crm", States: []string{"exhausted"}, Since: "2026-11-24T12:00:01.000Z", Expected: 2}, got.CatchUp)
		got.CatchUp = nil
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/enable", nil).into(&got)
		require.Nil(t, got.CatchUp, "it is neither disabled nor failing")
	})
}
