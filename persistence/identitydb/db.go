package identitydb

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/leadwire/leadwire/actors/domain"
)

//go:embed lookup.sql
var lookupSQL string

// DB is an open tier. It is safe for concurrent use.
type DB struct{ pool *pgxpool.Pool }

// patience is how long Open waits to see whether the tables are there.
const patience = 2 * time.Second

// Open connects to the database at url, libpq's form. A database that cannot be reached is a warning, one
// without the tables an error.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	const doing = "open identity tier"
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, domain.Fail(doing, domain.Invalid, err) // it does not repeat the password
	}
	cfg.MaxConns = int32(o.Connections)
	cc := cfg.ConnConfig
	cc.ConnectTimeout = patience
	if o.PgBouncer {
		cc.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	} else {
		cc.RuntimeParams["statement_timeout"] = strconv.FormatInt(o.Timeout.Milliseconds(), 10)
		cc.RuntimeParams["default_transaction_read_only"] = "on"
		cc.RuntimeParams["plan_cache_mode"] = "force_generic_plan" // an index lookup per key, however many there are
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, domain.Fail(doing, domain.Unavailable, err)
	}
	db := &DB{pool}
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch err := db.Ping(look); {
	case missing(err):
		pool.Close()
		return nil, domain.Fail(doing, domain.Invalid, fmt.Errorf("its tables are not there, make them with Migrate: %w", err))
	case err != nil:
		o.Log.Warn("the identity tier does not answer; visitors only it knows are not found", "err", err)
	}
	return db, nil
}

// missing: the database answered, and has no such table or column.
func missing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42703" || pg.Code == "3F000")
}

// Lookup finds whom the strongest of the keys belongs to.
func (db *DB) Lookup(ctx context.Context, keys []domain.Key) (domain.Known, error) {
	const doing = "look up identity"
	kinds, values := columns(keys)
	var n int64
	var id string
	var name *string
	var person, company []byte
	var all otherKeys
	err := db.pool.QueryRow(ctx, lookupSQL, kinds, values).Scan(&n, &id, &person, &name, &company, &all.kinds, &all.keys)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Known{}, nil
	}
	if err != nil {
		return domain.Known{}, domain.Fail(doing, domain.Unavailable, err)
	}
	known := domain.Known{Found: true, By: keys[n-1]}
	if err := json.Unmarshal(person, &known.Person); err != nil {
		return domain.Known{}, domain.Fail(doing, domain.Internal, fmt.Errorf("read person %s: %w", id, err))
	}
	if name != nil {
		if err := json.Unmarshal(company, &known.Company); err != nil {
			return domain.Known{}, domain.Fail(doing, domain.Internal, fmt.Errorf("read company of person %s: %w", id, err))
		}
		known.Company.Domain = *name
	}
	known.Person.ID = domain.PersonID(id)
	all.addTo(&known.Person)
	return known, nil
}

// otherKeys are what else a person is found by.
type otherKeys struct {
	kinds []string
	keys  [][]byte
}

// addTo gives the record the hashes that it lacks.
func (o otherKeys) addTo(p *domain.Person) {
	has := map[string]bool{}
	for _, h := range p.HEMs {
		has[strings.ToLower(h.MD5)], has[strings.ToLower(h.SHA1)], has[strings.ToLower(h.SHA256)] = true, true, true
	}
	for _, phone := range p.Phones {
		has[strings.ToLower(phone)] = true
		if sum := sha256.Sum256([]byte(phone)); phone != "" { // of one in E.164
			has[hex.EncodeToString(sum[:])] = true
		}
	}
	for i, kind := range o.kinds {
		text := hex.EncodeToString(o.keys[i])
		if has[text] {
			continue
		}
		h := domain.HEM{Variant: "lower"} // which one it is of cannot be told, and makes no difference
		switch domain.KeyKind(kind) {
		case domain.KeyMD5:
			h.MD5 = text
		case domain.KeySHA1:
			h.SHA1 = text
		case domain.KeySHA256:
			h.SHA256 = text
		default:
			p.Phones = append(p.Phones, text)
			continue
		}
		p.HEMs = append(p.HEMs, h)
	}
}

// columns are the keys as the table has them.
func columns(keys []domain.Key) (kinds []string, values [][]byte) {
	kinds, values = make([]string, len(keys)), make([][]byte, len(keys))
	for i, k := range keys {
		kinds[i], values[i] = string(k.Kind), []byte(k.Value)
		switch k.Kind {
		case domain.KeyMD5, domain.KeySHA1, domain.KeySHA256, domain.KeyPhone:
			if b, err := hex.DecodeString(k.Value); err == nil { // otherwise it is no key, and finds nobody
				values[i] = b
			}
		}
	}
	return kinds, values
}

// Ping says whether a lookup would be answered.
func (db *DB) Ping(ctx context.Context) error {
	_, err := db.Lookup(ctx, []domain.Key{{Kind: domain.KeyVisitor, Value: "ping"}})
	return err
}

// Close ends its connections when those who use one are done.
func (db *DB) Close() { db.pool.Close() }
