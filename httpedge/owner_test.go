package httpedge_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/token"
)

// owners is a cluster in which anna lives on another node, and bert on one that no browser reaches.
type owners struct{}

func (owners) Owner(b domain.BuyerKey) domain.Owner {
	if b == anna {
		return domain.Owner{Node: "10.0.0.2:7100", URL: "https://node-2.example.com/two"}
	}
	return domain.Owner{Node: "10.0.0.1:7100", Local: true}
}

func (owners) URLs() []string {
	return []string{"https://node-2.example.com/two", "HTTP://Node-3.example.com:80"}
}

func several(c *httpedge.Config, d *httpedge.Deps) {
	d.Owners, c.PublicURL = owners{}, "https://leads.example.com"
}

// A page is told where its buyer lives, and gets a ticket that opens the stream there and nothing else.
func TestStreamPlace(t *testing.T) {
	t.Parallel()
	e := start(t, several)
	e.store.assign(anna, "ghl-1")
	ask := func(as domain.BuyerKey) (where struct {
		Owner   string
		Local   bool
		URL     string
		Seconds int `json:"ticket_seconds"`
	}) {
		got := e.get(t, "/api/buyer/stream", as)
		require.Equal(t, 200, got.status, got.body)
		require.Equal(t, "no-store", got.header.Get("Cache-Control"))
		require.NoError(t, json.Unmarshal([]byte(got.body), &where))
		require.Equal(t, where.Owner, got.header.Get("Leadwire-Owner"))
		return where
	}
	berts := ask(bert)
	require.Equal(t, "10.0.0.1:7100", berts.Owner)
	require.True(t, berts.Local)
	require.Empty(t, berts.URL)
	where := ask(anna)
	require.Equal(t, "10.0.0.2:7100", where.Owner)
	require.False(t, where.Local)
	require.Equal(t, 60, where.Seconds)
	ticket, ok := strings.CutPrefix(where.URL, "https://node-2.example.com/two/api/buyer/events?ticket=")
	require.True(t, ok, where.URL)
	plain, err := url.QueryUnescape(ticket)
	require.NoError(t, err)

	berts2 := []string{"Cookie", "leadwire_buyer=" + mint(bert)}
	require.Equal(t, "stream of acme/anna", e.get(t, "/api/buyer/events?ticket="+ticket, nobody).body)
	require.Equal(t, "stream of acme/anna", e.get(t, "/api/buyer/events?ticket="+ticket, nobody, berts2...).body, "a cookie of this host may be somebody else's")
	require.Equal(t, "stream of acme/bert", e.get(t, "/api/buyer/events?ticket="+ticket, bert).body, "a header is what the client wants")
	for _, path := range []string{"/api/buyer/leads?ticket=", "/api/buyer/leads/ghl-1?ticket=", "/api/buyer/stream?ticket=", "/?token="} {
		require.Equal(t, 401, e.get(t, path+ticket, nobody).status, "%s opens nothing but the stream", path)
	}
	require.Equal(t, 401, e.get(t, "/api/buyer/leads", nobody, "Authorization", "Bearer "+plain).status)
	require.Equal(t, 401, e.get(t, "/api/buyer/events?ticket="+url.QueryEscape(mint(anna)), nobody).status, "a token does not belong into a URL")

	e.clock.add(token.TicketFor)
	require.Equal(t, 401, e.get(t, "/api/buyer/events?ticket="+ticket, nobody).status, "for a minute")
	fresh := ask(anna).URL
	e.clock.add(time.Second)
	e.dir.set(domain.Catalog{Accounts: []domain.Account{{ID: "acme", Buyers: []domain.Buyer{{ID: "anna"}}}}})
	require.Equal(t, 401, e.get(t, strings.TrimPrefix(fresh, "https://node-2.example.com/two"), nobody).status, "revoked with its token")
	require.Equal(t, 401, e.get(t, "/api/buyer/stream", nobody).status)
}

// Answers name the owner, for balancers. One node alone has no name.
func TestOwner_IsNamed(t *testing.T) {
	t.Parallel()
	e := start(t, several)
	e.store.assign(anna, "ghl-1")
	for _, path := range []string{"/api/buyer/leads", "/api/buyer/leads/ghl-1", "/api/buyer/events", "/api/buyer/stream"} {
		require.Equal(t, "10.0.0.2:7100", e.get(t, path, anna).header.Get("Leadwire-Owner"), path)
		require.Empty(t, e.get(t, path, nobody).header.Get("Leadwire-Owner"), "whoever has no token learns nothing of us")
	}
	require.Empty(t, start(t).get(t, "/api/buyer/leads", anna).header.Get("Leadwire-Owner"))
}

// Pages of our own nodes may read what another node answers; pages of anybody else may not, and no cookie goes along.
func TestOwner_PagesOfOurNodes(t *testing.T) {
	t.Parallel()
	e := start(t, several)
	for origin, ours := range map[string]bool{
		"https://leads.example.com": true, "https://node-2.example.com": true, "http://node-3.example.com": true,
		"https://node-3.example.com": false, "https://node-2.example.com.evil.example": false, "https://evil.example": false, "null": false,
		"http://leads.example.com": false, "https://node-2.example.com/two": false, "": false,
	} {
		for _, path := range []string{"/api/buyer/events", "/api/buyer/leads", "/api/buyer/stream"} {
			got := e.get(t, path, anna, "Origin", origin)
			before := e.send(t, "OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
			require.Equal(t, 204, before.status)
			for _, a := range []answer{got, before} {
				require.Contains(t, a.header.Values("Vary"), "Origin")
				require.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
				if !ours {
					require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), "%q", origin)
					continue
				}
				require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))
			}
			require.Equal(t, ours, strings.Contains(before.header.Get("Access-Control-Allow-Headers"), "Authorization"))
		}
	}
}
