package strictjson

import (
	"iter"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is a value's JSON type.
type Kind uint8

const (
	Absent Kind = iota // no such value: what Get answers for a key that is not there
	Null
	Bool
	Number
	String
	Array
	Object
)

// String is the kind as a message names it.
func (k Kind) String() string {
	return [...]string{"absent", "null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// Value is one value of a Doc, valid until the Doc is used to parse again. The zero Value is Absent.
type Value struct {
	doc *Doc
	at  int32
}

// Kind is the value's type.
func (v Value) Kind() Kind {
	if v.doc == nil {
		return Absent
	}
	return v.doc.nodes[v.at].kind
}

// Key is the value's name within its object, escapes undone; "" outside of objects.
func (v Value) Key() string {
	if v.doc == nil {
		return ""
	}
	return v.doc.nodes[v.at].key
}

// Get finds an object's member. It is Absent when there is none or v is no object.
func (v Value) Get(key string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	for at := v.doc.nodes[v.at].first; at != 0; at = v.doc.nodes[at].next {
		if v.doc.nodes[at].key == key {
			return Value{v.doc, at}
		}
	}
	return Value{}
}

// Children walks an array's or object's values in their order.
func (v Value) Children() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if k := v.Kind(); k != Array && k != Object {
			return
		}
		for at := v.doc.nodes[v.at].first; at != 0; at = v.doc.nodes[at].next {
			if !yield(Value{v.doc, at}) {
				return
			}
		}
	}
}

// Text is a string with its escapes undone, or any other value as it stands in the text. It shares the
// parsed text's memory where it can: clone what is kept for long.
func (v Value) Text() string {
	if v.doc == nil {
		return ""
	}
	n := &v.doc.nodes[v.at]
	raw := v.doc.text[n.start:n.end]
	if n.escaped {
		return unescape(raw)
	}
	return raw
}

// unescape undoes the escapes of a string that Parse has checked.
func unescape(raw string) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			b.WriteByte(c)
			i++
			continue
		}
		if raw[i+1] != 'u' {
			b.WriteByte(simple(raw[i+1]))
			i += 2
			continue
		}
		r := hex4(raw[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if strings.HasPrefix(raw[i:], `\u`) {
				low = utf16.DecodeRune(r, hex4(raw[i+2:]))
			}
			if low != utf8.RuneError {
				i += 6
			}
			r = low
		}
		b.WriteRune(r)
	}
	return b.String()
}

func simple(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default: // '"', '\\', '/'
		return c
	}
}

// hex4 reads four hex digits that Parse has checked.
func hex4(s string) rune {
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case c <= '9':
			c -= '0'
		case c >= 'a':
			c -= 'a' - 10
		default:
			c -= 'A' - 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
