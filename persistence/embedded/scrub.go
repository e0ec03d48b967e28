package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
)

// An erasure has to leave no byte of the person in the file. secure_delete zeroes what rows leave when they
// go. What it does not reach are copies: when SQLite moves rows to a neighbouring page to make room, the space
// they had stays as it was, inside the page, between its cell pointers and its cells. Nothing reads that gap
// any more, and nothing clears it until a new row happens to take it.
//
// VACUUM would, by rewriting everything while everybody waits. Instead the file is read through beside the
// traffic for pages whose gap is not empty, and those are wiped between two commits, while the log is empty
// and the file is all there is:
//
//	log into the file ─▶ read it through ─▶ ( log into the file ─▶ wipe 512 gaps ─▶ sync ) until done
//
// No row is touched, so that a crash at any instant leaves a sound file; a gap that was not wiped yet is found
// again by the next erasure.

const (
	pageSize = 4096
	// wipeChunk is how many pages are wiped while the writer stands still: some 5 ms.
	wipeChunk = 512
	// Readers may hold the log for as long as they read, a backup for minutes. The erasure waits that long and
	// then says so: what is erased is gone from every read, and asking again ends it.
	logTries = 600
	logPause = 100 * time.Millisecond
	// maxScrubbed is how many pages it dares to tell apart by their first byte: beyond, an overflow page's link
	// to the next may begin like a table's page. 2^25 pages are 128 GiB.
	maxScrubbed = 1 << 25
)

var errLogHeld = errors.New("the log is held by a reader: what was erased may still stand in it")

// openFile opens the file beside SQLite. It stays open as long as the store: closing any descriptor of a file
// gives up the locks that a process has on it, SQLite's included.
func openFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR, 0) }

// scrub wipes what SQLite has left of rows that are gone.
func (s *Store) scrub(ctx context.Context) error {
	if err := s.withoutLog(ctx, func() error { return nil }); err != nil {
		return err
	}
	dirty, err := s.dirtyPages(ctx)
	for len(dirty) > 0 && err == nil {
		chunk := dirty[:min(wipeChunk, len(dirty))]
		dirty = dirty[len(chunk):]
		err = s.withoutLog(ctx, func() error { return s.wipe(chunk) })
	}
	return classify("wipe the file", err)
}

// dirtyPages reads the file through. It may meet a checkpoint at work: a page that makes no sense is listed,
// to be looked at again when nothing moves.
func (s *Store) dirtyPages(ctx context.Context) (dirty []int64, err error) {
	buffer := make([]byte, 256*pageSize)
	for page := int64(1); ; {
		if err := ctx.Err(); err != nil {
			return nil, domain.Fail("read the file through", domain.Unavailable, err)
		}
		n, err := s.file.ReadAt(buffer, (page-1)*pageSize)
		for at := 0; at+pageSize <= n; at += pageSize {
			one := buffer[at : at+pageSize]
			if gap, sound := gapOf(one, page); !sound || !gap.empty(one) {
				dirty = append(dirty, page)
			}
			page++
		}
		if errors.Is(err, io.EOF) {
			return dirty, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the file through: %w", err)
		}
		if page > maxScrubbed {
			return nil, domain.Fail("wipe the file", domain.Internal, errors.New("it is larger than 128 GiB: a backup's copy is clean"))
		}
	}
}

// wipe zeroes the pages' gaps. The log is empty and the writer stands still, so the file is all there is.
// What the writer remembers of these pages is dropped, or it would bring the old gap back.
func (s *Store) wipe(pages []int64) error {
	page := make([]byte, pageSize)
	for _, n := range pages {
		if _, err := s.file.ReadAt(page, (n-1)*pageSize); err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		gap, sound := gapOf(page, n)
		if !sound || gap.empty(page) {
			continue
		}
		if _, err := s.file.WriteAt(make([]byte, gap.end-gap.start), (n-1)*pageSize+int64(gap.start)); err != nil {
			return fmt.Errorf("wipe page: %w", err)
		}
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	return query(s.tx.conn, `PRAGMA shrink_memory`, nil)
}

// gapOf finds the unused space of a table's or index's page (see the file format at sqlite.org); none in a page
// of any other kind. Not sound: it looks like one and cannot be.
func gapOf(page []byte, number int64) (_ gap, sound bool) {
	if number == 1 { // the schema, behind the file's own header
		return gap{}, true
	}
	header := 0
	switch page[0] {
	case 0x02, 0x05: // inner pages
		header = 12
	case 0x0a, 0x0d: // leaves
		header = 8
	default:
		return gap{}, true
	}
	cells, content := int(binary.BigEndian.Uint16(page[3:])), int(binary.BigEndian.Uint16(page[5:]))
	g := gap{header + 2*cells, content}
	if g.end > pageSize || g.start > g.end {
		return gap{}, false
	}
	return g, true
}

// gap is a part of a page.
type gap struct{ start, end int }

func (g gap) empty(page []byte) bool {
	return len(bytes.TrimLeft(page[g.start:g.end], "\x00")) == 0
}

// withoutLog runs work between two batches, right after the whole log was moved into the file and cut to
// nothing. It tries until no reader holds the log, within reason.
func (s *Store) withoutLog(ctx context.Context, work func() error) error {
	for range logTries {
		err := s.check.idle(ctx, s.nudge, func() error {
			if err := truncateLog(s.tx.conn); err != nil {
				return err
			}
			return s.alone(work)
		})
		if !errors.Is(err, errLogHeld) {
			return err
		}
		select {
		case <-time.After(logPause):
		case <-ctx.Done():
			return domain.Fail("cut the log", domain.Unavailable, ctx.Err())
		}
	}
	return domain.Fail("cut the log", domain.Unavailable, errLogHeld)
}

// alone runs work under the write lock, if the log is still empty then: a shell that somebody has opened on the
// file may write to it, too.
func (s *Store) alone(work func() error) error {
	if err := run(s.tx.stmtBegin); err != nil {
		return err
	}
	defer func() { _ = run(s.tx.stmtRollback) }()
	log, err := os.Stat(s.file.Name() + "-wal")
	if err != nil {
		return err
	}
	if log.Size() != 0 {
		return errLogHeld
	}
	return work()
}

// nudge is an operation that does nothing: a batch has to end for there to be a moment after it.
func (s *Store) nudge(ctx context.Context) error {
	_, err := s.writer.Do(ctx, op{admin: func(*tx) error { return nil }})
	return err
}

// truncateLog moves the log into the file and cuts it. It does not wait for readers: everybody would.
func truncateLog(writer *sqlite.Conn) error {
	writer.SetBusyTimeout(time.Millisecond)
	defer writer.SetBusyTimeout(busyTimeout)
	held := true
	err := query(writer, `PRAGMA wal_checkpoint(TRUNCATE)`, func(s *sqlite.Stmt) { held = s.ColumnInt(0) != 0 })
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
		return errLogHeld
	}
	if err == nil && held {
		err = errLogHeld
	}
	return err
}
