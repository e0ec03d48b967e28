package httpedge_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tap passes connections on to an address, and keeps what clients sent.
type tap struct {
	addr string
	mu   sync.Mutex
	sent bytes.Buffer
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	tp := &tap{addr: ln.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			open.Go(func() { tp.pass(from, to) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		open.Wait()
	})
	return tp
}

func (tp *tap) pass(from net.Conn, to string) {
	defer func() { _ = from.Close() }()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(from, server)
		_ = from.Close()
	})
	_, _ = io.Copy(server, io.TeeReader(from, tp))
	_ = server.Close()
	back.Wait()
}

func (tp *tap) Write(b []byte) (int, error) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.sent.Write(b)
}

func (tp *tap) text() string {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.sent.String()
}
