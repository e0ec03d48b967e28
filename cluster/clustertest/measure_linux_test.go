package clustertest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// spent is the processor time of this process so far, and the bytes that it has given to write(2): what TCP
// carries, and no UDP.
func spent(b *testing.B) (cpu time.Duration, written int64) {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	text, err := os.ReadFile("/proc/self/io")
	require.NoError(b, err)
	_, rest, _ := strings.Cut(string(text), "wchar: ")
	_, err = fmt.Sscan(rest, &written)
	require.NoError(b, err)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), written
}

// descriptors is how many files and sockets this process has open.
func descriptors(b *testing.B) int {
	b.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(b, err)
	return len(list)
}
