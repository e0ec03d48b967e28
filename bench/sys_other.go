//go:build !linux

package bench

import (
	"syscall"
	"time"
)

func ownGroup() *syscall.SysProcAttr { return nil }
func ownCPU() (time.Duration, error) { return 0, errPlatform }
func fileLimit() (uint64, error)     { return 0, errPlatform }
