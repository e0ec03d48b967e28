package delivery

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Known says whether a path is one of the envelope's. A contact's custom fields are called what the customer's CRM
// calls them, so anything may stand after "contact.fields.". Rules and shapes are checked with it: a misspelt path
// would else match nothing and say nothing.
func Known(path string) bool { return path != "" && knows(reflect.TypeFor[Envelope](), path) }

func knows(t reflect.Type, path string) bool {
	for t.Kind() == reflect.Pointer || (t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]()) {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		t = reflect.TypeFor[domain.Contact]()
	}
	if path == "" {
		return true
	}
	switch t.Kind() {
	case reflect.Map:
		return true
	case reflect.Struct:
	default:
		return false
	}
	first, rest, deeper := strings.Cut(path, ".")
	if deeper && rest == "" {
		return false
	}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == first && name != "" {
			return knows(t.Field(i).Type, rest)
		}
	}
	return false
}
