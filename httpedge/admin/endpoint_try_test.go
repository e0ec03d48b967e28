package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// refused is what comes of a test whose receiver knows nobody of that name.
var refused = domain.Sent{ //nolint:gochecknoglobals // a constant
	At: noon, Phases: domain.Phases{Connect: 1500 * time.Microsecond, Total: 20 * time.Millisecond}, Status: 404,
	Header: domain.Header{"Content-Type": {"text/plain"}}, Body: []byte("nobody\xff"), Error: domain.ErrorStatus, Reason: "404 Not Found", Address: "192.0.2.1:443",
}

const refusedJSON = `"at":"2026-11-25T12:00:00.000Z","phases_ms":{"connect":1.5,"total":20},"status":404,"error":"status","reason":"404 Not Found",
	"address":"192.0.2.1:443","header":{"Content-Type":["text/plain"]},"body":"nobody\ufffd"`

// A test answers with what happened, also when the endpoint has refused it, and with the number of the delivery that anybody
// can ask for afterwards.
func TestEndpoints_Test(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.outgoing.sent = refused
		answer := w.call(w.acme, "POST", "/api/v1/endpoints/crm/test", nil)
		var tested struct{ Delivery int64 }
		answer.into(&tested)
		require.Positive(t, tested.Delivery)
		require.JSONEq(t, fmt.Sprintf(`{"ok":false,"delivery":%d,%s}`, tested.Delivery, refusedJSON), string(answer.body))

		receipt := `{"number":1,"trigger":"test","scheduled_at":"2026-11-25T12:00:00.000Z","secret":"wk_1","catalog_revision":1,"next_at":null,` + refusedJSON + `}`
		var shown struct {
			State, Type, Class, Reason string
			Attempts                   int
			Forecast, Receipts         []json.RawMessage
			Payload                    struct{ Type string }
		}
		path := fmt.Sprint("/api/v1/deliveries/", tested.Delivery)
		w.call(w.acme, "GET", path, nil).into(&shown)
		require.Equal(t, []string{"exhausted", "endpoint.test", "404 Not Found", "endpoint.test"}, []string{shown.State, shown.Type, shown.Reason, shown.Payload.Type})
		require.Equal(t, 1, shown.Attempts)
		require.Empty(t, shown.Forecast)
		require.JSONEq(t, receipt, string(shown.Receipts[0]))
		require.JSONEq(t, `{"attempts":[`+receipt+`]}`, string(w.call(w.acme, "GET", path+"/attempts", nil).body))
		require.Equal(t, "endpoint.test", w.audit()[0].Action)
		require.Equal(t, "endpoint crm", w.audit()[0].Subject)

		// It is listed with what the endpoint was owed, announced to nobody, and not sent again.
		var list struct{ Deliveries []struct{ N int64 } }
		w.call(w.acme, "GET", "/api/v1/deliveries?endpoint=crm&state=exhausted", nil).into(&list)
		require.Equal(t, tested.Delivery, list.Deliveries[0].N)
		require.JSONEq(t, `{"announcements":[],"after":0}`, string(w.call(w.acme, "GET", "/api/v1/announcements", nil).body))
		w.call(w.acme, "POST", path+"/replay", nil).refused(409, "", "it was a test")
		counted := replayShown{Expected: -1}
		w.call(w.acme, "POST", "/api/v1/replays", `{"endpoint":"crm","dry_run":true}`).into(&counted)
		require.Zero(t, counted.Expected)
	})
}

// What happened is told also where it could not be put down, and that it could not.
func TestEndpoints_TestNotRecorded(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.outgoing.sent = refused
		w.outgoing.lost = domain.Fail("keep test", domain.Unavailable, errors.New("disk full on /dev/sda1"))
		require.JSONEq(t, `{"ok":false,"not_recorded":"unavailable",`+refusedJSON+`}`, string(w.call(w.acme, "POST", "/api/v1/endpoints/crm/test", nil).body))
	})
}
