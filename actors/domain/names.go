package domain

import (
	"bytes"
	"encoding/hex"
)

// Names finds texts that name somebody, each as a word of its own and in any case: "ann@shop.example" does not stand
// in "joann@shop.example", nor in "ann@shop.example.mx". For an erasure, which must neither miss somebody nor take
// somebody else along. It is not safe for concurrent use.
type Names struct {
	texts   [][]byte
	scratch []byte
}

// NewNames takes the texts; an empty one names nobody.
func NewNames(texts []string) *Names {
	n := &Names{}
	for _, text := range texts {
		if text != "" {
			n.texts = append(n.texts, lower(nil, []byte(text)))
		}
	}
	return n
}

// Texts are what it looks for, in lower case.
func (n *Names) Texts() [][]byte { return n.texts }

// In says whether one of the texts stands in b.
func (n *Names) In(b []byte) bool {
	if len(n.texts) == 0 {
		return false
	}
	n.scratch = lower(n.scratch[:0], b)
	for _, text := range n.texts {
		if hasWord(n.scratch, text) {
			return true
		}
	}
	return false
}

// lower appends b with ASCII letters in lower case, as hashes and the names of hosts do not tell them apart.
func lower(to, b []byte) []byte {
	at := len(to)
	to = append(to, b...)
	for i, c := range to[at:] {
		if 'A' <= c && c <= 'Z' {
			to[at+i] = c + 'a' - 'A'
		}
	}
	return to
}

func hasWord(b, text []byte) bool {
	for from := 0; ; from++ {
		at := bytes.Index(b[from:], text)
		if at < 0 {
			return false
		}
		from += at
		if !endsWord(b[:from]) && !goesOnWord(b[from+len(text):]) {
			return true
		}
	}
}

// endsWord says whether what stands before is a part of the same word. It may be written as JSON or an address has
// it: `\n`, `\u003c`, "%3D".
func endsWord(before []byte) bool {
	n := len(before)
	if n == 0 {
		return false
	}
	c := before[n-1]
	switch {
	case n >= 2 && before[n-2] == '\\' && bytes.IndexByte([]byte("nrtbf"), c) >= 0:
		return false
	case n >= 6 && before[n-6] == '\\' && before[n-5] == 'u':
		return false
	case n >= 3 && before[n-3] == '%':
		b, err := hex.DecodeString(string(before[n-2:]))
		return err != nil || joins(b[0])
	}
	return joins(c)
}

// joins says whether a byte before a text belongs to its word.
func joins(c byte) bool { return isWord(c) || bytes.IndexByte([]byte("._-+"), c) >= 0 }

// goesOnWord is the same of what stands behind; a full stop ends a sentence or goes on with a domain.
func goesOnWord(behind []byte) bool {
	if len(behind) > 1 && behind[0] == '.' {
		behind = behind[1:]
	}
	return len(behind) > 0 && (isWord(behind[0]) || behind[0] == '-')
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}
