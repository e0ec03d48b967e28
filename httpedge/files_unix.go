//go:build unix

package httpedge

import (
	"math"

	"golang.org/x/sys/unix"
)

// fileLimit is how many descriptors this process may open. Go raises the soft limit to the hard one
// at start.
func fileLimit() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil || uint64(l.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(l.Cur)
}
