package settings

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/persistence"
	"github.com/leadwire/leadwire/persistence/embedded"
	"github.com/leadwire/leadwire/persistence/postgres"
)

// notSettings are the fields that no operator sets, each with its reason.
var notSettings = map[string]string{
	"httpedge/sse.Portable":        "for tests",
	"persistence/groupcommit.Name": "a node has one writer", "persistence/groupcommit.Outcomes": "the store's own words",
	"actors.Gate":               "its fields are settings, as actors/delivery/gate",
	"httpedge/outbound.RootCAs": "for tests", "httpedge/outbound.Refuse": "given as text, by outbound-refuse",
	"persistence.Log": collaborator, "persistence.Registerer": collaborator, "persistence.Clock": collaborator,
	"persistence.Commit":        "its fields are settings, as persistence/groupcommit",
	"persistence/postgres.Fail": "for tests", "persistence/embedded.Fail": "for tests", "persistence/postgres.Tracer": "for tests",
	"cluster.SecretKey": "given as base64, by cluster-secret",
	"cluster.ServerTLS": "read from files, by cluster-cert, cluster-cert-key and cluster-ca", "cluster.ClientTLS": "likewise",
	"cluster.JoinWait": timing, "cluster.Linger": timing, "cluster.AskTimeout": timing, "cluster.AskTry": timing,
	"cluster.LedgerTimeout": timing, "cluster.Reread": timing, "cluster.BusyGrace": timing, "cluster.DrainLimit": timing,
	"cluster.Restarts": timing, "cluster.RestartWindow": timing,
}

const collaborator = "a collaborator, which the node hands over"

const timing = "times of the protocol hang together: cluster/DESIGN.md"

// sharedComment are fields whose comment tells the defaults of two; the test reads the first.
var sharedComment = map[string]bool{"httpedge/sse.RetryMax": true, "persistence/groupcommit.QueueBytes": true, "httpedge/sse.PerNode": true}

// Every limit of every part is a setting, and its default is the one that the part's comment promises.
func TestSettings_CoverEveryField(t *testing.T) {
	t.Parallel()
	var s Settings
	fs := pflag.NewFlagSet("all", pflag.ContinueOnError)
	s.Bind(fs, Storage|Serving|Logging)
	bound := map[uintptr]*pflag.Flag{}
	fs.VisitAll(func(f *pflag.Flag) { bound[target(f.Value)] = f })
	for folder, config := range map[string]any{
		"httpedge": &s.Node.Edge, "httpedge/sse": &s.Node.Streams, "actors": &s.Node.Actors,
		"cluster": &s.Node.Cluster, "persistence/groupcommit": &s.Node.Storage.Commit, "persistence": &s.Node.Storage,
		"actors/delivery/gate": &s.Node.Actors.Gate, "httpedge/outbound": &s.Node.Outbound,
		"actors/identity/slow": &s.Node.Identity.Slow, "actors/identity/overlay": &s.Node.Identity.Overlay,
	} {
		promised := promises(t, folder)
		fields := reflect.ValueOf(config).Elem()
		for i := range fields.NumField() {
			name := folder + "." + fields.Type().Field(i).Name
			flag := bound[fields.Field(i).Addr().Pointer()]
			if flag == nil || fields.Field(i).Kind() == reflect.Struct { // a struct shares its first field's address
				require.NotEmpty(t, notSettings[name], "%s is no setting: bind it, or say here why not", name)
				continue
			}
			require.Empty(t, notSettings[name], "%s is a setting after all", name)
			if want, told := promised[fields.Type().Field(i).Name]; told && !sharedComment[name] {
				require.Equal(t, plainValue(want), plainValue(flag.DefValue), "default of --%s, for %s", flag.Name, name)
			}
		}
	}
}

// What a store can be told can be told through persistence, or has a reason not to.
func TestSettings_ReachTheStores(t *testing.T) {
	t.Parallel()
	through := reflect.TypeFor[persistence.Options]()
	for folder, options := range map[string]reflect.Type{
		"persistence/embedded": reflect.TypeFor[embedded.Options](), "persistence/postgres": reflect.TypeFor[postgres.Options](),
	} {
		for i := range options.NumField() {
			field := options.Field(i)
			same, reached := through.FieldByName(field.Name)
			if notSettings[folder+"."+field.Name] != "" {
				require.False(t, reached, "%s.%s is a setting after all", folder, field.Name)
				continue
			}
			require.True(t, reached, "%s.%s cannot be set through persistence.Options: add it, or say here why not", folder, field.Name)
			require.Equal(t, field.Type, same.Type, "%s.%s", folder, field.Name)
		}
	}
}

// target is the address of the variable that a flag sets.
func target(v pflag.Value) uintptr {
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer && r.Elem().Kind() == reflect.Struct { // a slice's value
		return r.Elem().FieldByName("value").Pointer()
	}
	if r.Kind() == reflect.Struct { // a size
		return r.FieldByName("to").Pointer()
	}
	return r.Pointer()
}

var promise = regexp.MustCompile(`default ("[^"]+"|[0-9][\w.,]*(?: [KMG]iB)?)`)

// promises reads the defaults out of the comments of a package's Config.
func promises(t *testing.T, folder string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../"+source(folder), nil, parser.ParseComments)
	require.NoError(t, err)
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || !strings.HasSuffix(spec.Name.Name, "Config") && spec.Name.Name != "Options" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			text := strings.ReplaceAll(field.Doc.Text()+" "+field.Comment.Text(), "\n", " ")
			if m := promise.FindStringSubmatch(text); m != nil {
				for _, name := range field.Names {
					found[name.Name] = m[1]
				}
			}
		}
		return false
	})
	require.NotEmpty(t, found, folder)
	return found
}

// source is the file that declares a part's values.
func source(folder string) string {
	switch {
	case folder == "persistence":
		return "persistence/open.go"
	case folder == "actors/delivery/gate":
		return folder + "/gate.go"
	case strings.HasPrefix(folder, "actors/identity/"): // one part to a file
		return folder + ".go"
	}
	return folder + "/config.go"
}

// plainValue makes "20,000", "8 KiB" and "2m" comparable to what flags print.
func plainValue(text string) string {
	text = strings.Trim(strings.ReplaceAll(strings.ReplaceAll(text, ",", ""), " ", ""), `".`)
	if d, err := time.ParseDuration(text); err == nil {
		return d.String()
	}
	return text
}
