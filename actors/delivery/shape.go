package delivery

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/segment"
)

// Limits of a shape: it is applied to every delivery.
const (
	maxFields = 200 // more than the envelope has
	maxName   = 100 // of an outgoing field
	maxOmit   = 100
)

// Shape is another form for events that leave, ready to be applied. It is read-only.
type Shape struct {
	fields map[string][]string // outgoing name → paths, the first that says something counts
	omit   []string
}

//go:embed presets/*.json
var presets embed.FS

// NewShape reads a shape. What is wrong with it is an Invalid error with the field.
func NewShape(s domain.Shape) (*Shape, error) {
	if s.Preset != "" {
		if len(s.Fields) > 0 {
			return nil, shapeFault("fields", "has to be empty beside a preset")
		}
		fields, err := preset(s.Preset)
		if err != nil {
			return nil, err
		}
		s.Fields = fields
	}
	if len(s.Fields) > maxFields {
		return nil, shapeFault("fields", fmt.Sprintf("has to be at most %d", maxFields))
	}
	if len(s.Omit) > maxOmit {
		return nil, shapeFault("omit", fmt.Sprintf("has to be at most %d", maxOmit))
	}
	out := &Shape{fields: make(map[string][]string, len(s.Fields)), omit: slices.Clone(s.Omit)}
	for name, from := range s.Fields {
		if name == "" || len(name) > maxName {
			return nil, shapeFault("fields", fmt.Sprintf("needs names of 1 to %d bytes", maxName))
		}
		for path := range strings.SplitSeq(from, "|") {
			path = strings.TrimSpace(path)
			if !Known(path) {
				return nil, shapeFault("fields."+name, fmt.Sprintf("has to be a path in the envelope, and %q is none", path))
			}
			out.fields[name] = append(out.fields[name], path)
		}
	}
	for i, path := range s.Omit {
		if !Known(path) {
			return nil, shapeFault(fmt.Sprintf("omit[%d]", i), fmt.Sprintf("has to be a path in the envelope, and %q is none", path))
		}
	}
	return out, nil
}

// Presets lists those that come with the program.
func Presets() []string {
	var names []string
	entries, _ := presets.ReadDir("presets") // it is compiled in
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

func preset(name string) (map[string]string, error) {
	if !slices.Contains(Presets(), name) {
		return nil, shapeFault("preset", "has to be one of "+strings.Join(Presets(), ", "))
	}
	b, err := presets.ReadFile("presets/" + name + ".json")
	if err != nil {
		return nil, domain.Fail("read preset", domain.Internal, err)
	}
	var file struct {
		Fields map[string]string `json:"fields"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, domain.Fail("read preset "+name, domain.Internal, err)
	}
	return file.Fields, nil
}

// Apply turns an envelope into the shape. Names come in alphabetical order, so the same envelope makes the same bytes
// for every attempt. A name whose path says nothing is null; one whose path goes through a list is a list.
func (s *Shape) Apply(envelope json.RawMessage) (json.RawMessage, error) {
	if len(s.fields) == 0 && len(s.omit) == 0 {
		return envelope, nil
	}
	record, err := segment.ParseRecord(envelope)
	if err != nil {
		return nil, err
	}
	for _, path := range s.omit {
		remove(map[string]any(record), strings.Split(path, "."))
	}
	if len(s.fields) == 0 {
		return encode(record)
	}
	out := make(map[string]any, len(s.fields))
	for name, paths := range s.fields {
		out[name] = nil
		for _, path := range paths {
			if value, there := pick(map[string]any(record), strings.Split(path, ".")); there {
				out[name] = value
				break
			}
		}
	}
	return encode(out)
}

// pick takes what a path names, as it is; through a list, the list of what its elements say.
func pick(value any, path []string) (any, bool) {
	if list, ok := value.([]any); ok && len(path) > 0 {
		var all []any
		for _, one := range list {
			if v, there := pick(one, path); there {
				all = append(all, v)
			}
		}
		return all, len(all) > 0
	}
	if len(path) == 0 {
		return value, value != nil && value != ""
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	return pick(object[path[0]], path[1:])
}

// remove takes a path out, of every element where it goes through a list.
func remove(value any, path []string) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			remove(one, path)
		}
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
			return
		}
		remove(v[path[0]], path[1:])
	}
}

// Fields lists the shape's outgoing names; none when it only leaves out.
func (s *Shape) Fields() []string { return slices.Sorted(maps.Keys(s.fields)) }

func shapeFault(field, rule string) error { return domain.FailField("read shape", field, rule) }
