package sse

import (
	"encoding/json"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

var testEncoder = encoder{epoch: "5f3a01cc", maxContact: 32 << 10} //nolint:gochecknoglobals // a value

// read takes chunks apart and reads what is in them as a browser does.
func read(t testing.TB, chunks []byte) ssetest.Parser {
	t.Helper()
	var p ssetest.Parser
	body := httputil.NewChunkedReader(strings.NewReader(string(chunks) + lastChunk + "\r\n"))
	buffer := make([]byte, 7) // pieces that break lines
	for {
		n, err := body.Read(buffer)
		_, _ = p.Write(buffer[:n])
		if err != nil {
			require.EqualError(t, err, "EOF")
			return p
		}
	}
}

// An event is written as the package's comment shows it.
func TestEncoder_Event(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 89_012_345, time.FixedZone("CET", 3600))
	p := read(t, testEncoder.batch(&domain.FeedBatch{
		PublishedAt: at.Add(3 * time.Millisecond),
		Events: []domain.FeedEvent{{
			Seq: 42, Type: domain.LeadAssigned, Lead: "ghl-x", Campaign: "solar", Source: "ghl",
			Contact:    json.RawMessage("{\r\n\"first_name\": \"Gr\\u00e4ce\",\n\"tags\":[\"a\",\"b\"]}"),
			ReceivedAt: at, DecidedAt: at.Add(time.Millisecond), CommittedAt: at.Add(2 * time.Millisecond),
		}, {
			Seq: 43, Type: domain.LeadUpdated, Lead: "ghl-x", ReceivedAt: at, DecidedAt: at, Contact: json.RawMessage(`{}`),
		}},
	}))
	require.Equal(t, "5f3a01cc-43", p.LastID)
	require.Len(t, p.Events, 2)
	require.Equal(t, ssetest.Event{ID: "5f3a01cc-42", Type: "lead.assigned", Data: `{"seq":42,"lead":"ghl-x",` +
		`"type":"lead.assigned","campaign":"solar","source":"ghl","contact":{"first_name":"Gr\u00e4ce","tags":["a","b"]},` +
		`"received_at":"2026-03-04T04:06:07.089012Z","decided_at":"2026-03-04T04:06:07.090012Z",` +
		`"committed_at":"2026-03-04T04:06:07.091012Z","published_at":"2026-03-04T04:06:07.092012Z","replay":false}`}, p.Events[0])
	require.Equal(t, "lead.updated", p.Events[1].Type)
	require.NotContains(t, p.Events[1].Data, "committed_at", "an event read back does not know it")
}

// A row that cannot stand in an event is fetched instead.
func TestEncoder_Refetch(t *testing.T) {
	t.Parallel()
	for name, contact := range map[string]string{
		"one too big":      `{"name":"` + strings.Repeat("x", 33<<10) + `"}`,
		"one that is none": `{"name":`,
		"nothing":          ``,
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, testEncoder.batch(&domain.FeedBatch{Events: []domain.FeedEvent{{Seq: 1, Type: domain.LeadAssigned, Contact: json.RawMessage(contact)}}}))
			require.Len(t, p.Events, 1)
			require.Contains(t, p.Events[0].Data, `"refetch":true`)
			require.NotContains(t, p.Events[0].Data, `"contact"`)
			require.True(t, json.Valid([]byte(p.Events[0].Data)))
		})
	}
}

// Whatever stands in an event, a browser reads exactly that event, or one that says to refetch: no value
// begins a field or an event of its own.
func FuzzEncoder_OneEventIn_OneEventOut(f *testing.F) {
	f.Add(int64(1), "lead.assigned", "ghl-1", "solar", `{"name":"Ada"}`)
	f.Add(int64(7), "lead\nid: 9", "x\r\n\r\nevent: evil", "\x00\xff\"\\", "{\"a\":\r\n1}\n\ndata: {}")
	f.Add(int64(-1), "", "", "\u2028é€", "[1,\n2]")
	f.Fuzz(func(t *testing.T, seq int64, kind, lead, campaign, contact string) {
		event := domain.FeedEvent{
			Seq: domain.Seq(seq), Type: domain.FeedType(kind), Lead: domain.LeadID(lead),
			Campaign: domain.CampaignID(campaign), Contact: json.RawMessage(contact),
		}
		p := read(t, testEncoder.batch(&domain.FeedBatch{Events: []domain.FeedEvent{event, {Seq: 5, Type: "after", Contact: json.RawMessage(`{}`)}}}))
		require.Len(t, p.Events, 2)
		require.Equal(t, 2, p.Blocks)
		require.Equal(t, testEncoder.id(event.Seq), p.Events[0].ID)
		require.Equal(t, "after", p.Events[1].Type)

		want := valid(strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(kind))
		if want == "" {
			want = "message"
		}
		require.Equal(t, want, p.Events[0].Type)

		var got struct {
			Seq                  int64
			Lead, Campaign, Type string
			Contact              json.RawMessage
			Refetch              bool
		}
		require.NoError(t, json.Unmarshal([]byte(p.Events[0].Data), &got))
		require.Equal(t, seq, got.Seq)
		require.Equal(t, valid(lead), got.Lead)
		require.Equal(t, valid(campaign), got.Campaign)
		if got.Refetch {
			require.True(t, !json.Valid([]byte(contact)) || len(contact) > testEncoder.maxContact)
			return
		}
		require.JSONEq(t, contact, string(got.Contact))
	})
}

// valid puts U+FFFD in the place of every byte that is not text, as every reader does.
func valid(s string) string { return string([]rune(s)) }

// A place is read back as it was written, and nothing else is a place.
func FuzzParsePlace(f *testing.F) {
	for _, id := range []string{"5f3a01cc-0", "5f3a01cc-42", "5f3a01cc--1", "5f3a01cc-+1", "x-1", "", "5f3a01cc-01"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		switch p := parsePlace(id, "5f3a01cc"); {
		case p.known:
			require.False(t, p.lost)
			require.GreaterOrEqual(t, p.seq, domain.Seq(0))
			require.Equal(t, p, parsePlace(testEncoder.id(p.seq), "5f3a01cc"))
		default:
			require.Equal(t, id != "", p.lost)
		}
	})
}

func BenchmarkEncoder_Event(b *testing.B) {
	batch := &domain.FeedBatch{PublishedAt: time.Now(), Events: []domain.FeedEvent{{
		Seq: 42, Type: domain.LeadAssigned, Lead: "ghl-nRyX2mUHa0zPVWkY", Campaign: "solar", Source: "ghl",
		Contact:    domain.Contact{FirstName: "Grace", LastName: "Hopper", Email: "grace@example.com", Phone: "+12025550123", City: "Arlington"}.JSON(),
		ReceivedAt: time.Now(), DecidedAt: time.Now(), CommittedAt: time.Now(),
	}}}
	b.ReportAllocs()
	for b.Loop() {
		testEncoder.batch(batch)
	}
}
