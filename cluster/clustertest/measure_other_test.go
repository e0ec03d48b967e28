//go:build !linux

package clustertest_test

import (
	"testing"
	"time"
)

// spent is not measured here.
func spent(*testing.B) (cpu time.Duration, written int64) { return 0, 0 }

func descriptors(*testing.B) int { return 0 }
