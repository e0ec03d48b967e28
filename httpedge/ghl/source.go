package ghl

import (
	"sync"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// Kind is the kind's name in a catalog.
const Kind = "ghl"

const op = "read ghl event"

// Limits of a body. Its bytes are capped by the edge (Source.MaxBody, 1 MiB by default: GHL's largest, an
// e-mail with its HTML, stay under half of that).
const (
	maxDepth  = 32    // GHL's deepest nest is 5; 32 costs nothing and survives an odd custom field
	maxValues = 16384 // a contact has about 40; bounds the parser at 640 KiB of nodes
)

// Source is one configured source of the kind.
type Source struct {
	*signature.GHL
	id   domain.SourceID
	docs sync.Pool // of *strictjson.Doc: a parse then allocates only what it returns
}

var _ source.Inbound = (*Source)(nil)

// Open prepares a source. An Invalid error names the key that cannot be read.
func Open(src domain.Source) (source.Inbound, error) {
	verify, err := signature.NewGHL(src)
	if err != nil {
		return nil, err
	}
	return &Source{GHL: verify, id: src.ID, docs: sync.Pool{New: func() any { return new(strictjson.Doc) }}}, nil
}

// Parse reads a body, which is always one event.
func (s *Source) Parse(body []byte) ([]source.Draft, error) {
	doc := s.docs.Get().(*strictjson.Doc)
	defer func() {
		doc.Forget()
		s.docs.Put(doc)
	}()
	root, err := doc.Parse(string(body), strictjson.Limits{Depth: maxDepth, Values: maxValues})
	if err != nil {
		return nil, source.RefuseText(op, err)
	}
	if root.Kind() != strictjson.Object {
		return nil, source.Refuse(op, "", source.Type, "must be an object, is "+root.Kind().String())
	}
	draft, err := s.read(newRecord(root), body)
	if err != nil {
		return nil, err
	}
	return []source.Draft{draft}, nil
}
