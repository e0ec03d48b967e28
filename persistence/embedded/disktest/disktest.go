// Package disktest gives a test a disk so small that it fills up: a real file system with its own "no
// space left", not a fake that returns the error where its author expected it.
//
//	root on Linux ──mounts──▶ a tmpfs of the size asked for, gone with the test
//	LEADWIRE_SMALL_DISK=dir ▶ a folder of its own on that one, which somebody made small beforehand
//
// Where there is neither, tests skip and say how to get one; with CI_REQUIRE_REAL_PARTS=1 they fail.
// Tests of several packages may name the same LEADWIRE_SMALL_DISK: they take turns.
package disktest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// presetVariable names the environment variable with a folder on a small file system.
const presetVariable = "LEADWIRE_SMALL_DISK"

// tooLarge is where Fill stops and says that this is no small disk: a mistyped folder must not cost a
// machine its whole disk. In bytes.
const tooLarge = 1 << 30

// Small returns an empty folder on a small disk that is this test's alone until it ends. A mounted one
// has room for size bytes; a preset one has the size it has, which must be as much at least.
func Small(t testing.TB, size int) string {
	t.Helper()
	if preset := os.Getenv(presetVariable); preset != "" {
		return within(t, preset)
	}
	dir := t.TempDir()
	unmount, err := mount(dir, size)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, unmount()) })
		return dir
	}
	const ways = "run as root on Linux (sudo -E make test), or name a folder on a small file system of your own: " +
		"truncate -s 64M disk.img, mkfs, mount, " + presetVariable + "=its folder"
	if os.Getenv("CI_REQUIRE_REAL_PARTS") == "1" {
		t.Fatalf("mount a small disk: %v; to prove what happens when a disk is full, %s", err, ways)
	}
	t.Skipf("skipped, no small disk: %v; to prove what happens when one is full, %s", err, ways)
	return ""
}

// within takes the preset disk for this test and empties its own folder when it ends.
func within(t testing.TB, preset string) string {
	t.Helper()
	release, err := take(filepath.Join(preset, "leadwire-test.lock"))
	require.NoError(t, err, "take %s=%s", presetVariable, preset)
	t.Cleanup(release)
	dir, err := os.MkdirTemp(preset, "leadwire-test-")
	require.NoError(t, err, "use %s=%s", presetVariable, preset)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// Fill writes to file until the disk is full to the last 512 bytes, and then gives the last spare bytes
// back. Removing the file makes room again.
func Fill(t testing.TB, file string, spare int64) {
	t.Helper()
	f, err := os.Create(file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	var written int64
	for block := make([]byte, 64<<10); len(block) >= 512; {
		n, err := f.Write(block)
		written += int64(n)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil:
			require.NoError(t, err)
		}
		if written > tooLarge {
			require.NoError(t, f.Truncate(0))
			t.Fatalf("%s is on no small disk: 1 GiB fits", file)
		}
	}
	require.NoError(t, f.Truncate(max(0, written-spare)))
}
