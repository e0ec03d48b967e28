package admin_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

const visitorID = "0197a3c0-5d1e-4c43-9a51-0d9a4b7f6f11"

// hit is one as a server reports it; pairs of name and value are said otherwise, or besides.
func hit(pairs ...string) string {
	h := map[string]string{"pixel": "shop", "visitor": visitorID, "type": "page_view", "url": "https://shop.example/pricing"}
	for i := 0; i+1 < len(pairs); i += 2 {
		h[pairs[i]] = pairs[i+1]
	}
	text, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// list is an array of hits.
func list(hits ...string) string { return "[" + strings.Join(hits, ",") + "]" }

// outcomes are "id outcome field rule", without what is empty.
func outcomes(t *testing.T, a answer) (all []string) {
	t.Helper()
	var got struct {
		Items []struct{ ID, Outcome, Field, Rule string }
	}
	a.into(&got)
	for _, i := range got.Items {
		all = append(all, strings.Join(strings.Fields(i.Outcome+" "+i.Field+" "+i.Rule), " "))
	}
	return all
}

// Each hit has its own outcome, in the order they came.
func TestEvents_Outcomes(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		body := list(
			hit("id", "a"), hit("id", "a"), hit("id", "b", "type", "dance"), hit("id", "c", "pixel", "theirs"), hit("id", "d", "pixel", "rest"),
			hit("id", "e", "url", "https://shop.example/account/orders"), hit("id", "f", "visitor", "me"), hit("id", "g", "type", "identify", "email", "nobody"),
		)
		require.Equal(t, []string{
			"kept", "duplicate", "refused type form", "refused pixel unknown_pixel", "dropped paused", "dropped path", "refused visitor form", "refused email form",
		}, outcomes(t, w.call(w.acme, "POST", "/api/v1/events", body)))
		require.Len(t, w.visitors.hits, 1)
		require.Equal(t, map[string]float64{"kept": 1, "duplicate": 1, "refused": 4, "dropped": 2}, w.counted("leadwire_api_events_total", "outcome"))
	})
}

// What comes in clear is hashed before it is handed on, and in no evidence.
func TestEvents_HashesWhatIsInClear(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.call(w.all, "POST", "/api/v1/events", hit(
			"id", "i", "type", "identify", "email", "J.Doe@Gmail.com", "phone", "+1 415 555 2671", "ip", "192.0.2.7", "country", "us", "state", "ca"))
		require.Equal(t, []string{"kept"}, outcomes(t, a))
		h := w.visitors.hits["i"]
		require.Equal(t, domain.AccountID("acme"), h.Account, "the pixel says whose it is")
		require.Equal(t, identity.HEMs("j.doe@gmail.com"), h.HEMs)
		want, ok := identity.PhoneHash("+14155552671")
		require.True(t, ok)
		require.Equal(t, want, h.Phone)
		require.Equal(t, "192.0.2.7", h.Address.String())
		require.Equal(t, "US", h.Country)
		text, err := json.Marshal(h)
		require.NoError(t, err)
		for _, clear := range []string{"doe", "Doe", "415"} {
			require.NotContains(t, string(text)+string(h.Body), clear)
		}
	})
}

// A request that is sent again is a duplicate: by the sender's ids, by its Idempotency-Key, or by what it says.
func TestEvents_Repeats(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		send := func(key, body string, header ...string) []string {
			return outcomes(t, w.call(key, "POST", "/api/v1/events", body, header...))
		}
		two := list(hit(), hit())
		require.Equal(t, []string{"kept", "kept"}, send(w.acme, two, "Idempotency-Key", "order-1"), "their places tell them apart")
		require.Equal(t, []string{"duplicate", "duplicate"}, send(w.acme, two, "Idempotency-Key", "order-1"))
		require.Equal(t, []string{"kept", "kept"}, send(w.acme, two, "Idempotency-Key", "order-2"))
		require.Equal(t, []string{"kept", "kept"}, send(w.all, two, "Idempotency-Key", "order-1"), "another program's key is another")
		require.Equal(t, []string{"kept", "duplicate"}, send(w.acme, two), "without any, the same words are the same hit")
		changed := list(hit(), hit("url", "https://shop.example/thanks"))
		require.Equal(t, []string{"duplicate", "kept"}, send(w.acme, changed, "Idempotency-Key", "order-1"), "a key never hides another hit")
		anna, ben := hit("type", "identify", "email", "anna@shop.example"), hit("type", "identify", "email", "ben@shop.example")
		require.Equal(t, []string{"kept", "kept", "duplicate"}, send(w.acme, list(anna, ben, anna)), "who is named is part of what it says")
		w.call(w.acme, "POST", "/api/v1/events", two, "Idempotency-Key", strings.Repeat("x", 201)).refused(400, "Idempotency-Key", "at most 200")
	})
}

// Hits are handed over by visitor, each one's in their order; one visitor's trouble is not another's.
func TestEvents_AreGroupedByVisitor(t *testing.T) {
	const other = "0197a3c0-5d1e-4c43-9a51-0d9a4b7f6f22"
	onEachStore(t, func(t *testing.T, w *world) {
		body := list(hit("id", "a"), hit("id", "b", "visitor", other), hit("id", "c", "type", "dance"), hit("id", "d"), hit("id", "e", "visitor", other))
		require.Equal(t, []string{"kept", "kept", "refused type form", "kept", "kept"}, outcomes(t, w.call(w.acme, "POST", "/api/v1/events", body)))
		require.Equal(t, 2, w.visitors.calls)
		w.visitors.fails = map[domain.VisitorID]error{other: domain.Fail("keep hits", domain.Unavailable, nil)}
		require.Equal(t, []string{"duplicate", "deferred unavailable", "refused type form", "duplicate", "deferred unavailable"},
			outcomes(t, w.call(w.acme, "POST", "/api/v1/events", body)))
		w.visitors.fails[other] = domain.Fail("keep hits", domain.Invalid, nil)
		require.Equal(t, "refused invalid", outcomes(t, w.call(w.acme, "POST", "/api/v1/events", body))[1])
	})
}

// When nothing could be kept the server is asked to come again; nothing is said to be kept that is not.
func TestEvents_StoreInTrouble(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.visitors.fails = map[domain.VisitorID]error{visitorID: domain.Fail("keep hits", domain.Unavailable, nil)}
		a := w.call(w.acme, "POST", "/api/v1/events", list(hit("id", "a"), hit("id", "b")))
		a.refused(429, "", "send them again")
		require.Equal(t, "5", a.header.Get("Retry-After"))
		w.call(w.acme, "POST", "/api/v1/events", `[]`).refused(400, "", "1 to 50")
		w.call(w.acme, "POST", "/api/v1/events", `{"a":1,"a":2}`).refused(400, "a", "")
	})
}
