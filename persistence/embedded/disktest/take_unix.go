//go:build unix

package disktest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// take waits until nobody else has the lock file and holds it until release. The kernel lets go of it
// when a process ends, however it ends.
func take(file string) (release func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	return func() { _ = f.Close() }, nil
}
