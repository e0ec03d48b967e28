package sse_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/sse"
)

// silent is a feed that keeps nothing, so that what is measured is the stream.
type silent struct{ watching, left chan struct{} }

func (f silent) Watch(_ domain.BuyerKey, _ domain.Seq, _ bool, w domain.Watcher) func() {
	w.Begin(0)
	f.watching <- struct{}{}
	return func() { f.left <- struct{}{} }
}

// BenchmarkIdle reports what an idle stream costs in resident memory, a buyer each: as it is once opened,
// and after a garbage collection. The clients are in this process, as bare descriptors.
func BenchmarkIdle(b *testing.B) {
	for _, portable := range []bool{false, true} {
		b.Run(fmt.Sprintf("portable=%v", portable), func(b *testing.B) {
			const streams = 4000
			feeds := silent{make(chan struct{}), make(chan struct{})}
			_, addr := serve(b, sse.Config{Portable: portable}, feeds, nil)
			open := func(n int) (clients []int) {
				for i := range n {
					clients = append(clients, rawOpen(b, addr, "/acme/buyer-"+strconv.Itoa(i)))
					<-feeds.watching
				}
				return clients
			}
			shut := func(clients []int) {
				for _, fd := range clients {
					require.NoError(b, unix.Close(fd))
					<-feeds.left
				}
			}
			shut(open(50))               // what the first connections make once
			var fresh, collected float64 // the worst: later rounds find some memory already there
			for b.Loop() {
				debug.FreeOSMemory()
				before := resident(b)
				clients := open(streams)
				fresh = max(fresh, float64(resident(b)-before)/streams)
				runtime.GC()
				debug.FreeOSMemory()
				collected = max(collected, float64(resident(b)-before)/streams)
				shut(clients)
			}
			b.ReportMetric(fresh, "rss-bytes/stream")
			b.ReportMetric(collected, "rss-bytes/stream-after-gc")
		})
	}
}

// rawOpen asks for a stream through a socket that Go's runtime does not know of, so that the client costs
// this process nothing that would be counted.
func rawOpen(b *testing.B, addr net.Addr, path string) int {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(b, err)
	require.NoError(b, unix.Connect(fd, &unix.SockaddrInet4{Port: addr.(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}))
	_, err = unix.Write(fd, []byte("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.NoError(b, err)
	return fd
}

// resident is this process's memory in bytes.
func resident(b *testing.B) int {
	b.Helper()
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(b, err)
	pages, err := strconv.Atoi(string(bytes.Fields(statm)[1]))
	require.NoError(b, err)
	return pages * os.Getpagesize()
}
