package bench

import (
	"bytes"
	"io"
	"net/http/httputil"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseHead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story, in string
		want      head
		ok        bool
		err       error
	}{
		{"an ordinary answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", head{Status: 200, Length: 2, Size: 38}, true, nil},
		{"an answer that is not whole yet", "HTTP/1.1 200 OK\r\nContent-Le", head{}, false, nil},
		{"a stream", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", head{Status: 200, Length: -1, Chunked: true, Size: 47}, true, nil},
		{"the last answer of a connection", "HTTP/1.1 429 X\r\nConnection: close\r\nContent-Length:0\r\n\r\n", head{Status: 429, Close: true, Size: 55}, true, nil},
		{"not HTTP", "SSH-2.0-OpenSSH_9.6\r\n\r\n", head{}, false, errHead},
		{"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", head{}, false, errHead},
		{"a field without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", head{}, false, errHead},
		{"a head without an end", "HTTP/1.1 200 OK\r\nX: " + string(bytes.Repeat([]byte("x"), maxHead)), head{}, false, errHead},
	} {
		h, ok, err := parseHead([]byte(c.in))
		require.ErrorIs(t, err, c.err, c.story)
		require.Equal(t, c.ok, ok, c.story)
		require.Equal(t, c.want, h, c.story)
	}
}

func dechunk(in []byte, size int) (body []byte, done bool, err error) {
	var d dechunker
	for part := range slices.Chunk(in, size) {
		if err := d.feed(part, func(b []byte) error { body = append(body, b...); return nil }); err != nil {
			return body, false, err
		}
	}
	return body, d.Done, nil
}

func TestDechunker(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story, in, want string
		done            bool
		err             error
	}{
		{"chunks and an end", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!", true, nil},
		{"an extension is passed over", "5;a=b\r\nhello\r\n", "hello", false, nil},
		{"upper and lower case digits", "A\r\n0123456789\r\nb\r\n0123456789a\r\n", "01234567890123456789a", false, nil},
		{"no digits", "\r\n", "", false, errChunk},
		{"a size beyond reason", "fffffffff\r\n", "", false, errChunk},
		{"data longer than its size", "2\r\nabc\r\n", "ab", false, errChunk},
	} {
		for size := 1; size <= len(c.in); size++ {
			body, done, err := dechunk([]byte(c.in), size)
			require.ErrorIs(t, err, c.err, c.story)
			require.Equal(t, c.done, done, c.story)
			require.Equal(t, c.want, string(body), c.story)
		}
	}
}

// What the standard library's writer frames is read back whole, however it is cut; and what is not
// framed at all is answered, and never grows.
func FuzzDechunker(f *testing.F) {
	f.Add([]byte("data: x\n\n"), uint8(3), uint8(2))
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint8(1), uint8(200))
	f.Fuzz(func(t *testing.T, data []byte, chunk, cut uint8) {
		var framed bytes.Buffer
		w := httputil.NewChunkedWriter(&framed)
		for part := range slices.Chunk(data, int(chunk)+1) {
			_, err := w.Write(part)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		_, _ = io.WriteString(&framed, "\r\n")
		body, done, err := dechunk(framed.Bytes(), int(cut)+1)
		require.NoError(t, err)
		require.True(t, done)
		require.True(t, bytes.Equal(data, body))
		raw, _, _ := dechunk(data, int(cut)+1)
		require.LessOrEqual(t, len(raw), len(data))
	})
}
