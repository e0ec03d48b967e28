//go:build unix

package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/leadwire/leadwire/actors/domain"
)

// envelope is as long as an ordinary one.
var envelope = make([]byte, 1500)

// BenchmarkClient compares clients that post to the same server over TLS: ours in either version of HTTP, and
// fasthttp's, with everything that its receipt would need left out. The server's share is the same for all.
// docs/outbound.md has the figures, and what follows from them.
func BenchmarkClient(b *testing.B) {
	for _, at := range []struct {
		name  string
		width int // attempts at once, per processor
	}{{"one", 0}, {"wide", 16}} {
		b.Run("outbound-http1/"+at.name, func(b *testing.B) { benchSender(b, false, Config{}, at.width) })
		b.Run("outbound-http2/"+at.name, func(b *testing.B) { benchSender(b, true, Config{}, at.width) })
		b.Run("fasthttp/"+at.name, func(b *testing.B) { benchFast(b, at.width) })
	}
	// Bursts of 32 to one host: with as many idle connections allowed as there were busy ones, and with half of them.
	b.Run("outbound-http1/bursts", func(b *testing.B) { benchBursts(b, Config{}) })
	b.Run("outbound-http1/bursts-few-idle", func(b *testing.B) { benchBursts(b, Config{IdlePerHost: 16}) })
	// What a connection saves that is used again.
	b.Run("outbound-http1/fresh", func(b *testing.B) {
		w, _ := receiver(b, false, Config{}, func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Connection", "close")
			accept(out, r)
		})
		d := benchDispatch()
		spread(b, 0, func() bool { return w.Send(context.Background(), d).Error == "" })
	})
}

func benchSender(b *testing.B, http2 bool, config Config, width int) {
	b.Helper()
	w, _ := receiver(b, http2, config, accept)
	d := benchDispatch()
	spread(b, width, func() bool { return w.Send(context.Background(), d).Error == "" })
	b.ReportMetric(float64(len(w.dialled))/float64(b.N), "dials/op")
}

func benchBursts(b *testing.B, config Config) {
	b.Helper()
	w, _ := receiver(b, false, config, accept)
	d := benchDispatch()
	const burst = 32
	var sending sync.WaitGroup
	var failed atomic.Bool
	spread(b, 0, func() bool {
		for range burst {
			sending.Go(func() {
				if w.Send(context.Background(), d).Error != "" {
					failed.Store(true)
				}
			})
		}
		sending.Wait()
		return !failed.Load()
	})
	b.ReportMetric(float64(len(w.dialled))/float64(b.N*burst), "dials/attempt")
}

func benchFast(b *testing.B, width int) {
	b.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(accept))
	b.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := &fasthttp.Client{
		TLSConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxConnsPerHost: 512, MaxResponseBodySize: maxDrained,
		Dial: func(string) (net.Conn, error) { return net.Dial("tcp", server.Listener.Addr().String()) },
	}
	d := benchDispatch()
	spread(b, width, func() bool {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(req)
		defer fasthttp.ReleaseResponse(resp)
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI(d.URL)
		for name, values := range d.Header {
			req.Header.Set(name, values[0])
		}
		req.SetBody(d.Body)
		return client.DoTimeout(req, resp, d.Timeout) == nil && resp.StatusCode() == http.StatusOK
	})
}

func accept(out http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(out, `{"ok":true}`)
}

func benchDispatch() domain.Dispatch {
	return domain.Dispatch{URL: "https://example.com/leads", Timeout: 15 * time.Second, Body: envelope, Header: domain.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {"0198c1c2-7b1e-8f00-9a53-0242ac120002"}, "Webhook-Timestamp": {"1674087231"},
		"Webhook-Signature": {"v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
	}}
}

func spread(b *testing.B, width int, send func() bool) {
	b.Helper()
	b.ReportAllocs()
	var failed atomic.Int64
	before := spent(b)
	if width == 0 {
		for b.Loop() {
			if !send() {
				failed.Add(1)
			}
		}
	} else {
		b.SetParallelism(width)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if !send() {
					failed.Add(1)
				}
			}
		})
	}
	if n := failed.Load(); n > 0 {
		b.Fatalf("%d of %d attempts have failed", n, b.N)
	}
	b.ReportMetric(float64((spent(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// spent is the processor time of this process, the server's share included. It says the same on a machine that is
// busy with other things; the clock does not.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// BenchmarkParse is what it costs to judge a URL, which every attempt does anew.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, refused := parse("https://hooks.example.com/services/leads?token=abc", false); refused != nil {
			b.Fatal(refused)
		}
	}
}
