package httpedge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge"
)

// What one webhook costs from socket to socket, its commit aside: the client's part, one connection and a
// real signature included. Signing is done before.
func BenchmarkIngest(b *testing.B) {
	e := start(b)
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const many = 512
	requests := make([]string, many)
	for i := range requests {
		requests[i] = e.request(contact(fmt.Sprint("c", i)))
	}
	answer := make([]byte, 4<<10)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := io.WriteString(conn, requests[i%many]); err != nil {
			b.Fatal(err)
		}
		if n, err := conn.Read(answer); err != nil || string(answer[:12]) != "HTTP/1.1 200" {
			b.Fatalf("answered %q, %v", answer[:n], err)
		}
	}
}

// What one page view costs from socket to socket, its commit aside, one connection and the client's part
// included.
func BenchmarkHits(b *testing.B) {
	e := start(b, func(_ *httpedge.Config, d *httpedge.Deps) { d.Clock, d.Visitors = nil, kept{} })
	c := e.dir.get().Catalog
	c.Accounts[0].Pixels[0].Rate, c.Accounts[0].Pixels[0].RatePerAddress = 1e9, 1e9
	e.dir.set(c)
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := "[" + pageView("5f0e2c6e-93d4-4f0a-9d6c-0a4f3c2b1a00", "/shoes?utm_source=google&utm_medium=cpc&gclid=EAIaIQobChMI8fXm2b6") + "]"
	request := fmt.Sprintf("POST /p?px=shop&v=%s&t=%d HTTP/1.1\r\nHost: x\r\nOrigin: %s\r\nUser-Agent: %s\r\nCookie: leadwire_v=%s\r\n"+
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", known, noon.UnixMilli(), shop, firefox, known, len(body), body)
	answer := make([]byte, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(conn, request); err != nil {
			b.Fatal(err)
		}
		if n, err := conn.Read(answer); err != nil || string(answer[:12]) != "HTTP/1.1 204" {
			b.Fatalf("answered %q, %v", answer[:n], err)
		}
	}
}

// kept is visitors who keep everything at once.
type kept struct{}

func (kept) Hits(_ context.Context, hits []domain.Hit) ([]domain.Received, error) {
	return make([]domain.Received, len(hits)), nil
}
