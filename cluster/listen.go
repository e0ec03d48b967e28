package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc/credentials"
)

// startingOne is held while a node opens or closes its port. Opening sets the RPC library's logger,
// which is one variable for the whole process: nodes that share a process, as in tests, take turns.
var startingOne sync.Mutex

// openPort opens the port for actor messages and returns when it is being served. The runtime panics
// when the port cannot be had, and serves from a goroutine it says nothing about: so we knock.
func openPort(ctx context.Context, r *remote.Remote, d *doorman, cfg Config, address func() string) (err error) {
	startingOne.Lock()
	defer startingOne.Unlock()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("open the port for actor messages: %v", reason)
		}
	}()
	r.Start()
	return d.knock(ctx, cfg, address())
}

func hangUp(r *remote.Remote) {
	startingOne.Lock()
	defer startingOne.Unlock()
	r.Shutdown(false)
}

// doorman stands in front of the credentials of the port and recognises our own knock, which it lets
// in without a word: it never becomes a connection of the RPC library.
type doorman struct {
	credentials.TransportCredentials
	state *knocks
}

type knocks struct {
	open   atomic.Bool // no knock is expected any more
	mu     sync.Mutex
	from   string // where ours comes from
	served chan struct{}
}

func newDoorman(c credentials.TransportCredentials) *doorman {
	return &doorman{c, &knocks{served: make(chan struct{})}}
}

// knock connects to our own port and waits until the server has taken the connection.
func (d *doorman) knock(ctx context.Context, cfg Config, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("read our own address: %w", err)
	}
	host := cfg.Host
	if unspecified(host) {
		host = "localhost"
	}
	d.state.mu.Lock() // the server may see the connection before we know our end of it
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		d.state.mu.Unlock()
		return fmt.Errorf("reach our own port: %w", err)
	}
	defer func() { _ = c.Close() }()
	d.state.from = c.LocalAddr().String()
	d.state.mu.Unlock()
	select {
	case <-d.state.served:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("reach our own port: %w", ctx.Err())
	}
}

// ServerHandshake is part of credentials.TransportCredentials.
func (d *doorman) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if !d.state.open.Load() && d.state.ours(c) {
		_ = c.Close()
		return nil, nil, credentials.ErrConnDispatched
	}
	return d.TransportCredentials.ServerHandshake(c)
}

// Clone is part of credentials.TransportCredentials.
func (d *doorman) Clone() credentials.TransportCredentials {
	return &doorman{d.TransportCredentials.Clone(), d.state}
}

func (k *knocks) ours(c net.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.from == "" || c.RemoteAddr().String() != k.from || k.open.Swap(true) {
		return false
	}
	close(k.served)
	return true
}
