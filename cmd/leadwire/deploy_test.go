package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/cluster/clustertest/authority"
	"github.com/leadwire/leadwire/cmd/leadwire/settings"
)

const deployDir = "../../docs/deploy"

// allFlags are those of every command.
func allFlags() map[string]bool {
	known := map[string]bool{"help": true}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	return known
}

// Every flag and every variable that docs/deploy and docs/deploy.md speak of is one of ours, or of a program named here.
func TestDeploy_NamesWhatIsThere(t *testing.T) {
	t.Parallel()
	known := allFlags()
	for _, theirs := range []string{
		"now", "man", "offline", "from-file", "dry-run", "namespace", "rolling-update", "format", "file", "exit-on-error", "dbname", "pgdata", "wal-method", "checkpoint", "no-owner", "create", "chown",
	} {
		known[theirs] = true
	}
	variables := map[string]bool{"LEADWIRE_CONFIG": true}
	for _, name := range settings.Names() {
		variables["LEADWIRE_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
	}
	flag, variable := regexp.MustCompile(`(?:^|[\s\x60(])--([a-z][a-z-]+)`), regexp.MustCompile(`LEADWIRE_[A-Z_]+`)
	seen := 0
	for name, text := range deployTexts(t) {
		for _, m := range flag.FindAllStringSubmatch(text, -1) {
			require.True(t, known[m[1]], "%s speaks of --%s", name, m[1])
			seen++
		}
		for _, m := range variable.FindAllString(text, -1) {
			require.True(t, variables[m], "%s speaks of %s", name, m)
			seen++
		}
	}
	require.Greater(t, seen, 30)
}

// deployTexts are the page and the files, by name.
func deployTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	read := func(path string) {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		texts[path] = string(b)
	}
	read(deployDir + ".md")
	require.NoError(t, filepath.WalkDir(deployDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "/check/") {
			read(path)
		}
		return err
	}))
	return texts
}

// accepts runs a command as far as its settings: what is misspelt is refused.
func accepts(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if slices.Contains(args, "serve") {
		require.Zero(t, run(t.Context(), append(args, "--print-config"), &out, &out), "%s\n%s", args, &out)
		return
	}
	cmd, rest, err := newRoot().Find(args)
	require.NoError(t, err, args)
	require.NoError(t, cmd.ParseFlags(rest), args)
}

// The unit's command line is one that a node takes, its limits leave room for the longest stop, and every credential is used.
func TestDeploy_Unit(t *testing.T) {
	t.Parallel()
	unit := deployTexts(t)[deployDir+"/leadwire.service"]
	_, line, found := strings.Cut(strings.ReplaceAll(unit, "\\\n", ""), "ExecStart=/usr/local/bin/leadwire ")
	require.True(t, found)
	line, _, _ = strings.Cut(line, "\n")
	require.Contains(t, line, "${CREDENTIALS_DIRECTORY}/leadwire.yaml")
	for _, m := range regexp.MustCompile(`LoadCredential=([^:]+):/etc/leadwire/(.+)`).FindAllStringSubmatch(unit, -1) {
		require.Equal(t, m[1], m[2])
		require.Contains(t, line, "${CREDENTIALS_DIRECTORY}/"+m[1])
	}
	dir := credentials(t, "node.crt", "node.key", "ca.crt")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "leadwire.yaml"), []byte(deployTexts(t)[deployDir+"/leadwire.yaml"]), 0o600))
	accepts(t, strings.Fields(strings.ReplaceAll(line, "${CREDENTIALS_DIRECTORY}", dir))...)
	_, drain, found := strings.Cut(unit, "ExecStop=-/usr/local/bin/leadwire ")
	require.True(t, found)
	drain, _, _ = strings.Cut(drain, "\n")
	accepts(t, strings.Fields(drain)...)
	stop, err := time.ParseDuration(regexp.MustCompile(`TimeoutStopSec=(\S+)`).FindStringSubmatch(unit)[1])
	require.NoError(t, err)
	require.Greater(t, stop, max(longestStop(t), waits(t, strings.Fields(drain))), "it holds for either")
}

// credentials is a folder with a node's certificate, its key and the authority that made it, under these names.
func credentials(t *testing.T, cert, key, ca string) (dir string) {
	t.Helper()
	of := authority.New(t)
	dir = t.TempDir()
	ofNode, keyOfNode := of.Issue("node")
	for from, to := range map[string]string{ofNode: cert, keyOfNode: key, of.File(): ca} {
		require.NoError(t, os.Rename(from, filepath.Join(dir, to)))
	}
	return dir
}

// waits is how long a drain may take.
func waits(t *testing.T, args []string) time.Duration {
	t.Helper()
	i := slices.Index(args, "--wait")
	require.Positive(t, i, args)
	wait, err := time.ParseDuration(args[i+1])
	require.NoError(t, err)
	return wait
}

// longestStop is after how long a node that was told to stop has ended, whatever hangs.
func longestStop(t *testing.T) time.Duration {
	t.Helper()
	var s settings.Settings
	s.Bind(pflag.NewFlagSet("", pflag.ContinueOnError), settings.Serving)
	const noticing = 3 * time.Second // node.Stop: what hangs is left behind
	return s.StopTimeout + noticing
}

// pod is what the checks below read of a manifest.
type pod struct {
	Grace   int `yaml:"terminationGracePeriodSeconds"`
	Volumes []struct {
		Name   string
		Secret struct {
			SecretName string `yaml:"secretName"`
		}
	}
	Containers []struct {
		Args         []string
		Env          []struct{ Name, Value string }
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
		Ports []struct {
			Name          string
			ContainerPort int `yaml:"containerPort"`
		}
		Liveness  probe `yaml:"livenessProbe"`
		Readiness probe `yaml:"readinessProbe"`
		Startup   probe `yaml:"startupProbe"`
		Lifecycle struct {
			PreStop struct{ Exec struct{ Command []string } } `yaml:"preStop"`
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// mounted are the names of Secrets by the folder where the container finds them.
func (p pod) mounted() map[string]string {
	at := map[string]string{}
	for _, m := range p.Containers[0].VolumeMounts {
		for _, v := range p.Volumes {
			if v.Name == m.Name && v.Secret.SecretName != "" {
				at[m.MountPath] = v.Secret.SecretName
			}
		}
	}
	return at
}

// exampleSecrets are the files of each Secret in a manifest.
func exampleSecrets(t *testing.T, manifest string) map[string]map[string]string {
	t.Helper()
	files := map[string]map[string]string{}
	for d := yaml.NewDecoder(strings.NewReader(manifest)); ; {
		var secret struct {
			Metadata   struct{ Name string }
			StringData map[string]string `yaml:"stringData"`
		}
		err := d.Decode(&secret)
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		files[secret.Metadata.Name] = secret.StringData
	}
}

// The pods' command lines are ones that the program takes, with the settings of the example's Secret; the probes ask routes that
// exist; and the grace is longer than the longest stop.
func TestDeploy_Pods(t *testing.T) {
	t.Parallel()
	texts, dir := deployTexts(t), credentials(t, "tls.crt", "tls.key", "ca.crt")
	secrets := exampleSecrets(t, texts[deployDir+"/kubernetes/secret.example.yaml"])
	require.Len(t, secrets, 2)
	certificates := map[string]string{
		"LEADWIRE_CLUSTER_CERT": "--cluster-cert", "LEADWIRE_CLUSTER_CERT_KEY": "--cluster-cert-key", "LEADWIRE_CLUSTER_CA": "--cluster-ca",
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "leadwire.yaml"), []byte(secrets["leadwire"]["leadwire.yaml"]), 0o600))
	var api struct{ Paths map[string]any }
	b, err := os.ReadFile("../../httpedge/openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(b, &api))
	for _, file := range []string{"statefulset.yaml", "migrate.yaml"} {
		var m struct {
			Spec struct{ Template struct{ Spec pod } }
		}
		require.NoError(t, yaml.Unmarshal([]byte(texts[deployDir+"/kubernetes/"+file]), &m))
		require.Len(t, m.Spec.Template.Spec.Containers, 1, file)
		c := m.Spec.Template.Spec.Containers[0]
		for i, arg := range c.Args {
			c.Args[i] = strings.Replace(arg, "/etc/leadwire", dir, 1)
		}
		mounted := m.Spec.Template.Spec.mounted()
		for _, e := range c.Env {
			if folder, name := filepath.Split(e.Value); strings.HasPrefix(folder, "/etc/") {
				require.Contains(t, secrets[mounted[filepath.Clean(folder)]], name, e.Name)
				if flag, ofNodes := certificates[e.Name]; ofNodes { // which are read
					c.Args = append(c.Args, flag, filepath.Join(dir, name))
				}
			}
		}
		accepts(t, c.Args...)
		if file == "migrate.yaml" {
			continue
		}
		for _, p := range []probe{c.Liveness, c.Readiness, c.Startup} {
			require.True(t, api.Paths[p.HTTPGet.Path] != nil, p.HTTPGet.Path) // Contains would print them all
			require.Equal(t, "http", p.HTTPGet.Port)
		}
		hook := c.Lifecycle.PreStop.Exec.Command
		require.Equal(t, "/usr/local/bin/leadwire", hook[0])
		accepts(t, hook[1:]...)
		require.Greater(t, time.Duration(m.Spec.Template.Spec.Grace)*time.Second, waits(t, hook)+longestStop(t))
	}
}

// Every alert is described on the page, has a scenario in which it fires, and nothing is described that is no alert.
func TestDeploy_AlertsAreDescribed(t *testing.T) {
	t.Parallel()
	texts := deployTexts(t)
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(texts[deployDir+"/prometheus/rules.yaml"]), &rules))
	var alerts []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			alerts = append(alerts, r.Alert)
		}
	}
	require.Greater(t, len(alerts), 20)
	named := func(pattern string, texts ...string) (names []string) {
		for _, text := range texts {
			for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
				names = append(names, m[1])
			}
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	slices.Sort(alerts)
	require.Equal(t, alerts, slices.Compact(slices.Clone(alerts)), "each once")
	require.Equal(t, alerts, named("(?m)^\\| `(Leadwire[A-Z]\\w+)` \\|", texts[deployDir+".md"]), "a row of docs/deploy.md each")
	require.Equal(t, alerts, named(`alertname="(Leadwire\w+)"`, texts[deployDir+"/prometheus/rules_test.yaml"], texts[deployDir+"/prometheus/rules_slow_test.yaml"]),
		"a scenario each")
	operations, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	require.Subset(t, alerts, named("`(Leadwire[A-Z]\\w+)`", string(operations)))
}
