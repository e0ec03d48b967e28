//go:build unix

package graph_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// processorTime is what the process has had of the processors.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// faults is how often a page had to be mapped or fetched.
func faults() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return int64(u.Minflt + u.Majflt)
}
