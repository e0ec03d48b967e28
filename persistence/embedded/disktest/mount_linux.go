package disktest

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// mount puts a tmpfs of size bytes on dir. It takes root.
func mount(dir string, size int) (unmount func() error, err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("mount a tmpfs: %w", err)
	}
	// Detached, so that a process which still has a file there does not keep it from going.
	return func() error { return unix.Unmount(dir, unix.MNT_DETACH) }, nil
}
