//go:build clibs

package compare

/*
#cgo LDFLAGS: -lcdb -lcmph -llmdb
#cgo noescape find_cdb
#cgo nocallback find_cdb
#cgo noescape find_lmdb
#cgo nocallback find_lmdb
#cgo noescape find_chd
#cgo nocallback find_chd
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cdb.h>
#include <cmph.h>
#include <lmdb.h>

static int find_cdb(struct cdb *c, const void *key, unsigned n, uint32_t *value) {
	const void *at;
	if (cdb_find(c, key, n) <= 0 || !(at = cdb_getdata(c))) return 0;
	memcpy(value, at, 4);
	return 1;
}

static int find_lmdb(MDB_txn *tx, MDB_dbi dbi, void *key, size_t n, uint32_t *value) {
	MDB_val k = {n, key}, v;
	if (mdb_get(tx, dbi, &k, &v) != 0) return 0;
	memcpy(value, v.mv_data, 4);
	return 1;
}

// Slots hold a fingerprint of 12 bytes and a value of 4 each. bare: the fingerprint is not looked at.
static int find_chd(void *f, const unsigned char *slots, const char *key, unsigned n, int bare, uint32_t *value) {
	const unsigned char *slot = slots + 16 * (size_t)cmph_search_packed(f, key, n);
	if (!bare && memcmp(slot, key, 12) != 0) return 0;
	memcpy(value, slot + 12, 4);
	return 1;
}

static int build_chd(void *entries, unsigned n, const char *path) {
	cmph_io_adapter_t *keys = cmph_io_struct_vector_adapter(entries, 16, 0, 12, n);
	cmph_config_t *config = cmph_config_new(keys);
	cmph_config_set_algo(config, CMPH_CHD);
	cmph_t *f = cmph_new(config);
	cmph_config_destroy(config);
	cmph_io_struct_vector_adapter_destroy(keys);
	if (!f) return 0;
	FILE *out = fopen(path, "wb");
	if (!out) return 0;
	unsigned size = cmph_packed_size(f);
	char *packed = calloc(1, size), *slots = calloc(n, 16);
	if (!packed || !slots) return 0;
	cmph_pack(f, packed);
	for (unsigned i = 0; i < n; i++) {
		const char *entry = (char *)entries + 16 * (size_t)i;
		memcpy(slots + 16 * (size_t)cmph_search(f, entry, 12), entry, 16);
	}
	// The slots come first, so that each lies on one line of the cache.
	int ok = fwrite(slots, 16, n, out) == n && fwrite(packed, 1, size, out) == size && fwrite(&n, 4, 1, out) == 1;
	free(packed); free(slots); cmph_destroy(f);
	return fclose(out) == 0 && ok;
}
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// Libraries in C. Each of their lookups includes a call from Go to C.
func init() { //nolint:gochecknoinits // the build tag decides
	candidates = append(candidates,
		candidate{"cdb", buildCDB, openCDB},
		candidate{"LMDB", buildLMDB, openLMDB},
		candidate{"CHD, fingerprints beside it", buildCHD, func(path string) (store, error) { return openCHD(path, 0) }},
		candidate{"CHD alone", buildCHD, func(path string) (store, error) { return openCHD(path, 1) }},
	)
}

type cdbStore struct {
	c    C.struct_cdb
	file *os.File
}

func buildCDB(path string, p synthetic.Population) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	m := new(C.struct_cdb_make)
	pinned := (*C.struct_cdb_make)(C.calloc(1, C.size_t(unsafe.Sizeof(*m)))) // it keeps pointers into itself
	defer C.free(unsafe.Pointer(pinned))
	C.cdb_make_start(pinned, C.int(file.Fd()))
	err = each(p, func(key, value []byte) error {
		if C.cdb_make_add(pinned, unsafe.Pointer(&key[0]), C.uint(len(key)), unsafe.Pointer(&value[0]), C.uint(len(value))) != 0 {
			return errors.New("cdb: no room, or no memory")
		}
		return nil
	})
	if err == nil && C.cdb_make_finish(pinned) != 0 {
		err = errors.New("cdb: could not be finished")
	}
	return err
}

func openCDB(path string) (store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &cdbStore{file: file}
	if C.cdb_init(&s.c, C.int(file.Fd())) != 0 {
		return nil, errors.New("cdb: cannot be mapped")
	}
	return s, nil
}

func (s *cdbStore) Find(k domain.Key) (uint32, bool) {
	key := fingerprintOf(k)
	var value C.uint32_t
	ok := C.find_cdb(&s.c, unsafe.Pointer(&key[0]), C.uint(len(key)), &value)
	return uint32(value), ok != 0
}

func (s *cdbStore) Close() error {
	C.cdb_free(&s.c)
	return s.file.Close()
}

type lmdbStore struct {
	env *C.MDB_env
	tx  *C.MDB_txn
	dbi C.MDB_dbi
}

func lmdbError(rc C.int) error {
	if rc == 0 {
		return nil
	}
	return fmt.Errorf("lmdb: %s", C.GoString(C.mdb_strerror(rc)))
}

// lmdb opens one file with one transaction, which belongs to this thread.
func lmdb(path string, flags C.uint) (s *lmdbStore, err error) {
	runtime.LockOSThread()
	s = new(lmdbStore)
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	C.mdb_env_create(&s.env)
	C.mdb_env_set_mapsize(s.env, 8<<30)
	if err := lmdbError(C.mdb_env_open(s.env, name, flags|C.MDB_NOSUBDIR|C.MDB_NOLOCK|C.MDB_NORDAHEAD, 0o600)); err != nil {
		return nil, err
	}
	if err := lmdbError(C.mdb_txn_begin(s.env, nil, flags&C.MDB_RDONLY, &s.tx)); err != nil {
		return nil, err
	}
	return s, lmdbError(C.mdb_dbi_open(s.tx, nil, 0, &s.dbi))
}

func buildLMDB(path string, p synthetic.Population) error {
	s, err := lmdb(path, C.MDB_NOSYNC|C.MDB_WRITEMAP)
	if err != nil {
		return err
	}
	defer C.mdb_env_close(s.env)
	entry := (*[16]byte)(C.malloc(16)) // C may not be handed Go memory that holds pointers to Go memory
	defer C.free(unsafe.Pointer(entry))
	err = sorted(path, p, func(key, value []byte) error {
		copy(entry[copy(entry[:], key):], value)
		k := C.MDB_val{12, unsafe.Pointer(&entry[0])}
		v := C.MDB_val{4, unsafe.Pointer(&entry[12])}
		return lmdbError(C.mdb_put(s.tx, s.dbi, &k, &v, C.MDB_APPEND))
	})
	if err != nil {
		return err
	}
	return lmdbError(C.mdb_txn_commit(s.tx))
}

func openLMDB(path string) (store, error) { return lmdb(path, C.MDB_RDONLY) }

func (s *lmdbStore) Find(k domain.Key) (uint32, bool) {
	key := fingerprintOf(k)
	var value C.uint32_t
	ok := C.find_lmdb(s.tx, s.dbi, unsafe.Pointer(&key[0]), C.size_t(len(key)), &value)
	return uint32(value), ok != 0
}

func (s *lmdbStore) Close() error {
	C.mdb_txn_abort(s.tx)
	C.mdb_env_close(s.env)
	return nil
}

// chdStore is a minimal perfect hash and a table in its order.
type chdStore struct {
	data []byte
	f    unsafe.Pointer
	bare C.int
}

// buildCHD holds the keys: the function is found by trying.
func buildCHD(path string, p synthetic.Population) error {
	var entries []byte
	err := each(p, func(key, value []byte) error {
		entries = append(append(entries, key...), value...)
		return nil
	})
	if err != nil {
		return err
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if C.build_chd(unsafe.Pointer(&entries[0]), C.uint(len(entries)/16), name) == 0 {
		return errors.New("chd: no function was found, or could not be written")
	}
	return nil
}

func openCHD(path string, bare C.int) (store, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(data[len(data)-4:])
	return &chdStore{data, unsafe.Pointer(&data[16*int(n)]), bare}, nil
}

func (s *chdStore) Find(k domain.Key) (uint32, bool) {
	key := fingerprintOf(k)
	var value C.uint32_t
	ok := C.find_chd(s.f, (*C.uchar)(&s.data[0]), (*C.char)(unsafe.Pointer(&key[0])), C.uint(len(key)), s.bare, &value)
	return uint32(value), ok != 0
}

func (s *chdStore) Close() error { return syscall.Munmap(s.data) }
