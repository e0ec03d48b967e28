package sse_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// BenchmarkPush is one event to a hundred streams of a buyer, encoded once: what the feed's owner spends
// until all sockets have it. Pages in this process read it meanwhile.
func BenchmarkPush(b *testing.B) {
	for name, portable := range map[string]bool{"epoll": false, "goroutines": true} {
		b.Run(name, func(b *testing.B) {
			feeds := ssetest.NewFeeds()
			_, addr := serve(b, sse.Config{Portable: portable, PerBuyer: 100}, feeds, nil)
			for range 100 {
				page, err := net.Dial("tcp", addr.String())
				require.NoError(b, err)
				b.Cleanup(func() { _ = page.Close() })
				_, err = page.Write([]byte("GET /acme/ada HTTP/1.1\r\nHost: x\r\n\r\n"))
				require.NoError(b, err)
				go func() { _, _ = io.Copy(io.Discard, page) }()
			}
			require.True(b, feeds.WaitWatching(ada, 100))
			b.ReportAllocs()
			for b.Loop() {
				feeds.Publish(ada, lead(1))
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/stream")
		})
	}
}
