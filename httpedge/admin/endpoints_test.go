package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

// endpointShown is an endpoint as the API shows it.
type endpointShown struct {
	Account  string
	Endpoint struct {
		ID, URL string
		Paused  bool
	}
	State  string
	Status struct {
		DisabledAt   string `json:"disabled_at"`
		Reason       string
		FailingSince string `json:"failing_since"`
		SucceededAt  string `json:"succeeded_at"`
		Pending      int
		Oldest       string
		NextAt       string `json:"next_at"`
		Secrets      []struct {
			ID, Kind string
			EndsAt   string `json:"ends_at"`
		}
	}
	Secret string
}

var hooks = domain.EndpointKey{Account: "acme", Endpoint: "hooks"}

// An endpoint is made with a secret that is shown once, read and written in the words of a catalog's file, and removed
// with all its secrets.
func TestEndpoints_Edit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		made := w.call(w.acme, "PUT", "/api/v1/endpoints/hooks", `{"url":"https://acme.example/in","timeout":"5s","events":["lead.assigned"],"schedule":["10s","1m"]}`)
		require.Equal(t, 201, made.status, string(made.body))
		var first endpointShown
		made.into(&first)
		require.Equal(t, []string{"hmac " + first.Secret}, w.opened(hooks))
		read := w.call(w.acme, "GET", "/api/v1/endpoints/hooks", nil)
		require.Equal(t, made.header.Get("ETag"), read.header.Get("ETag"))
		require.NotContains(t, string(read.body), first.Secret)
		id := first.Status.Secrets[0].ID
		require.JSONEq(t, `{"account":"acme","endpoint":{"id":"hooks","url":"https://acme.example/in","timeout":"5s","events":["lead.assigned"],
			"schedule":["10s","1m0s"]},"state":"ok","status":{"disabled_at":null,"failing_since":null,"succeeded_at":null,"pending":0,"oldest":null,"next_at":null,
			"secrets":[{"id":"`+id+`","kind":"hmac","created_at":"2026-11-25T12:00:02.000Z","ends_at":null}]}}`, string(read.body))

		changed := w.call(w.acme, "PUT", "/api/v1/endpoints/hooks", `{"url":"https://acme.example/other"}`, "If-Match", read.header.Get("ETag"))
		require.Equal(t, 200, changed.status, string(changed.body))
		require.NotContains(t, string(changed.body), "whsec_")
		w.call(w.acme, "PUT", "/api/v1/endpoints/hooks", `{"url":"https://acme.example/in"}`, "If-Match", read.header.Get("ETag")).refused(409, "", "has changed since")
		require.Len(t, w.opened(hooks), 1)

		require.Equal(t, 204, w.call(w.acme, "DELETE", "/api/v1/endpoints/hooks", nil).status)
		require.Empty(t, w.opened(hooks))
		w.call(w.acme, "GET", "/api/v1/endpoints/hooks", nil).refused(404, "", "no such endpoint")
		w.call(w.acme, "DELETE", "/api/v1/endpoints/hooks", nil).refused(404, "", "no such endpoint")
		var actions []string
		for _, e := range w.audit()[:5] {
			require.NotContains(t, e.Detail, first.Secret)
			require.Equal(t, "endpoint hooks", e.Subject)
			actions = append(actions, e.Action+" "+e.Detail)
		}
		require.Equal(t, []string{"endpoint.secret none", "endpoint.delete ", "endpoint.put ", "endpoint.secret hmac " + id + ", its first", "endpoint.put "}, actions)
	})
}

// Ids are unique within an account: the platform says whose it means, and an account sees its own.
func TestEndpoints_List(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.all, "GET", "/api/v1/endpoints/crm", nil).refused(400, "account", "must be given")
		var theirs endpointShown
		w.call(w.all, "GET", "/api/v1/endpoints/crm?account=rival", nil).into(&theirs)
		require.Equal(t, "https://crm.rival.example/hook", theirs.Endpoint.URL)
		w.call(w.acme, "GET", "/api/v1/endpoints/crm?account=rival", nil).refused(403, "", "another account")

		list := func(key, query string) (urls []string, cursor string) {
			var page struct {
				Endpoints  []endpointShown
				NextCursor string `json:"next_cursor"`
			}
			w.call(key, "GET", "/api/v1/endpoints"+query, nil).into(&page)
			for _, e := range page.Endpoints {
				require.Equal(t, "no_secret", e.State)
				urls = append(urls, e.Endpoint.URL)
			}
			return urls, page.NextCursor
		}
		urls, cursor := list(w.acme, "")
		require.Equal(t, []string{"https://crm.example/hook"}, urls)
		require.Empty(t, cursor)
		urls, cursor = list(w.all, "?limit=1")
		require.Equal(t, []string{"https://crm.example/hook"}, urls)
		require.Equal(t, "acme/crm", cursor)
		urls, cursor = list(w.all, "?limit=1&cursor="+cursor)
		require.Equal(t, []string{"https://crm.rival.example/hook"}, urls)
		require.Empty(t, cursor)
		urls, _ = list(w.all, "?account=rival")
		require.Len(t, urls, 1)
	})
}

// What is wrong is named with its field and its rule.
func TestEndpoints_Refuses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for name, row := range map[string]struct {
			method, path, body string
			status             int
			field, detail      string
		}{
			"no URL":                        {"PUT", "new", `{}`, 400, "accounts[0].endpoints[1].url", "must be given"},
			"a password in the URL":         {"PUT", "new", `{"url":"https://a:b@c.example"}`, 400, "accounts[0].endpoints[1].url", "must not hold"},
			"a field that nobody knows":     {"PUT", "new", `{"uri":"x"}`, 400, "", "uri"},
			"a header of ours":              {"PUT", "new", `{"url":"https://c.example","headers":{"Webhook-Id":"1"}}`, 400, "accounts[0].endpoints[1].headers.Webhook-Id", "set by us"},
			"another id than the path's":    {"PUT", "new", `{"id":"crm"}`, 400, "id", "path"},
			"an id that is none":            {"PUT", "n@w", `{"url":"https://c.example"}`, 400, "accounts[0].endpoints[1].id", ""},
			"an empty body":                 {"PUT", "new", ``, 400, "", "empty"},
			"a verb that is none":           {"POST", "crm/explode", ``, 404, "", "no such path"},
			"no verb":                       {"POST", "crm", ``, 404, "", "no such path"},
			"more than a verb":              {"POST", "crm/pause/now", ``, 404, "", "no such path"},
			"nobody, to pause":              {"POST", "none/pause", ``, 404, "", "no such endpoint"},
			"nobody, to test":               {"POST", "none/test", ``, 404, "", "no such endpoint"},
			"a secret of no kind":           {"POST", "crm/secrets", `{}`, 400, "kind", "must be one of: hmac, ed25519"},
			"a secret kept too long":        {"POST", "crm/secrets", `{"kind":"hmac","keep_old":"169h"}`, 400, "keep_old", "0s to 168h"},
			"a time that is none":           {"POST", "crm/secrets", `{"kind":"hmac","keep_old":"a day"}`, 400, "keep_old", "duration"},
			"a secret brought along":        {"POST", "crm/secrets", `{"kind":"hmac","value":"whsec_x"}`, 400, "value", "does not belong"},
			"a token without one":           {"POST", "crm/secrets", `{"kind":"bearer"}`, 400, "value", "must be given"},
			"a token of two lines":          {"POST", "crm/secrets", `{"kind":"bearer","value":"a\r\nHost: b"}`, 400, "value", "printable"},
			"a user with a colon":           {"POST", "crm/secrets", `{"kind":"basic","user":"a:b","password":"c"}`, 400, "user", "colon"},
			"a user without a password":     {"POST", "crm/secrets", `{"kind":"basic","user":"a"}`, 400, "password", "must be given"},
			"a password that is very long":  {"POST", "crm/secrets", `{"kind":"basic","user":"a","password":"` + strings.Repeat("x", 4096) + `"}`, 400, "password", "4096"},
			"a cursor of somewhere":         {"GET", "?cursor=nowhere", ``, 400, "cursor", "next_cursor"},
			"an edit of a revision that is": {"POST", "crm/pause", ``, 400, "If-Match", "ETag"},
		} {
			t.Log(name)
			path := "/api/v1/endpoints/" + row.path
			if strings.HasPrefix(row.path, "?") {
				path = "/api/v1/endpoints" + row.path
			}
			var header []string
			if row.field == "If-Match" {
				header = []string{"If-Match", "none"}
			}
			w.call(w.acme, row.method, path, row.body, header...).refused(row.status, row.field, row.detail)
		}
		require.Empty(t, w.opened(domain.EndpointKey{Account: "acme", Endpoint: "crm"}))
	})
}

// Pausing is the catalog's, may be repeated, and is undone.
func TestEndpoints_Pause(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"hmac"}`).into(new(struct{}))
		is := func(verb, state string, paused bool) {
			t.Helper()
			var got endpointShown
			w.call(w.acme, "POST", "/api/v1/endpoints/crm/"+verb, nil).into(&got)
			require.Equal(t, state, got.State)
			require.Equal(t, paused, got.Endpoint.Paused)
		}
		is("pause", "paused", true)
		written := len(w.audit())
		is("pause", "paused", true)
		require.Len(t, w.audit(), written, "what changes nothing is no change, and no line")
		is("resume", "ok", false)
		require.Equal(t, "endpoint.resume", w.audit()[0].Action)
		require.Equal(t, "endpoint.pause", w.audit()[1].Action)
	})
}

// A disabled endpoint says since when and why, and what waits for it; enabling it is written down with the reason.
func TestEndpoints_Enable(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"hmac"}`).into(new(struct{}))
		fence := w.fence()
		w.attempt(fence, w.owe(fence, "ev-1", "ghl-1", "crm")[0], time.Time{}, "")
		w.attempt(fence, w.owe(fence, "ev-2", "ghl-2", "crm")[0], noon.Add(5*time.Second), "")
		show := func() (got endpointShown) {
			w.call(w.acme, "GET", "/api/v1/endpoints/crm", nil).into(&got)
			return got
		}
		failing := show()
		require.Equal(t, "failing", failing.State)
		require.Equal(t, "2026-11-25T12:00:01.040Z", failing.Status.FailingSince)
		require.Equal(t, "2026-11-25T12:00:01.040Z", failing.Status.SucceededAt)
		require.Equal(t, 1, failing.Status.Pending)
		require.Equal(t, "2026-11-25T12:00:00.000Z", failing.Status.Oldest)
		require.Equal(t, "2026-11-25T12:00:05.000Z", failing.Status.NextAt)

		w.attempt(fence, w.owe(fence, "ev-3", "ghl-3", "crm")[0], noon.Add(5*time.Second), "it answered 410 Gone")
		disabled := show()
		require.Equal(t, "disabled", disabled.State)
		require.Equal(t, "it answered 410 Gone", disabled.Status.Reason)
		require.Equal(t, 2, disabled.Status.Pending, "the queue is kept")

		var enabled endpointShown
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/enable", nil).into(&enabled)
		require.Equal(t, "ok", enabled.State)
		require.Equal(t, "endpoint.enable", w.audit()[0].Action)
		require.Equal(t, "it answered 410 Gone", w.audit()[0].Detail)
		written := len(w.audit())
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/enable", nil).into(&enabled)
		require.Len(t, w.audit(), written)
	})
}

// While a secret is replaced two sign; the old one ends by itself, a third takes its place at once, and one that got out
// ends now.
func TestEndpoints_Rotate(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
		rotate := func(body string) (id, secret, public string) {
			t.Helper()
			var got struct{ ID, Secret, Public string }
			w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", body).into(&got)
			w.after(time.Second)
			require.Contains(t, w.opened(key)[0], got.Secret)
			return got.ID, got.Secret, got.Public
		}
		listed := func() (all []string) {
			t.Helper()
			answer := w.call(w.acme, "GET", "/api/v1/endpoints/crm", nil)
			require.NotContains(t, string(answer.body), "whsec_")
			require.NotContains(t, string(answer.body), "sealed")
			var got endpointShown
			answer.into(&got)
			for _, s := range got.Status.Secrets {
				all = append(all, s.ID+" "+s.EndsAt)
			}
			return all
		}
		one, _, _ := rotate(`{"kind":"hmac"}`)
		require.Equal(t, []string{one + " "}, listed())
		two, secret, public := rotate(`{"kind":"ed25519","keep_old":"1h"}`)
		require.Equal(t, []string{two + " ", one + " 2026-11-25T13:00:03.000Z"}, listed())
		pair, err := signature.ParseWebhookKey(secret)
		require.NoError(t, err)
		require.Equal(t, pair.Public(), public)
		three, _, _ := rotate(`{"kind":"hmac"}`)
		require.Equal(t, []string{three + " ", two + " 2026-11-26T12:00:04.000Z"}, listed())
		w.after(24 * time.Hour)
		require.Equal(t, []string{three + " "}, listed())
		four, _, _ := rotate(`{"kind":"hmac","keep_old":"0s"}`)
		require.Equal(t, []string{four + " "}, listed())
		require.Len(t, w.opened(key), 1)
		require.Len(t, w.outgoing.told, 4)
		require.Equal(t, "endpoint.secret", w.audit()[0].Action)
		require.Equal(t, "hmac "+four+", the old ones for 0s", w.audit()[0].Detail)
	})
}

// A credential is taken and never told; there is one at a time, beside the secrets that sign.
func TestEndpoints_Credentials(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		key := domain.EndpointKey{Account: "acme", Endpoint: "crm"}
		w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"hmac"}`).into(new(struct{}))
		signs := w.opened(key)[0]
		w.after(time.Second)
		told := w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"bearer","value":"s3cr3t"}`)
		require.Equal(t, 201, told.status)
		require.NotContains(t, string(told.body), "s3cr3t")
		require.ElementsMatch(t, []string{signs, "bearer s3cr3t"}, w.opened(key))
		w.after(time.Second)
		told = w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"basic","user":"ada","password":"pass word"}`)
		require.Equal(t, 201, told.status)
		require.ElementsMatch(t, []string{signs, "basic YWRhOnBhc3Mgd29yZA=="}, w.opened(key))
		require.Equal(t, 204, w.call(w.acme, "POST", "/api/v1/endpoints/crm/secrets", `{"kind":"bearer","value":""}`).status)
		require.Equal(t, []string{signs}, w.opened(key))
		for _, e := range w.audit() {
			require.NotContains(t, e.Detail, "s3cr3t")
		}
	})
}

// Without a node the store is changed all the same, and what needs a node or the master key says so.
func TestEndpoints_Offline(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.offline("POST", "/api/v1/endpoints/crm/test?account=acme", "").refused(503, "", "needs a running node")
		w.offline("POST", "/api/v1/endpoints/crm/secrets?account=acme", `{"kind":"hmac"}`).refused(503, "", "needs a master key")
		made := w.offline("PUT", "/api/v1/endpoints/hooks?account=acme", `{"url":"https://acme.example/in"}`)
		require.Equal(t, 201, made.status, string(made.body))
		var shown endpointShown
		made.into(&shown)
		require.Equal(t, "no_secret", shown.State)
		require.Empty(t, shown.Secret)

		fence := w.fence()
		d := w.owe(fence, "ev-1", "ghl-1", "crm")[0]
		w.attempt(fence, d, noon.Add(time.Minute), "it answered 410 Gone")
		require.Equal(t, 200, w.offline("POST", "/api/v1/endpoints/crm/enable?account=acme", "").status)
		require.Equal(t, 200, w.offline("POST", "/api/v1/deliveries/1/retry?account=acme", "").status)
		require.Equal(t, 200, w.offline("POST", "/api/v1/deliveries/1/cancel?account=acme", "").status)
		require.Equal(t, 201, w.offline("POST", "/api/v1/deliveries/1/replay?account=acme", "").status)
		require.Equal(t, "command line", w.audit()[0].Actor)
	})
}

// An endpoint that was made, and whose secret could not be, says what to do next: putting it again would change nothing.
func TestEndpoints_MadeWithoutASecret(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.withoutNode(worn{}, "PUT", "/api/v1/endpoints/hooks?account=acme", `{"url":"https://acme.example/in"}`).refused(503, "", "ask for one at its secrets")
		var got endpointShown
		w.call(w.acme, "GET", "/api/v1/endpoints/hooks", nil).into(&got)
		require.Equal(t, "no_secret", got.State)
		require.Equal(t, 201, w.call(w.acme, "POST", "/api/v1/endpoints/hooks/secrets", `{"kind":"hmac"}`).status)
	})
}
