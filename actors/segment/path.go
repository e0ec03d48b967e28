package segment

import (
	"iter"
	"strconv"
	"strings"
)

// Values are what a path names: "company.name" goes into objects, and into every element of a list on its way;
// a number picks one element, "visit.pages.0.url". Lists are taken apart, and what is null or empty is left out, so
// nothing that is yielded is a list.
func (r Record) Values(path string) iter.Seq[any] {
	return func(yield func(any) bool) { walk(map[string]any(r), path, yield) }
}

// walk goes down a path and reports whether to go on.
func walk(value any, path string, yield func(any) bool) bool {
	switch v := value.(type) {
	case []any:
		if first, rest, _ := strings.Cut(path, "."); path != "" {
			if i, err := strconv.ParseUint(first, 10, 31); err == nil {
				return i >= uint64(len(v)) || walk(v[i], rest, yield)
			}
		}
		for _, one := range v {
			if !walk(one, path, yield) {
				return false
			}
		}
		return true
	case []string:
		for _, one := range v {
			if path == "" && one != "" && !yield(one) {
				return false
			}
		}
		return true
	case Record:
		return inside(v, path, yield)
	case map[string]any:
		return inside(v, path, yield)
	}
	if path != "" || value == nil || value == "" {
		return true
	}
	return yield(value)
}

// inside goes on in an object. Names that contain dots are found too, the shortest first: a CRM's custom fields are
// called what people call them.
func inside(object map[string]any, path string, yield func(any) bool) bool {
	if path == "" {
		return len(object) == 0 || yield(object)
	}
	for at := 0; ; {
		dot := strings.IndexByte(path[at:], '.')
		if dot < 0 {
			value, there := object[path]
			return !there || walk(value, "", yield)
		}
		at += dot
		if value, there := object[path[:at]]; there && !walk(value, path[at+1:], yield) {
			return false
		}
		at++
	}
}
