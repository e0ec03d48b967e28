package embedded

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Two processes on one file would each believe its own copy of the epochs.
func TestOpen_OneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	_, err = Open(t.Context(), dir, Options{})
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.ErrorContains(t, err, dir, "the error names the folder")
	require.ErrorContains(t, err, "process ", "and who has it")
	_, err = Migrate(t.Context(), dir, Options{})
	require.Equal(t, domain.Conflict, domain.CodeOf(err))
	require.NoError(t, s.Close())
	s, err = Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

// A store that was closed in an orderly way is one file: it can be copied by hand.
func TestClose_LeavesOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
	require.NoError(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, fileName+"*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, fileName)}, files)
}

// What is in the file is somebody's personal data.
func TestOpen_KeepsTheFolderPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	s, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestOpen_Refuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why  string
		make func(t *testing.T, dir string)
		code domain.Code
	}{
		{"a file that is no database", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, fileName), []byte("leads, surely, but not in here: not a database"), 0o600))
		}, domain.Internal},
		{"a schema from a newer release, which may keep promises this one does not know", func(t *testing.T, dir string) {
			s, err := Open(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			c, err := sqlite.OpenConn(filepath.Join(dir, fileName))
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			require.NoError(t, sqlitex.ExecuteTransient(c, "INSERT INTO schema_migrations VALUES (9999, 'later', 0)", nil))
		}, domain.Invalid},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			row.make(t, dir)
			_, err := Open(t.Context(), dir, Options{})
			require.Equal(t, row.code, domain.CodeOf(err), "%v", err)
			_, err = Open(t.Context(), dir, Options{})
			require.Equal(t, row.code, domain.CodeOf(err), "the lock was given back: %v", err)
		})
	}
}

// Migrations are applied once, each with its record.
func TestMigrate_OnceEach(t *testing.T) {
	t.Parallel()
	all, err := migrations()
	require.NoError(t, err)
	dir := t.TempDir()
	applied, err := Migrate(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.Equal(t, len(all), applied)
	applied, err = Migrate(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.Zero(t, applied)
}

// Every series exists before the first operation, and a store that is opened again has its own.
func TestMetrics_BornAtZero(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	dir := t.TempDir()
	for range 2 {
		s, err := Open(t.Context(), dir, Options{Registerer: registry})
		require.NoError(t, err)
		families, err := registry.Gather()
		require.NoError(t, err)
		found := map[string]int{}
		for _, f := range families {
			found[f.GetName()] = len(f.GetMetric())
			for _, m := range f.GetMetric() {
				require.Zero(t, m.GetCounter().GetValue(), f.GetName())
			}
		}
		require.Equal(t, 2, found["leadwire_embedded_checkpoint_seconds"])
		require.Positive(t, found["leadwire_embedded_log_pages_target"])
		require.Greater(t, found["leadwire_commit_operations_total"], 20)
		require.NoError(t, s.Close())
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Empty(t, families, "a closed store leaves no series behind")
}
