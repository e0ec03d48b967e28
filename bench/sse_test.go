package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// blocks feeds the pieces to a reader and lists what came out as "type|id|data".
func blocks(t testing.TB, pieces ...string) []string {
	t.Helper()
	var s sseReader
	var out []string
	for _, p := range pieces {
		require.NoError(t, s.feed([]byte(p), func(m message) {
			out = append(out, fmt.Sprintf("%s|%s|%s", m.Type, m.ID, m.Data))
		}))
	}
	return out
}

func TestSSEReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story string
		in    []string
		want  []string
	}{
		{"an event of the product", []string{"id: e-1\nevent: lead.assigned\ndata: {}\n\n"}, []string{"lead.assigned|e-1|{}"}},
		{"a block that only sets the id tells where the stream stands", []string{"id: e-42\n\n"}, []string{"|e-42|"}},
		{"the id stays for later events", []string{"id: e-1\n\ndata: a\n\n"}, []string{"|e-1|", "|e-1|a"}},
		{"an event that is not finished is never delivered, nor its id", []string{"id: e-1\ndata: a\n\nid: e-2\ndata: b\n"}, []string{"|e-1|a"}},
		{"comments and unknown fields mean nothing", []string{": hello\nfoo: bar\n\n"}, nil},
		{"CRLF ends a line", []string{"data: a\r\n\r\n"}, []string{"||a"}},
		{"CR ends a line", []string{"data: a\r\r"}, []string{"||a"}},
		{"CRLF split between two reads is still one end", []string{"data: a\r", "\ndata: b\r", "\n\r", "\n"}, []string{"||a\nb"}},
		{"data lines are joined", []string{"data: a\ndata:  b\ndata\n\n"}, []string{"||a\n b\n"}},
		{"an empty data line is data", []string{"data\n\n"}, []string{"||"}},
		{"an id with NUL is ignored", []string{"id: a\x00b\ndata: x\n\n"}, []string{"||x"}},
		{"bytes may come one by one", strings.Split("id: e-7\nevent: x\ndata: y\n\n", ""), []string{"x|e-7|y"}},
	} {
		require.Equal(t, c.want, blocks(t, c.in...), c.story)
	}
}

func TestSSEReader_Retry(t *testing.T) {
	t.Parallel()
	var s sseReader
	require.NoError(t, s.feed([]byte("retry: 1300\n"), func(message) {}))
	require.Equal(t, 1300*time.Millisecond, s.Retry, "it holds at once, without a blank line")
	require.NoError(t, s.feed([]byte("retry: 1s\nretry: -1\nretry:\n"), func(message) {}))
	require.Equal(t, 1300*time.Millisecond, s.Retry, "anything but digits is ignored")
}

func TestSSEReader_Bounded(t *testing.T) {
	t.Parallel()
	var s sseReader
	err := s.feed([]byte("data: "+strings.Repeat("x", maxEvent)), func(message) {})
	require.ErrorIs(t, err, errEvent, "an endless line is not kept")
}

// However the bytes are cut, the same blocks come out.
func FuzzSSEReader(f *testing.F) {
	f.Add("id: e-1\nevent: lead.assigned\ndata: {}\n\n", uint8(3))
	f.Add("data: a\r\n\r\nretry: 5\rdata\n\n", uint8(1))
	f.Add("id: \x00\n: c\n\ndata:  x\r\r\n", uint8(2))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		var pieces []string
		for part := range slices.Chunk([]byte(text), int(size)+1) {
			pieces = append(pieces, string(part))
		}
		require.Equal(t, blocks(t, text), blocks(t, pieces...))
	})
}
