package compare

import (
	"encoding/binary"
	"errors"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
	"go.etcd.io/bbolt"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity/graph/synthetic"
)

// perTransaction bounds what the trees hold in memory while they are built.
const perTransaction = 100_000

var bucket = []byte("keys")

// boltStore keeps one transaction open: a lookup that begins its own takes longer.
type boltStore struct {
	db   *bbolt.DB
	tx   *bbolt.Tx
	keys *bbolt.Bucket
}

func buildBolt(path string, p synthetic.Population) (err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tx *bbolt.Tx
	var keys *bbolt.Bucket
	n := 0
	err = sorted(path, p, func(key, value []byte) error {
		if n%perTransaction == 0 {
			if tx != nil {
				if err := tx.Commit(); err != nil {
					return err
				}
			}
			var err error
			if tx, err = db.Begin(true); err != nil {
				return err
			}
			if keys, err = tx.CreateBucketIfNotExists(bucket); err != nil {
				return err
			}
			keys.FillPercent = 1
		}
		n++
		return keys.Put(append([]byte(nil), key...), append([]byte(nil), value...)) // it keeps them until the commit
	})
	if err != nil || tx == nil {
		return err
	}
	return tx.Commit()
}

func openBolt(path string) (store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	tx, err := db.Begin(false)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &boltStore{db, tx, tx.Bucket(bucket)}, nil
}

func (s *boltStore) Find(k domain.Key) (uint32, bool) {
	key := fingerprintOf(k)
	value := s.keys.Get(key[:])
	if value == nil {
		return 0, false
	}
	return binary.LittleEndian.Uint32(value), true
}

func (s *boltStore) Close() error { return errors.Join(s.tx.Rollback(), s.db.Close()) }

type levelStore struct{ db *leveldb.DB }

// levelOptions: ten bits a key spare most misses the disk; the cache holds two million keys whole.
func levelOptions(readOnly bool) *opt.Options {
	return &opt.Options{Filter: filter.NewBloomFilter(10), BlockCacheCapacity: 256 << 20, Compression: opt.NoCompression, NoSync: true, ReadOnly: readOnly}
}

func buildLevel(path string, p synthetic.Population) (err error) {
	db, err := leveldb.OpenFile(path, levelOptions(false))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var batch leveldb.Batch
	write := func() error {
		defer batch.Reset()
		return db.Write(&batch, nil)
	}
	err = sorted(path, p, func(key, value []byte) error {
		batch.Put(key, value)
		if batch.Len() < perTransaction {
			return nil
		}
		return write()
	})
	if err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return db.CompactRange(util.Range{})
}

func openLevel(path string) (store, error) {
	db, err := leveldb.OpenFile(path, levelOptions(true))
	return levelStore{db}, err
}

func (s levelStore) Find(k domain.Key) (uint32, bool) {
	key := fingerprintOf(k)
	value, err := s.db.Get(key[:], nil)
	if err != nil {
		return 0, false
	}
	return binary.LittleEndian.Uint32(value), true
}

func (s levelStore) Close() error { return s.db.Close() }

type sqliteStore struct {
	conn *sqlite.Conn
	find *sqlite.Stmt
}

func buildSQLite(path string, p synthetic.Population) (err error) {
	conn, err := sqlite.OpenConn(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	err = sqlitex.ExecuteScript(conn, "CREATE TABLE keys (print BLOB PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID", nil)
	if err != nil {
		return err
	}
	for _, pragma := range []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "BEGIN"} {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return err
		}
	}
	insert, err := conn.Prepare("INSERT INTO keys VALUES (?, ?)")
	if err != nil {
		return err
	}
	err = sorted(path, p, func(key, value []byte) error {
		insert.BindBytes(1, key)
		insert.BindInt64(2, int64(binary.LittleEndian.Uint32(value)))
		if _, err := insert.Step(); err != nil {
			return err
		}
		return insert.Reset()
	})
	if err != nil {
		return err
	}
	return sqlitex.ExecuteTransient(conn, "COMMIT", nil)
}

func openSQLite(path string) (store, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, err
	}
	if err := sqlitex.ExecuteTransient(conn, "PRAGMA mmap_size = 2147418112", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	find, err := conn.Prepare("SELECT person FROM keys WHERE print = ?")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &sqliteStore{conn, find}, nil
}

func (s *sqliteStore) Find(k domain.Key) (person uint32, ok bool) {
	key := fingerprintOf(k)
	s.find.BindBytes(1, key[:])
	ok, err := s.find.Step()
	if ok {
		person = uint32(s.find.ColumnInt64(0))
	}
	_ = s.find.Reset()
	return person, ok && err == nil
}

func (s *sqliteStore) Close() error { return s.conn.Close() }
