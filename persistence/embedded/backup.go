package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// Backup copies the store in dataDir to destFile while a process may be using it, and answers once the
// copy is complete, checked, and on the disk. It never overwrites: an existing destFile is a Conflict.
//
// The copy is one moment of the store. It is another history: its Epoch is new, so that a place in a
// feed of the original, which goes on, is not taken for one in the copy. To use it, put it into an
// empty folder as leadwire.db.
//
// It reads in one transaction, so the original's log grows while it lasts.
func Backup(ctx context.Context, dataDir, destFile string) error {
	const op = "back up store"
	source := filepath.Join(dataDir, fileName)
	if _, err := os.Stat(source); err != nil {
		return domain.Fail(op, domain.NotFound, fmt.Errorf("there is no store in %s: %w", dataDir, err))
	}
	if _, err := os.Lstat(destFile); !errors.Is(err, os.ErrNotExist) {
		return domain.Fail(op, domain.Conflict, fmt.Errorf("%s is there already, and a backup does not overwrite", destFile))
	}
	dir, err := os.MkdirTemp(filepath.Dir(destFile), ".leadwire-backup-")
	if err != nil {
		return domain.Fail(op, domain.Invalid, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	part := filepath.Join(dir, fileName)
	for _, step := range []func() error{
		func() error { return copyStore(ctx, source, part) },
		func() error { return renew(ctx, part) },
		func() error { return publish(part, destFile) },
	} {
		if err := step(); err != nil {
			return classify(op, err)
		}
	}
	return nil
}

// copyStore writes the newest commit of source into a fresh file, without the holes of the original.
func copyStore(ctx context.Context, source, part string) error {
	// Read-write, because a store whose process was killed has a log that has to be recovered first.
	c, err := openConn(source, sqlite.OpenReadWrite, nil)
	if err != nil {
		return fmt.Errorf("open %s: %w", source, err)
	}
	defer func() { _ = c.Close() }()
	c.SetInterrupt(ctx.Done())
	if err := query(c, `VACUUM INTO ?`, nil, part); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// renew makes the copy a history of its own, and reads every page of it.
func renew(ctx context.Context, part string) error {
	c, err := openConn(part, sqlite.OpenReadWrite, []string{"PRAGMA synchronous = FULL"})
	if err != nil {
		return fmt.Errorf("open copy: %w", err)
	}
	defer func() { _ = c.Close() }()
	c.SetInterrupt(ctx.Done())
	if err := putSetting(c, settingEpoch, []byte(newEpoch())); err != nil {
		return fmt.Errorf("renew epoch: %w", err)
	}
	return checkIntegrity(c)
}

func checkIntegrity(c *sqlite.Conn) error {
	verdict := ""
	if err := query(c, `PRAGMA integrity_check(1)`, func(s *sqlite.Stmt) { verdict = s.ColumnText(0) }); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if verdict != "ok" {
		return domain.Fail("check store", domain.Internal, errors.New(verdict))
	}
	return nil
}

// publish gives the finished copy its name, in a way that cannot replace a file that appeared meanwhile,
// and makes both last.
func publish(part, destFile string) error {
	if err := syncPath(part); err != nil {
		return err
	}
	if err := os.Link(part, destFile); err != nil {
		return fmt.Errorf("name the copy: %w", err)
	}
	return syncPath(filepath.Dir(destFile))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return f.Sync()
}

// Backup is the function of that name, for whoever has the store open.
func (s *Store) Backup(ctx context.Context, destFile string) error {
	if !s.enter() {
		return domain.Fail("back up store", domain.Unavailable, errClosed)
	}
	defer s.reading.Done()
	return Backup(ctx, s.dir, destFile)
}
