//go:build !linux

package bench

import (
	"errors"
	"net/netip"
	"time"
)

// The harness shares its machine with the server it measures, so it has one way to be cheap and no
// second one that is not.
var errPlatform = errors.New("load is generated on Linux only: it needs epoll")

type poller struct{}

type ready struct {
	slot           int
	generation     int32
	readable, free bool
	ended          bool
}

func newPoller() (*poller, error)                     { return nil, errPlatform }
func (*poller) close()                                {}
func (*poller) add(int, int, int32) error             { return errPlatform }
func (*poller) wait(time.Duration, func(ready)) error { return errPlatform }
func sharpTimers()                                    {}
func dial(netip.AddrPort) (int, error)                { return -1, errPlatform }
func connected(int) error                             { return errPlatform }
func again(error) bool                                { return false }
func sysRead(int, []byte) (int, error)                { return 0, errPlatform }
func sysWrite(int, []byte) (int, error)               { return 0, errPlatform }
func sysClose(int)                                    {}
