package strictjson

// str checks the string whose first byte behind the quote is at, and returns where its closing quote ends.
func (d *Doc) str(at int) (end int, escaped bool, fault *Fault) {
	text := d.text
	for at < len(text) {
		switch c := text[at]; {
		case c == '"':
			return at + 1, escaped, nil
		case c == '\\':
			escaped = true
			n := escape(text[at:])
			if n == 0 {
				return at, false, syntax(at)
			}
			at += n
		case c < 0x20:
			return at, false, syntax(at)
		default:
			at++
		}
	}
	return at, false, syntax(at)
}

// escape is the length of the escape that text starts with, 0 when it is none.
func escape(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(text) < 6 {
			return 0
		}
		for i := 2; i < 6; i++ {
			if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return 0
			}
		}
		return 6
	default:
		return 0
	}
}

// number checks the number at at and returns where it ends.
func (d *Doc) number(at int) (int, *Fault) {
	text := d.text
	if at < len(text) && text[at] == '-' {
		at++
	}
	from := at
	at = digits(text, at)
	if at == from || (text[from] == '0' && at > from+1) { // no digit, or a leading zero
		return from, syntax(from)
	}
	if at < len(text) && text[at] == '.' {
		from = at + 1
		if at = digits(text, from); at == from {
			return at, syntax(at)
		}
	}
	if at < len(text) && (text[at] == 'e' || text[at] == 'E') {
		at++
		if at < len(text) && (text[at] == '+' || text[at] == '-') {
			at++
		}
		from = at
		if at = digits(text, from); at == from {
			return at, syntax(at)
		}
	}
	return at, nil
}

func digits(text string, at int) int {
	for at < len(text) && text[at] >= '0' && text[at] <= '9' {
		at++
	}
	return at
}

// keys finds a key that an object has twice. Comparing each key with all before it is quickest for the
// few tens of a usual object; a large one gets a set, so that an object of thousands of keys cannot cost
// their square.
type keys struct {
	count int
	seen  uint64 // a bit per key by its length and its ends: most keys are told apart by it alone
	set   map[string]struct{}
}

// manyKeys is where a set becomes cheaper than comparing.
const manyKeys = 48

func (k *keys) repeats(d *Doc, object int, key string) bool {
	k.count++
	if k.set != nil {
		_, twice := k.set[key]
		k.set[key] = struct{}{}
		return twice
	}
	bit := uint64(1) << sketch(key)
	known := k.seen&bit != 0
	k.seen |= bit
	if k.count == manyKeys {
		k.fill(d, object)
		_, twice := k.set[key]
		k.set[key] = struct{}{}
		return twice
	}
	if !known {
		return false
	}
	for at := d.nodes[object].first; at != 0; at = d.nodes[at].next {
		if d.nodes[at].key == key {
			return true
		}
	}
	return false
}

func (k *keys) fill(d *Doc, object int) {
	k.set = make(map[string]struct{}, 4*manyKeys)
	for at := d.nodes[object].first; at != 0; at = d.nodes[at].next {
		k.set[d.nodes[at].key] = struct{}{}
	}
}

func sketch(key string) byte {
	n := len(key)
	if n == 0 {
		return 0
	}
	return (byte(n) + key[0]*5 + key[n/2]*17 + key[n-1]*31) & 63
}
