//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"golang.org/x/sys/unix"
)

// lockDir takes the folder for this process. The lock is the kernel's: it goes with the process,
// however that ends, so a stale file never keeps anybody out.
func lockDir(dir string) (release func() error, err error) {
	path := filepath.Join(dir, "leadwire.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, domain.Fail("open store", domain.Conflict,
				fmt.Errorf("the data folder %s is in use by another leadwire process (%s)", dir, strings.TrimSpace(string(holder))))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := f.Truncate(0); err == nil { // the text only helps whoever reads the refusal
		_, _ = fmt.Fprintf(f, "process %d\n", os.Getpid())
	}
	return f.Close, nil
}
