package settings

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// load parses args as serve would, with a file of the given text (none when empty).
func load(t *testing.T, file string, args ...string) (Settings, *pflag.FlagSet, Origins, error) {
	t.Helper()
	var s Settings
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	s.Bind(fs, Storage|Serving|Logging)
	if file != "" {
		path := filepath.Join(t.TempDir(), "leadwire.yaml")
		require.NoError(t, os.WriteFile(path, []byte(file), 0o600))
		args = append(args, "--config", path)
	}
	require.NoError(t, fs.Parse(args))
	origins, err := s.Load(fs)
	return s, fs, origins, err
}

// Flag over environment over file over default, for every combination of the four.
func TestLoad_Precedence(t *testing.T) {
	for name, row := range map[string]struct {
		flag, env, file string
		want, origin    string
	}{
		"nothing said: the default":            {want: ":8080", origin: "default"},
		"the file over the default":            {file: ":1", want: ":1", origin: "file"},
		"the environment over the default":     {env: ":2", want: ":2", origin: "environment LEADWIRE_LISTEN"},
		"the environment over the file":        {env: ":2", file: ":1", want: ":2", origin: "environment LEADWIRE_LISTEN"},
		"a flag over the default":              {flag: ":3", want: ":3", origin: "flag"},
		"a flag over the file":                 {flag: ":3", file: ":1", want: ":3", origin: "flag"},
		"a flag over the environment":          {flag: ":3", env: ":2", want: ":3", origin: "flag"},
		"a flag over both":                     {flag: ":3", env: ":2", file: ":1", want: ":3", origin: "flag"},
		"a flag that says the default is said": {flag: ":8080", env: ":2", want: ":8080", origin: "flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LEADWIRE_LISTEN", row.env) // empty is as good as none
			var file string
			var args []string
			if row.file != "" {
				file = "listen: \"" + row.file + "\"\n"
			}
			if row.flag != "" {
				args = []string{"--listen", row.flag}
			}
			s, _, origins, err := load(t, file, args...)
			require.NoError(t, err)
			require.Equal(t, row.want, s.Node.Listen)
			require.Contains(t, origins["listen"], row.origin)
		})
	}
}

// Every kind of value is read alike from every place.
func TestLoad_EveryKindFromEveryPlace(t *testing.T) {
	check := func(t *testing.T, s Settings, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, 8<<20, s.Node.Streams.MaxBurst)
		require.Equal(t, 90*time.Second, s.Node.Actors.LeadIdle)
		require.Equal(t, 7, s.Node.Edge.InFlight)
		require.Equal(t, []string{"a:1", "b:2"}, s.Node.Cluster.Seeds)
		require.Equal(t, 11*time.Second, s.Node.Edge.IngestTimeout)
	}
	t.Run("flags", func(t *testing.T) {
		s, _, _, err := load(t, "", "--stream-burst=8MiB", "--lead-idle=90s", "--webhooks-in-flight=7", "--join=a:1,b:2", "--ingest-timeout=11s")
		check(t, s, err)
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("LEADWIRE_STREAM_BURST", "8MiB")
		t.Setenv("LEADWIRE_LEAD_IDLE", "90s")
		t.Setenv("LEADWIRE_WEBHOOKS_IN_FLIGHT", "7")
		t.Setenv("LEADWIRE_JOIN", "a:1,b:2")
		t.Setenv("LEADWIRE_INGEST_TIMEOUT", "11s")
		s, _, _, err := load(t, "")
		check(t, s, err)
	})
	t.Run("file", func(t *testing.T) {
		s, _, _, err := load(t, "stream-burst: 8MiB\nlead-idle: 90s\nwebhooks-in-flight: 7\njoin: [a:1, \"b:2\"]\ningest-timeout: 11s\n")
		check(t, s, err)
	})
	t.Run("a key without a value is as good as none", func(t *testing.T) {
		s, _, origins, err := load(t, "listen:\n")
		require.NoError(t, err)
		require.Equal(t, ":8080", s.Node.Listen)
		require.Equal(t, "default", origins["listen"])
	})
	t.Run("a file named by the environment", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(path, []byte("listen: :5\n"), 0o600))
		t.Setenv("LEADWIRE_CONFIG", path)
		s, _, _, err := load(t, "")
		require.NoError(t, err)
		require.Equal(t, ":5", s.Node.Listen)
	})
}

// What cannot be meant is refused, and the error names it.
func TestLoad_Refuses(t *testing.T) {
	for name, row := range map[string]struct{ file, want string }{
		"a key that nobody knows":         {"listn: :1\n", `unknown key "listn"`},
		"a key inside of another":         {"edge:\n  listen: :1\n", `unknown key "edge.listen"`},
		"underscores, with the right one": {"send_buffer: 1\n", `unknown key "send_buffer" (did you mean "send-buffer"?)`},
		"the file's own name":             {"config: other.yaml\n", `unknown key "config"`},
		"every unknown key at once":       {"a: 1\nb: 2\n", `unknown key "b"`},
		"a value of the wrong kind":       {"webhooks-in-flight: many\n", "read webhooks-in-flight from file"},
		"a list where one value stands":   {"listen: [a, b]\n", "must be one value"},
		"decimal units":                   {"send-buffer: 1MB\n", "must be bytes"},
		"what is no YAML":                 {"a: [\n", "read configuration"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := load(t, row.file)
			require.ErrorContains(t, err, row.want)
		})
	}
	t.Run("a file that is not there", func(t *testing.T) {
		_, _, _, err := load(t, "", "--config", filepath.Join(t.TempDir(), "no.yaml"))
		require.ErrorIs(t, err, os.ErrNotExist)
	})
	t.Run("the environment's wrong value, by its name", func(t *testing.T) {
		t.Setenv("LEADWIRE_WEBHOOKS_IN_FLIGHT", "many")
		_, _, _, err := load(t, "")
		require.ErrorContains(t, err, "environment LEADWIRE_WEBHOOKS_IN_FLIGHT")
	})
}

// Print shows what is in force and from where, keeps secrets, and is a file that Load takes.
func TestPrint(t *testing.T) {
	const secret = "aHVudGVyMmh1bnRlcjIhIQ=="
	t.Setenv("LEADWIRE_CLUSTER_SECRET", secret)
	t.Setenv("LEADWIRE_MASTER_KEY", secret)
	_, fs, origins, err := load(t, "listen: 127.0.0.1:9\njoin: [a:1]\n", "--store", "postgres://ann:"+secret+"@db/leads?sslpassword="+secret)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, Print(&out, fs, origins))
	require.NotContains(t, out.String(), secret)
	require.Contains(t, out.String(), "store: postgres://ann:REDACTED@db/leads?sslpassword=REDACTED # flag\n")
	require.Contains(t, out.String(), "cluster-secret: REDACTED # environment LEADWIRE_CLUSTER_SECRET\n")
	require.Contains(t, out.String(), "master-key: REDACTED # environment LEADWIRE_MASTER_KEY\n")
	require.Contains(t, out.String(), "lead-idle: 10s # default\n")

	var parsed map[string]any
	require.NoError(t, yaml.Unmarshal(out.Bytes(), &parsed))
	require.Len(t, parsed, len(Names()))
	again, _, _, err := load(t, out.String())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9", again.Node.Listen)
	require.Equal(t, []string{"a:1"}, again.Node.Cluster.Seeds)
}

// A secret that cannot be used is refused without being repeated.
func TestLoad_SecretIsNotRepeated(t *testing.T) {
	_, _, _, err := load(t, "", "--cluster-secret=hunter2!")
	require.ErrorContains(t, err, "cluster-secret must be base64")
	require.NotContains(t, err.Error(), "hunter2")
}

// Files for TLS between nodes come together, and are read at the start.
func TestLoad_TLSBetweenNodes(t *testing.T) {
	_, _, _, err := load(t, "", "--cluster-cert=a.pem", "--cluster-cert-key=a.key")
	require.ErrorContains(t, err, "come together")
	_, _, _, err = load(t, "", "--cluster-cert=none.pem", "--cluster-cert-key=none.key", "--cluster-ca=none.pem")
	require.ErrorContains(t, err, "authority")
}

// No spelling of a connection string shows its password.
func TestMaskStore(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"embedded":                               "embedded",
		"postgres://db/leads":                    "postgres://db/leads",
		"postgres://ann@db/leads":                "postgres://ann@db/leads",
		"postgres://ann:pw@db/leads?sslmode=off": "postgres://ann:REDACTED@db/leads?sslmode=off",
		"postgres://ann@db/x?password=pw":        "postgres://ann@db/x?password=REDACTED",
		"host=db user=ann password=pw dbname=x":  "host=db user=ann password=REDACTED dbname=x",
		"host=db password = 'p w' dbname=x":      "host=db password = REDACTED dbname=x",
		"postgres://ann:p%w@db/leads":            "REDACTED",
	} {
		require.Equal(t, want, MaskStore(in), in)
	}
}

// A size is read as it is shown, and what is ambiguous is refused.
func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"0": 0, "1": 1, "65536": 64 << 10, "64KiB": 64 << 10, "3 MiB": 3 << 20, "2GiB": 2 << 30, "12B": 12} {
		var n, again int
		require.NoError(t, size[int]{&n}.Set(text), text)
		require.Equal(t, want, n)
		require.NoError(t, size[int]{&again}.Set(size[int]{&n}.String()))
		require.Equal(t, n, again)
	}
	for _, text := range []string{"", "KiB", "-1", "1MB", "1.5MiB", "x", "99999999999GiB"} {
		require.Error(t, size[int]{new(int)}.Set(text), text)
	}
}
