// Package compare gives the same keys to the graph's file and to libraries that could be in its place, and asks
// all of them the same questions. It is why docs/graph.md can say why the file is none of them.
//
//	synthetic people ──▶ build, in a process of its own ──▶ size, time, memory
//	                                  └──▶ open ──▶ known keys: found? ──▶ time
//	                                            └─▶ unknown keys: found all the same? ──▶ time
//
// Each library gets the arrangement that suits it best: 12 bytes of a fingerprint as the key, the place of a record
// in 4 bytes as the value, sorted where it likes that, in one transaction, never synced. None holds a record. The
// graph's file holds all records too, and reads the person's id in them: it is given no advantage.
package compare

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/identity/graph"
	"github.com/leadwire/leadwire/actors/identity/graph/spill"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// candidate is one way to keep keys.
type candidate struct {
	name  string
	build func(path string, p synthetic.Population) error
	open  func(path string) (store, error)
}

// store is for one goroutine.
type store interface {
	// Find says which person has a key.
	Find(k domain.Key) (person uint32, ok bool)
	Close() error
}

// candidates are all that are built in; those in C come with the tag clibs.
var candidates = []candidate{
	{"graph, mapped", buildGraph, func(path string) (store, error) { return openGraph(path, false) }},
	{"graph, in memory", buildGraph, func(path string) (store, error) { return openGraph(path, true) }},
	{"bbolt", buildBolt, openBolt},
	{"goleveldb", buildLevel, openLevel},
	{"SQLite", buildSQLite, openSQLite},
}

// fingerprint is what the libraries have as a key: as long as the graph's, and as expensive.
type fingerprint [12]byte

func fingerprintOf(k domain.Key) (p fingerprint) {
	var short [128]byte
	sum := sha256.Sum256(append(append(short[:0], k.Kind...), k.Value...))
	copy(p[:], sum[:])
	return p
}

// keysOf are a person's keys: all that the graph's file gets of it.
func keysOf(r graph.PersonRow) []domain.Key {
	var keys []domain.Key
	for _, visitor := range r.Visitors {
		keys = append(keys, domain.Key{Kind: domain.KeyVisitor, Value: visitor})
	}
	for _, hem := range identity.HEMs(r.BusinessEmail) {
		keys = append(keys,
			domain.Key{Kind: domain.KeyMD5, Value: hem.MD5}, domain.Key{Kind: domain.KeySHA1, Value: hem.SHA1}, domain.Key{Kind: domain.KeySHA256, Value: hem.SHA256})
	}
	for _, click := range r.Clicks {
		keys = append(keys, domain.Key{Kind: domain.KeyClick, Value: click.Kind + ":" + click.Value})
	}
	for _, phone := range r.Phones {
		hash, _ := identity.PhoneHash(phone)
		keys = append(keys, domain.Key{Kind: domain.KeyPhone, Value: hash})
	}
	return keys
}

// each gives every key, in no order.
func each(p synthetic.Population, yield func(key, value []byte) error) error {
	var value []byte
	for i := range p.Persons {
		value = binary.LittleEndian.AppendUint32(value[:0], uint32(i))
		for _, k := range keysOf(p.Person(i)) {
			key := fingerprintOf(k)
			if err := yield(key[:], value); err != nil {
				return err
			}
		}
	}
	return nil
}

// sorted gives every key, sorted in as little memory as the graph's own builder can do with.
func sorted(path string, p synthetic.Population, yield func(key, value []byte) error) error {
	s := spill.New(filepath.Dir(path), 64<<20)
	defer s.Close()
	if err := each(p, s.Add); err != nil {
		return err
	}
	all, err := s.Sort()
	if err != nil {
		return err
	}
	for all.Next() {
		if err := yield(all.Key(), all.Value()); err != nil {
			return err
		}
	}
	return all.Err()
}

type graphStore struct{ file *graph.File }

func buildGraph(path string, p synthetic.Population) error {
	_, err := p.Build(context.Background(), graph.BuildConfig{Out: path, Memory: 64 << 20})
	return err
}

func openGraph(path string, resident bool) (store, error) {
	file, err := graph.Open(path)
	if err == nil && resident {
		err = file.Reside(context.Background())
	}
	return graphStore{file}, err
}

func (s graphStore) Find(k domain.Key) (uint32, bool) {
	id, ok := s.file.Person(k)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(string(id[len("synthetic-"):]), 10, 32)
	return uint32(n), err == nil
}

func (s graphStore) Close() error { return s.file.Close() }

// sizeOf is what a file, or a folder of files, takes on the disk: some are longer and have holes.
func sizeOf(path string) (size int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			size += stat.Blocks * 512
		}
		return nil
	})
	return size, err
}
