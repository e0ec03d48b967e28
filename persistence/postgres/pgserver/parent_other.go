//go:build !linux

package pgserver

import "syscall"

// dieWithParent needs Linux; elsewhere a killed test binary leaves its server running.
func dieWithParent(*syscall.SysProcAttr) {}
