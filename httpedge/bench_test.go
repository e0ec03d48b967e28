package httpedge_test

import (
	"fmt"
	"io"
	"net"
	"testing"
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
