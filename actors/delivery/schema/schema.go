// Package schema holds the JSON Schemas (draft 2020-12) of everything that leaves: one per type of event, one of a
// batch of them, and what they share. It is files and nothing else, so that the edge serves to customers the very bytes that the envelope's tests
// hold it to.
//
// A schema has no $id: it is known by where it was fetched, and its references are relative to that. So they resolve
// on every installation's own host.
package schema

import (
	"embed"
	"strings"
)

//go:embed v1/*.json
var files embed.FS

// Names lists the schemas by their path below /schemas/: "v1/visitor.identified.json".
func Names() []string {
	var names []string
	versions, _ := files.ReadDir(".") // it is compiled in
	for _, version := range versions {
		entries, _ := files.ReadDir(version.Name())
		for _, e := range entries {
			names = append(names, version.Name()+"/"+e.Name())
		}
	}
	return names
}

// Read returns a schema by its path. ok is false when there is none.
func Read(name string) (text []byte, ok bool) {
	if strings.HasSuffix(name, "/") || !strings.HasSuffix(name, ".json") {
		return nil, false
	}
	text, err := files.ReadFile(name)
	return text, err == nil
}
