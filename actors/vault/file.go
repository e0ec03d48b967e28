package vault

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxKeyFile bounds what is read: a key has 44 characters and a line end.
const maxKeyFile = 1 << 10

// ReadKey reads a key file. One that others than its owner and group can read, or that its group can change, is
// refused: a key that everybody on the machine has read protects nothing. (A group may read it because that is how
// container platforms hand out secrets.)
func ReadKey(path string) (Key, error) {
	key, err := readKey(path)
	if err == nil {
		return key, nil
	}
	code := domain.Invalid
	if errors.Is(err, fs.ErrNotExist) {
		code = domain.NotFound
	}
	return Key{}, &domain.Error{Op: "read vault key", Code: code, Err: err}
}

func readKey(path string) (Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return Key{}, err
	}
	defer file.Close() // read only
	info, err := file.Stat()
	if err != nil {
		return Key{}, err
	}
	if !info.Mode().IsRegular() {
		return Key{}, fmt.Errorf("%s is not a file", path)
	}
	// Windows answers with permissions that say nothing of who can read it.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o027 != 0 {
		return Key{}, fmt.Errorf("%s can be read by others, or changed by its group (%#o): chmod 600 it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, errors.Unwrap(err))
	}
	return key, nil
}

// LoadOrCreate reads a key file, and makes it with a new key when there is none. It says whether it did: a new key
// opens nothing that was sealed before. The file appears whole or not at all, under its name only when it is on the
// disk, and of two programs that make it at once both get the same key.
func LoadOrCreate(path string) (key Key, created bool, err error) {
	key, err = ReadKey(path)
	if domain.CodeOf(err) != domain.NotFound {
		return key, false, err
	}
	key = NewKey()
	switch err := write(path, key.Encode()+"\n"); {
	case errors.Is(err, fs.ErrExist): // somebody else was faster
		key, err = ReadKey(path)
		return key, false, err
	case err != nil:
		return Key{}, false, domain.Fail("make vault key", domain.Internal, err)
	}
	return key, true, nil
}

// write makes a file that must not exist: under another name first, and then linked, which fails if it does.
func write(path, text string) error {
	folder := filepath.Dir(path)
	fresh, err := os.CreateTemp(folder, "."+filepath.Base(path)+"-") // 0600, and exclusive
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name())
	_, err = fresh.WriteString(text)
	if err == nil {
		err = fresh.Sync()
	}
	if closing := fresh.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := os.Link(fresh.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the name as lasting as the file. A file system that cannot sync folders is passed over.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close() // read only
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
