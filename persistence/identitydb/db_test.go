package identitydb_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/persistence/identitydb"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

var _ identity.Tier = (*identitydb.DB)(nil)

// fresh is a migrated schema with the statements run in it, and its URL.
func fresh(t testing.TB, statements ...string) string {
	t.Helper()
	url := pgtest.Fresh(t)
	require.NoError(t, identitydb.Migrate(t.Context(), url))
	run(t, url, statements...)
	return url
}

func run(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	for _, s := range statements {
		_, err := conn.Exec(t.Context(), s)
		require.NoError(t, err, s)
	}
}

func open(t testing.TB, url string, o identitydb.Options) *identitydb.DB {
	t.Helper()
	db, err := identitydb.Open(t.Context(), url, o)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

const (
	people    = `INSERT INTO identity_people VALUES ('jane', '{"id":"other","first_name":"Jane","company":"Acme.example","phones":["+14155552671"],"new_field":1}'), ('joan', '{"first_name":"Joan"}')`
	companies = `INSERT INTO identity_companies VALUES ('acme.example', '{"name":"Acme","employee_count":50}')`
)

func digests() (sha, md domain.Key) {
	s, m := sha256.Sum256([]byte("jane@example.com")), md5.Sum([]byte("jane@example.com"))
	return domain.Key{Kind: domain.KeySHA256, Value: hex.EncodeToString(s[:])}, domain.Key{Kind: domain.KeyMD5, Value: hex.EncodeToString(m[:])}
}

func hashed(k domain.Key, person string) string {
	return fmt.Sprintf(`INSERT INTO identity_keys VALUES ('%s', decode('%s', 'hex'), '%s')`, k.Kind, k.Value, person)
}

func plain(k domain.Key, person string) string {
	return fmt.Sprintf(`INSERT INTO identity_keys VALUES ('%s', convert_to('%s', 'UTF8'), '%s')`, k.Kind, k.Value, person)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	sha, md := digests()
	visitor, click := domain.Key{Kind: domain.KeyVisitor, Value: "7f1c"}, domain.Key{Kind: domain.KeyClick, Value: "gclid:EAIaIQ"}
	phone := domain.Key{Kind: domain.KeyPhone, Value: sha.Value}
	tel, _ := identity.PhoneHash("+14155552671")
	hers := domain.Key{Kind: domain.KeyPhone, Value: tel} // the record has it in clear
	janeRecord := domain.Person{ID: "jane", FirstName: "Jane", Company: "Acme.example", Phones: []string{"+14155552671"}}
	for name, row := range map[string]struct {
		rows []string
		ask  []domain.Key
		want domain.PersonID
		by   domain.Key
		more []domain.Key // what the record lacks
	}{
		"nobody":                            {nil, []domain.Key{visitor, sha}, "", domain.Key{}, nil},
		"no key":                            {nil, nil, "", domain.Key{}, nil},
		"by a visitor":                      {[]string{plain(visitor, "jane")}, []domain.Key{visitor, sha}, "jane", visitor, nil},
		"by a hash":                         {[]string{hashed(sha, "jane")}, []domain.Key{visitor, sha, md}, "jane", sha, []domain.Key{sha}},
		"by a click":                        {[]string{plain(click, "jane")}, []domain.Key{sha, click}, "jane", click, nil},
		"by a phone":                        {[]string{hashed(phone, "jane")}, []domain.Key{sha, phone}, "jane", phone, []domain.Key{phone}},
		"a hash of another kind is another": {[]string{hashed(phone, "jane")}, []domain.Key{sha}, "", domain.Key{}, nil},
		"the strongest":                     {[]string{plain(click, "joan"), hashed(phone, "joan"), hashed(md, "jane")}, []domain.Key{sha, md, phone, click}, "jane", md, []domain.Key{md}},
		"whatever the order":                {[]string{plain(click, "joan"), plain(visitor, "jane")}, []domain.Key{click, visitor}, "jane", visitor, nil},
		"within a kind the smaller id":      {[]string{hashed(sha, "joan"), hashed(md, "jane")}, []domain.Key{sha, md}, "jane", md, []domain.Key{md}},
		"a person without a record":         {[]string{plain(visitor, "gone"), hashed(sha, "jane")}, []domain.Key{visitor, sha}, "jane", sha, []domain.Key{sha}},
		"with all that finds them": {[]string{plain(visitor, "jane"), hashed(md, "jane"), hashed(sha, "jane"), hashed(phone, "jane"), hashed(hers, "jane"), plain(click, "jane")},
			[]domain.Key{visitor}, "jane", visitor, []domain.Key{md, phone, sha}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, fresh(t, append(row.rows, people, companies)...), identitydb.Options{Connections: 1})
			got, err := db.Lookup(t.Context(), row.ask)
			require.NoError(t, err)
			if row.want == "" {
				require.Equal(t, domain.Known{}, got)
				return
			}
			want := janeRecord
			for _, k := range row.more {
				if h, ok := identity.ReadDigest(k.Value); ok && k.Kind != domain.KeyPhone {
					want.HEMs = append(want.HEMs, h)
				} else {
					want.Phones = append(slices.Clone(want.Phones), k.Value)
				}
			}
			require.Equal(t, domain.Known{
				Found: true, Person: want, By: row.by, Company: domain.Company{Domain: "acme.example", Name: "Acme", Employees: 50},
			}, got)
		})
	}
}

// A role that may only read is enough, and whoever may write does not.
func TestOpen_OnlyReads(t *testing.T) {
	t.Parallel()
	sha, _ := digests()
	url := fresh(t, people, hashed(sha, "joan"), `DO $$ BEGIN CREATE ROLE identity_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
		`DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO identity_reader', current_schema()); END $$`,
		`GRANT SELECT ON identity_keys, identity_people, identity_companies TO identity_reader`)
	db := open(t, url+"&role=identity_reader", identitydb.Options{})
	known, err := db.Lookup(t.Context(), []domain.Key{sha})
	require.NoError(t, err)
	require.Equal(t, domain.Person{ID: "joan", FirstName: "Joan", HEMs: []domain.HEM{{Variant: "lower", SHA256: sha.Value}}}, known.Person)
	require.Zero(t, known.Company, "it has none")
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := identitydb.Open(t.Context(), "postgres://[", identitydb.Options{})
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	_, err = identitydb.Open(t.Context(), "postgres://localhost/x", identitydb.Options{Connections: 1000})
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	_, err = identitydb.Open(t.Context(), pgtest.Fresh(t), identitydb.Options{})
	require.Equal(t, domain.Invalid, domain.CodeOf(err))
	require.ErrorContains(t, err, "Migrate")
}

// A database that is away is no reason not to start.
func TestOpen_StartsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	db, err := identitydb.Open(t.Context(), "postgres://127.0.0.1:1/x", identitydb.Options{})
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Lookup(t.Context(), []domain.Key{{Kind: domain.KeyVisitor, Value: "7f1c"}})
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
}

// A record that is none is an error that names it, and not an empty person.
func TestLookup_RefusesADamagedRecord(t *testing.T) {
	t.Parallel()
	sha, _ := digests()
	db := open(t, fresh(t, `INSERT INTO identity_people VALUES ('jane', '{"phones":"none"}')`, hashed(sha, "jane")), identitydb.Options{})
	_, err := db.Lookup(t.Context(), []domain.Key{sha})
	require.Equal(t, domain.Internal, domain.CodeOf(err))
	require.ErrorContains(t, err, "jane")
}

// A lookup ends with its context, and in the database with the statement's timeout.
func TestLookup_Ends(t *testing.T) {
	t.Parallel()
	url := fresh(t)
	db := open(t, url, identitydb.Options{Timeout: 50e6})
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), `LOCK TABLE identity_keys IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	_, err = db.Lookup(t.Context(), []domain.Key{{Kind: domain.KeyVisitor, Value: "7f1c"}})
	require.Equal(t, domain.Unavailable, domain.CodeOf(err))
	require.ErrorContains(t, err, "statement timeout")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.Lookup(ended, []domain.Key{{Kind: domain.KeyVisitor, Value: "7f1c"}})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = db.Lookup(t.Context(), []domain.Key{{Kind: domain.KeyVisitor, Value: "7f1c"}})
	require.NoError(t, err)
}

// As behind a pooler, without settings and named statements, it answers the same.
func TestLookup_AsBehindAPooler(t *testing.T) {
	t.Parallel()
	sha, md := digests()
	db := open(t, fresh(t, people, companies, hashed(md, "jane")), identitydb.Options{PgBouncer: true})
	known, err := db.Lookup(t.Context(), []domain.Key{sha, md})
	require.NoError(t, err)
	require.Equal(t, md, known.By)
}

// Migrating is safe at any time, by any number at once, and leaves what is there.
func TestMigrate_Again(t *testing.T) {
	t.Parallel()
	sha, _ := digests()
	url := fresh(t, people, hashed(sha, "jane"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := identitydb.Migrate(context.Background(), url); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	known, err := open(t, url, identitydb.Options{}).Lookup(t.Context(), []domain.Key{sha})
	require.NoError(t, err)
	require.True(t, known.Found)
}

// Among many keys a lookup stays on the index.
func TestLookup_UsesTheIndex(t *testing.T) {
	t.Parallel()
	url := fresh(t, `INSERT INTO identity_people SELECT 'p' || n, '{}' FROM generate_series(1, 50000) n`,
		`INSERT INTO identity_keys SELECT 'sha256', sha256(n::text::bytea), 'p' || n FROM generate_series(1, 50000) n`, `ANALYZE identity_keys, identity_people`)
	db := open(t, url, identitydb.Options{})
	s := sha256.Sum256([]byte("4711"))
	known, err := db.Lookup(t.Context(), []domain.Key{{Kind: domain.KeyVisitor, Value: "7f1c"}, {Kind: domain.KeySHA256, Value: hex.EncodeToString(s[:])}})
	require.NoError(t, err)
	require.Equal(t, domain.PersonID("p4711"), known.Person.ID)
	require.NotContains(t, identitydb.Plan(t, url), "Seq Scan")
}

// The whole way: a visitor only the database knows.
func TestTier_BehindSlow(t *testing.T) {
	t.Parallel()
	sha, _ := digests()
	slow := identity.NewSlow(open(t, fresh(t, people, companies, hashed(sha, "jane")), identitydb.Options{}), identity.SlowConfig{Deadline: 10e9}, domain.SystemClock{}, nil)
	m := identity.NewMatcher(identity.MatcherDeps{Overlay: identity.NewOverlay(identity.OverlayConfig{}, nil), Slow: slow})
	e := identity.Evidence{Account: "acme", Visitor: "7f1c", Identified: true, HEMs: identity.HEMs("jane@example.com")}
	r := m.Match(e)
	require.Empty(t, r.Person)
	known, err := slow.Lookup(t.Context(), r.Ask)
	require.NoError(t, err)
	require.True(t, known.Found)
	r = m.Match(e)
	require.Equal(t, domain.PersonID("jane"), r.Person)
	require.Equal(t, "Jane", r.Record.FirstName)
	company, ok := m.Company("acme.example")
	require.True(t, ok)
	require.Equal(t, "Acme", company.Name)
}

// Suppressed by a phone that the database knows and the record does not say, somebody is not found by their browser
// either: the matcher's record has all of it.
func TestTier_IsSuppressedByWhatTheRecordLacks(t *testing.T) {
	t.Parallel()
	tel, _ := identity.PhoneHash("+14155550100")
	visitor, phone := domain.Key{Kind: domain.KeyVisitor, Value: "7f1c"}, domain.Key{Kind: domain.KeyPhone, Value: tel}
	db := open(t, fresh(t, people, plain(visitor, "jane"), hashed(phone, "jane")), identitydb.Options{})
	known, err := db.Lookup(t.Context(), []domain.Key{visitor})
	require.NoError(t, err)
	one, err := identity.NewSuppression(domain.GlobalScope, "", "", domain.SuppressPhone, "+1 415 555 0100", "", time.Time{})
	require.NoError(t, err)
	s := identity.NewSuppressions(nil)
	s.Take(1, []domain.Suppression{one})
	rule, _ := s.Check(identity.SubjectOf(known.Person))
	require.Equal(t, "global:phone", rule)
}
