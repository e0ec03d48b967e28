package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// Masked stands in place of a secret. A URL takes it unescaped.
const Masked = "REDACTED"

// Print writes the settings of fs as YAML that a file for --config could hold, each with its origin.
// Secrets are masked; one that is not set is shown as that.
func Print(w io.Writer, fs *pflag.FlagSet, origins Origins) error {
	var out bytes.Buffer
	known := Names()
	var fault error
	fs.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(known, f.Name) {
			return
		}
		var value yaml.Node
		if fault = errors.Join(fault, value.Encode(shown(f))); fault != nil {
			return
		}
		value.Style |= yaml.FlowStyle // lists too stay on their line
		text, err := yaml.Marshal(&value)
		fault = errors.Join(fault, err)
		fmt.Fprintf(&out, "%s: %s # %s\n", f.Name, bytes.TrimSpace(text), origins[f.Name])
	})
	if fault != nil {
		return fmt.Errorf("print settings: %w", fault)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	return nil
}

// shown is a setting's value as the file would hold it, secrets masked.
func shown(f *pflag.Flag) any {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	switch text := f.Value.String(); f.Name {
	case "store", "identity-db":
		return MaskStore(text)
	case "cluster-secret", "master-key":
		if text == "" {
			return ""
		}
		return Masked
	default:
		return typed(f.Value.Type(), text)
	}
}

// typed keeps numbers and truths from being quoted.
func typed(kind, text string) any {
	switch kind {
	case "int":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case "bool":
		return text == "true"
	}
	return text
}

var keywordPassword = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)`)

// MaskStore masks the passwords of a store's URL: in its user part, in its query, and in the
// "key=value" form of a Postgres connection string. Text that is no URL is masked whole when it could
// hold one.
func MaskStore(store string) string {
	u, err := url.Parse(store)
	if err != nil {
		return Masked
	}
	if u.Scheme == "" {
		return keywordPassword.ReplaceAllString(store, "${1}"+Masked)
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), Masked)
	}
	query := u.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if query.Has(name) {
			query.Set(name, Masked)
			u.RawQuery = query.Encode()
		}
	}
	return u.String()
}
