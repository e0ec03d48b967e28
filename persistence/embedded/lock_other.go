//go:build !unix

package embedded

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/leadwire/leadwire/actors/domain"
)

// lockDir takes the folder for this process by a file that must not exist yet. Without flock a crash
// leaves the file behind, and a person has to remove it.
func lockDir(dir string) (release func() error, err error) {
	path := filepath.Join(dir, "leadwire.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return nil, domain.Fail("open store", domain.Conflict,
			fmt.Errorf("the data folder %s is in use by another leadwire process, or one crashed: then remove %s", dir, path))
	}
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	return func() error {
		_ = f.Close()
		return os.Remove(path)
	}, nil
}
