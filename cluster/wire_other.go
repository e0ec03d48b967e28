//go:build !linux

package cluster

import (
	"syscall"
	"time"
)

// giveUpAfter is what other systems do by themselves, later.
func giveUpAfter(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
