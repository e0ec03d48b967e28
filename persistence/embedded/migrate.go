package embedded

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one numbered file: 0001_spine.sql. They only go forward, and a file that was released
// never changes.
type migration struct {
	version int
	name    string
	sql     string
}

// firstErasable is the first schema under which nothing deleted stays in the file (see scrub.go).
const firstErasable = 2

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name, so by number
	if err != nil {
		return nil, err
	}
	all := make([]migration, 0, len(names))
	for i, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: expected number %d", path, i+1)
		}
		sql, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", path, err)
		}
		all = append(all, migration{version, name, string(sql)})
	}
	return all, nil
}

// migrate brings the file up to date, each migration in a transaction of its own together with its
// record, and answers how many it applied. A file from a newer release is refused: this code would
// not know what it must keep right.
func migrate(c *sqlite.Conn, now time.Time) (applied int, err error) {
	all, err := migrations()
	if err != nil {
		return 0, err
	}
	const table = `CREATE TABLE IF NOT EXISTS schema_migrations (
		version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)`
	if err := sqlitex.ExecuteTransient(c, table, nil); err != nil {
		return 0, fmt.Errorf("create schema_migrations: %w", err)
	}
	version, err := schemaVersion(c)
	if err != nil {
		return 0, err
	}
	if version > len(all) {
		return 0, domain.FailField("migrate store", "schema",
			fmt.Sprintf("is %d and this release knows %d: run the release that wrote it, or a newer one", version, len(all)))
	}
	if version > 0 && version < firstErasable {
		// Once, and as long as copying the file takes: what the releases before this one deleted still stands
		// in it, and they did not yet promise an erasure. If it is interrupted, the next start does it again.
		if err := sqlitex.ExecuteTransient(c, "VACUUM", nil); err != nil {
			return 0, fmt.Errorf("rewrite the file without what was deleted: %w", err)
		}
	}
	for _, m := range all[version:] {
		if err := m.apply(c, now); err != nil {
			return applied, fmt.Errorf("apply migration %s: %w", m.name, err)
		}
		applied++
	}
	return applied, nil
}

func schemaVersion(c *sqlite.Conn) (version int, err error) {
	err = sqlitex.ExecuteTransient(c, "SELECT coalesce(max(version), 0) FROM schema_migrations", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { version = s.ColumnInt(0); return nil },
	})
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

func (m migration) apply(c *sqlite.Conn, now time.Time) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	if err := sqlitex.ExecuteScript(c, m.sql, nil); err != nil {
		return err
	}
	return sqlitex.ExecuteTransient(c, "INSERT INTO schema_migrations VALUES (?, ?, ?)",
		&sqlitex.ExecOptions{Args: []any{m.version, m.name, now.UnixNano()}})
}
