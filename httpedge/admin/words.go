package admin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/actors/domain"
)

// wordsOf is a part of the catalog in the words of its file: durations are "30m", not nanoseconds.
func wordsOf(part any) (map[string]any, error) {
	text, err := yaml.Marshal(part)
	if err != nil {
		return nil, err
	}
	var plain map[string]any
	return plain, yaml.Unmarshal(text, &plain)
}

// readWords reads a part of the catalog as it stands in its file; JSON is YAML.
func readWords(what string, body []byte, into any) error {
	op := "read " + what
	d := yaml.NewDecoder(bytes.NewReader(body))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the body is empty")
		}
		return domain.Fail(op, domain.Invalid, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return domain.Fail(op, domain.Invalid, fmt.Errorf("there is something behind the %s", what))
	}
	return nil
}

// tag names a revision of the catalog: its parts have none of their own, so any change of the catalog is one.
func tag(revision int64) string { return `"c` + strconv.FormatInt(revision, 10) + `"` }

// expected is the revision that If-Match names; negative: any.
func expected(c *Call) (int64, error) {
	text := strings.TrimSpace(c.Header("If-Match"))
	if text == "" || text == "*" {
		return -1, nil
	}
	digits, ok := strings.CutPrefix(text, `"c`)
	n, err := strconv.ParseInt(strings.TrimSuffix(digits, `"`), 10, 64)
	if !ok || err != nil || n < 0 || tag(n) != text {
		return 0, domain.FailField("read If-Match", "If-Match", "must be an ETag of an earlier answer")
	}
	return n, nil
}
