package strictjson

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// Limits bound what Parse accepts. There is no limit on the text's length but 2 GiB: the caller has the
// text in memory already.
type Limits struct {
	Depth  int // arrays and objects inside one another; the outermost is 1
	Values int // values of any kind, containers included
}

// Fault is what is wrong with a text.
type Fault struct {
	Rule   Broken
	Key    string // for Duplicate
	Offset int    // bytes from the start
}

// Broken is the rule a text breaks.
type Broken uint8

const (
	Syntax    Broken = iota + 1 // not exactly one JSON value
	UTF8                        // bytes that are not UTF-8
	Duplicate                   // a key twice in one object
	TooDeep                     // Limits.Depth
	TooMany                     // Limits.Values
)

func (f *Fault) Error() string {
	switch f.Rule {
	case UTF8:
		return "the text is not UTF-8"
	case Duplicate:
		return "an object has the same key twice"
	case TooDeep:
		return "arrays and objects are nested too deep"
	case TooMany:
		return "there are too many values"
	default:
		return fmt.Sprintf("not valid JSON at byte %d", f.Offset)
	}
}

// Doc is a parsed text. Its memory is used again by the next Parse; it must not be used by two goroutines
// at once.
type Doc struct {
	text   string
	nodes  []node
	limits Limits
}

// node is a value. Siblings are chained by next and a container's values start at first; 0 ends a chain,
// because node 0 is the root and nobody's sibling.
type node struct {
	key         string
	start, end  int32 // of the value in the text; a string's without its quotes
	first, next int32
	kind        Kind
	escaped     bool
}

// Parse reads text into d and returns its one value. The error is a *Fault.
func (d *Doc) Parse(text string, limits Limits) (Value, error) {
	d.text, d.nodes, d.limits = text, d.nodes[:0], limits
	if len(text) > math.MaxInt32 {
		return Value{}, &Fault{Rule: TooMany}
	}
	if !utf8.ValidString(text) {
		return Value{}, &Fault{Rule: UTF8}
	}
	end, fault := d.value(d.space(0), 0)
	if fault != nil {
		return Value{}, fault
	}
	if end = d.space(end); end != len(text) {
		return Value{}, syntax(end)
	}
	return Value{d, 0}, nil
}

// Forget lets go of the text, so that a pooled Doc does not keep it in memory.
func (d *Doc) Forget() {
	clear(d.nodes)
	d.text = ""
}

func syntax(at int) *Fault { return &Fault{Rule: Syntax, Offset: at} }

func (d *Doc) space(at int) int {
	for at < len(d.text) {
		switch d.text[at] {
		case ' ', '\t', '\n', '\r':
			at++
		default:
			return at
		}
	}
	return at
}

// value reads the value at at, which is its first byte, and returns where it ends. depth is the number of
// containers around it.
func (d *Doc) value(at, depth int) (int, *Fault) {
	if at >= len(d.text) {
		return at, syntax(at)
	}
	if len(d.nodes) >= d.limits.Values {
		return at, &Fault{Rule: TooMany, Offset: at}
	}
	self := len(d.nodes)
	d.nodes = append(d.nodes, node{start: int32(at)})
	var end int
	var fault *Fault
	switch c := d.text[at]; c {
	case '{', '[':
		if depth >= d.limits.Depth {
			return at, &Fault{Rule: TooDeep, Offset: at}
		}
		if c == '{' {
			end, fault = d.object(self, at+1, depth+1)
		} else {
			end, fault = d.array(self, at+1, depth+1)
		}
	case '"':
		var escaped bool
		end, escaped, fault = d.str(at + 1)
		n := &d.nodes[self]
		n.kind, n.escaped, n.start, n.end = String, escaped, int32(at+1), int32(end-1)
		return end, fault
	case 't':
		end, fault = d.literal(self, at, "true", Bool)
	case 'f':
		end, fault = d.literal(self, at, "false", Bool)
	case 'n':
		end, fault = d.literal(self, at, "null", Null)
	default:
		d.nodes[self].kind = Number
		end, fault = d.number(at)
	}
	d.nodes[self].end = int32(end)
	return end, fault
}

func (d *Doc) literal(self, at int, word string, kind Kind) (int, *Fault) {
	if len(d.text)-at < len(word) || d.text[at:at+len(word)] != word {
		return at, syntax(at)
	}
	d.nodes[self].kind = kind
	return at + len(word), nil
}

func (d *Doc) array(self, at, depth int) (int, *Fault) {
	d.nodes[self].kind = Array
	at = d.space(at)
	if at < len(d.text) && d.text[at] == ']' {
		return at + 1, nil
	}
	last := int32(0)
	for {
		child := int32(len(d.nodes))
		end, fault := d.value(at, depth)
		if fault != nil {
			return end, fault
		}
		last = d.chain(self, last, child)
		var more bool
		if at, more, fault = d.follow(end, ']'); fault != nil || !more {
			return at, fault
		}
	}
}

func (d *Doc) object(self, at, depth int) (int, *Fault) {
	d.nodes[self].kind = Object
	at = d.space(at)
	if at < len(d.text) && d.text[at] == '}' {
		return at + 1, nil
	}
	last := int32(0)
	var seen keys
	for {
		key, end, fault := d.key(at)
		if fault != nil {
			return end, fault
		}
		if seen.repeats(d, self, key) {
			return at, &Fault{Rule: Duplicate, Key: key, Offset: at}
		}
		child := int32(len(d.nodes))
		if end, fault = d.value(end, depth); fault != nil {
			return end, fault
		}
		d.nodes[child].key = key
		last = d.chain(self, last, child)
		var more bool
		if at, more, fault = d.follow(end, '}'); fault != nil || !more {
			return at, fault
		}
	}
}

// key reads a member's name and its colon, and returns where the member's value starts.
func (d *Doc) key(at int) (string, int, *Fault) {
	if at >= len(d.text) || d.text[at] != '"' {
		return "", at, syntax(at)
	}
	end, escaped, fault := d.str(at + 1)
	if fault != nil {
		return "", end, fault
	}
	key := d.text[at+1 : end-1]
	if escaped {
		key = unescape(key)
	}
	end = d.space(end)
	if end >= len(d.text) || d.text[end] != ':' {
		return "", end, syntax(end)
	}
	return key, d.space(end + 1), nil
}

// chain hangs child behind last, or as its container's first when last is 0.
func (d *Doc) chain(self int, last, child int32) int32 {
	if last == 0 {
		d.nodes[self].first = child
	} else {
		d.nodes[last].next = child
	}
	return child
}

// follow reads what stands behind a value in a container: a comma, and more says another value starts
// there, or closer.
func (d *Doc) follow(at int, closer byte) (end int, more bool, fault *Fault) {
	at = d.space(at)
	if at >= len(d.text) {
		return at, false, syntax(at)
	}
	switch d.text[at] {
	case ',':
		return d.space(at + 1), true, nil
	case closer:
		return at + 1, false, nil
	default:
		return at, false, syntax(at)
	}
}
