package wire_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A hit that crosses to another node arrives as it left, whatever it says.
func TestHit_Crosses(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]domain.Hit{
		"everything": {
			Account: "acme", Pixel: "shop", Visitor: "v-1", Fresh: true, ID: "h-1", Type: domain.Custom, Name: "cart", View: "w",
			Page:     domain.Page{URL: "https://shop.example/a?b", Path: "/a", Title: "A", Referrer: "https://search.example"},
			Duration: 3 * time.Second, UTM: domain.UTM{Source: "s", Medium: "m", Campaign: "c", Term: "t", Content: "x"},
			Clicks: []domain.Click{{Kind: "gclid", Value: "1"}, {Kind: "fbclid", Value: "2"}},
			HEMs:   []domain.HEM{{Variant: "lower", MD5: "m", SHA1: "s", SHA256: "t"}}, Phone: "p", Address: netip.MustParseAddr("2001:db8::1"),
			UserAgent: "u", Country: "US", State: "CA", GPC: true, Body: []byte("{}"), OccurredAt: noon, ReceivedAt: noon.Add(time.Nanosecond),
		},
		"an address of the old kind": {Account: "acme", Visitor: "v-1", Address: netip.MustParseAddr("192.0.2.1")},
		"nothing":                    {},
	} {
		here := &wire.HereHits{Visitor: domain.VisitorKey{Account: h.Account, Visitor: h.Visitor}, Hits: []domain.Hit{h, h}}
		b, err := proto.Marshal(here)
		require.NoError(t, err, name)
		var there wire.Hits
		require.Equal(t, proto.MessageName(&there), proto.MessageName(here), name)
		require.NoError(t, proto.Unmarshal(b, &there), name)
		require.Equal(t, here.Hits, there.Domain(), name)
		kind, id := here.Address()
		thereKind, thereID := there.Address()
		require.Equal(t, []string{kind, id}, []string{thereKind, thereID}, name)
	}
}

// What became of each crosses too.
func TestKeptHits_Crosses(t *testing.T) {
	t.Parallel()
	received := []domain.Received{{Seq: 7}, {Duplicate: true}, {Seq: 9}}
	b, err := proto.Marshal(wire.FromReceived(received))
	require.NoError(t, err)
	var there wire.KeptHits
	require.NoError(t, proto.Unmarshal(b, &there))
	require.Equal(t, received, there.Domain())
}

// A field that is added to a hit has to travel: a row of the table above has to set it.
func TestHit_HasNoFieldThatStaysBehind(t *testing.T) {
	t.Parallel()
	require.Equal(t, 22, reflect.TypeFor[domain.Hit]().NumField(), "add the field to wire.Hit and to TestHit_Crosses")
}

// Sightings cross as they are stored, and one that cannot be read stops none of the others.
func TestSighted_Crosses(t *testing.T) {
	t.Parallel()
	one := domain.Sighting{
		N: 7, Partition: 3, Account: "acme", Lead: "person-ada", Pixel: "shop", Person: "ada", EventID: "h-1", EventSeq: 9, Type: domain.PageView,
		Match: domain.Match{Level: domain.PersonMatch, By: domain.KeySHA256, From: "graph"}, Upgraded: 2, ReceivedAt: noon, MatchedAt: noon, DueAt: noon,
		Visit: domain.Visit{Account: "acme", Visitor: "v-1", Revision: 2, StartedAt: noon, LastAt: noon, Pages: []domain.PageSeen{{View: "w", URL: "u", Path: "/", At: noon}}},
	}
	here := &wire.HereSighted{Lead: one.Key(), Sightings: []domain.Sighting{one, one}}
	b, err := proto.Marshal(here)
	require.NoError(t, err)
	var there wire.Sighted
	require.NoError(t, proto.Unmarshal(b, &there))
	require.Equal(t, here.Sightings, there.Domain())
	kind, id := here.Address()
	thereKind, thereID := there.Address()
	require.Equal(t, []string{kind, id}, []string{thereKind, thereID})
	there.Sightings[0] = []byte("{")
	require.Equal(t, []domain.Sighting{one}, there.Domain())
}
