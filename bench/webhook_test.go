package bench

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func someWebhook(t testing.TB) (*webhook, ed25519.PublicKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	return newWebhook("0badcafe", "127.0.0.1:8080", "/leads/webhook/ghl", "loc", "2026-11-22T09:00:00.000Z", private), public
}

// Every request is a contact of its own, signed over exactly the bytes that are sent.
func TestWebhook_IsGenuineAndUnique(t *testing.T) {
	t.Parallel()
	w, public := someWebhook(t)
	require.NoError(t, w.presign(t.Context(), 3))
	ids := map[string]bool{}
	for _, n := range []int64{0, 1, 2, 3, 9_999_999_999} { // the first three signed ahead, the others on the way
		head, body, found := bytes.Cut(w.build(n), []byte("\r\n\r\n"))
		require.True(t, found)
		_, encoded, _ := strings.Cut(string(head), "X-GHL-Signature: ")
		sig, err := base64.StdEncoding.DecodeString(encoded)
		require.NoError(t, err)
		require.True(t, ed25519.Verify(public, body, sig), "request %d", n)
		require.Contains(t, string(head), "Content-Length: ")
		require.InDelta(t, 850, len(body), 200, "the size of a real contact")
		var contact struct{ ID, WebhookID, Email string }
		require.NoError(t, json.Unmarshal(body, &contact))
		for _, id := range []string{contact.ID, contact.WebhookID, contact.Email} {
			require.False(t, ids[id], "%s is unique", id)
			ids[id] = true
		}
		again, ours := number([]byte(`{"lead":"ghl-`+contact.ID+`"}`), []byte(w.contactPrefix()))
		require.True(t, ours)
		require.Equal(t, n, again, "a stream's event leads back to its request")
	}
}

func TestNumber_OfOthers(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `{"lead":"ghl-x"}`, `lw0badcafe123`, `lw0badcafe12345678x0`, `lw0badcafe-123456789`} {
		_, ours := number([]byte(data), []byte("lw0badcafe"))
		require.False(t, ours, data)
	}
}

func BenchmarkWebhook_Presigned(b *testing.B) {
	w, _ := someWebhook(b)
	require.NoError(b, w.presign(b.Context(), 1000))
	for n := range int64(b.N) {
		w.build(n % 1000)
	}
}

func BenchmarkWebhook_SignedLive(b *testing.B) {
	w, _ := someWebhook(b)
	for n := range int64(b.N) {
		w.build(n)
	}
}

func BenchmarkEvent(b *testing.B) {
	data := []byte(`{"seq":12,"lead":"ghl-lw0badcafe0000000012","type":"lead.assigned","campaign":"bench","source":"ghl","contact":{"first_name":"Deboorah"},` +
		`"received_at":"2026-11-22T09:00:00.000001Z","decided_at":"2026-11-22T09:00:00.000301Z","committed_at":"2026-11-22T09:00:00.000901Z","published_at":"2026-11-22T09:00:00.000981Z","replay":false}`)
	prefix := []byte("lw0badcafe")
	for b.Loop() {
		number(data, prefix)
		readMarks(data)
	}
}
