package pixel

import (
	"fmt"
	"sync"

	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

const op = "read hits"

// Limits of a body's JSON: a hit has 5 levels within its array, and some 30 values.
const (
	maxDepth  = 12
	maxValues = 8192
)

var docs = sync.Pool{New: func() any { return new(strictjson.Doc) }} //nolint:gochecknoglobals // memory to use again, no state

// Parse reads a request's body: one hit, or an array of 1 to MaxItems. The items are in the body's order.
// An error is about the whole body, Invalid, and carries a source.Rule. The body is the hits' to keep: the
// caller does not change it afterwards.
func Parse(body []byte, p Request) ([]Item, error) {
	doc := docs.Get().(*strictjson.Doc)
	defer func() {
		doc.Forget()
		docs.Put(doc)
	}()
	root, err := doc.Parse(string(body), strictjson.Limits{Depth: maxDepth, Values: maxValues})
	if err != nil {
		return nil, source.RefuseText(op, err)
	}
	switch root.Kind() {
	case strictjson.Object:
		return []Item{read(root, 0, &p)}, nil
	case strictjson.Array:
	default:
		return nil, source.Refuse(op, "", source.Type, "must be a hit or an array of hits, is "+root.Kind().String())
	}
	n := 0
	for range root.Children() {
		n++
	}
	if n < 1 || n > MaxItems {
		return nil, source.Refuse(op, "", source.Count, fmt.Sprintf("must have 1 to %d hits, has %d", MaxItems, n))
	}
	items := make([]Item, 0, n)
	for v := range root.Children() {
		items = append(items, read(v, len(items), &p))
	}
	return items, nil
}
