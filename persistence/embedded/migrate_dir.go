package embedded

import (
	"context"
	"os"
	"path/filepath"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// Migrate brings the store in dir up to date and answers how many migrations that took. Open does the
// same; this is for those who want it done, and seen, before a release starts. The store must not be
// open.
func Migrate(ctx context.Context, dir string, opts Options) (applied int, err error) {
	const op = "migrate store"
	opts = opts.withDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, domain.Fail(op, domain.Invalid, err)
	}
	unlock, err := lockDir(dir)
	if err != nil {
		return 0, classify(op, err)
	}
	defer func() { _ = unlock() }()
	c, err := openConn(filepath.Join(dir, fileName), sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenWAL, pragmas[:])
	if err != nil {
		return 0, classify(op, err)
	}
	defer func() { _ = c.Close() }()
	c.SetInterrupt(ctx.Done())
	applied, err = migrate(c, opts.Clock.Now())
	return applied, classify(op, err)
}
