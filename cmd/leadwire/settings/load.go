package settings

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

const (
	// ConfigFlag names the YAML file. It cannot stand in the file itself.
	ConfigFlag = "config"

	envPrefix = "LEADWIRE"
)

// Origins says for each setting of a command where its value came from: "flag", "environment
// LEADWIRE_LISTEN", "file leadwire.yaml" or "default".
type Origins map[string]string

// Env is the environment's name of a setting.
func Env(name string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Load lays environment and file under the flags that were parsed into fs, writes the outcome back
// into the flags' variables, which are s's, and reports where each value came from. Every fault is told
// at once.
func (s *Settings) Load(fs *pflag.FlagSet) (Origins, error) {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	if err := v.BindPFlags(fs); err != nil {
		return nil, fmt.Errorf("bind flags: %w", err)
	}
	file := v.GetString(ConfigFlag)
	if err := readFile(v, file); err != nil {
		return nil, err
	}
	origins := Origins{}
	var faults []error
	fs.VisitAll(func(f *pflag.Flag) {
		origins[f.Name] = origin(v, f, file)
		if origins[f.Name] == fromDefault || origins[f.Name] == fromFlag {
			return
		}
		if err := take(v, f); err != nil {
			faults = append(faults, fmt.Errorf("read %s from %s: %w", f.Name, origins[f.Name], err))
		}
	})
	return origins, errors.Join(append(faults, s.finish())...)
}

const (
	fromFlag    = "flag"
	fromDefault = "default"
)

func origin(v *viper.Viper, f *pflag.Flag, file string) string {
	switch {
	case f.Changed:
		return fromFlag
	case os.Getenv(Env(f.Name)) != "": // an empty variable is as good as none
		return "environment " + Env(f.Name)
	case v.InConfig(f.Name):
		return "file " + file
	default:
		return fromDefault
	}
}

// take writes viper's value into the flag, by the flag's own parser: one syntax for all origins.
func take(v *viper.Viper, f *pflag.Flag) error {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		if items, ok := v.Get(f.Name).([]any); ok {
			return list.Replace(texts(items))
		}
		return list.Replace(strings.FieldsFunc(v.GetString(f.Name), func(r rune) bool { return r == ',' }))
	}
	switch value := v.Get(f.Name).(type) {
	case map[string]any, []any:
		return fmt.Errorf("must be one value, not %v", value)
	default:
		return f.Value.Set(fmt.Sprint(value))
	}
}

func texts(items []any) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = fmt.Sprint(item)
	}
	return all
}

// readFile reads the YAML file, and refuses keys that are no setting of any command: a misspelt
// limit must not be a limit that silently is not there.
func readFile(v *viper.Viper, path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	alone := viper.New() // v knows every flag's name too, so it cannot tell what the file says
	for _, into := range []*viper.Viper{v, alone} {
		into.SetConfigType("yaml")
		if err := into.ReadConfig(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("read configuration %s: %w", path, err)
		}
	}
	known := Names()
	var faults []error
	for _, key := range slices.Sorted(slices.Values(alone.AllKeys())) {
		if !slices.Contains(known, key) {
			faults = append(faults, fmt.Errorf("read configuration %s: unknown key %q%s", path, key, nearest(key, known)))
		}
	}
	return errors.Join(faults...)
}

// Names lists every setting that a file may hold, in the order of Print.
func Names() []string {
	var names []string
	all().VisitAll(func(f *pflag.Flag) {
		if f.Name != ConfigFlag {
			names = append(names, f.Name)
		}
	})
	return names
}

func all() *pflag.FlagSet {
	fs := pflag.NewFlagSet("all", pflag.ContinueOnError)
	new(Settings).Bind(fs, Storage|Serving|Logging)
	return fs
}

// nearest offers the setting that was probably meant: the key's dashes, underscores and case aside.
func nearest(key string, known []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
	}
	for _, name := range known {
		if plain(name) == plain(key) {
			return fmt.Sprintf(" (did you mean %q?)", name)
		}
	}
	return ""
}
