package graph

// words collects the values that records share, while a file is built. It is bounded: what comes after it is
// full stands in its own record, as any text can.
type words struct {
	numbers map[string]uint64
	list    []string
	bytes   int
}

// The most words and their bytes: 262,144 hold every title, city and company domain of a graph of some million
// people, and take 40 MB while building.
const (
	maxWords     = 1 << 18
	maxWordBytes = 16 << 20
	// A word shorter than this costs more as a number with a place of its own.
	minWord = 3
)

func newWords() *words { return &words{numbers: map[string]uint64{}} }

// number is the word's number; false: it has none, and gets none.
func (w *words) number(text string) (uint64, bool) {
	if len(text) < minWord {
		return 0, false
	}
	if n, known := w.numbers[text]; known {
		return n, true
	}
	if len(w.list) == maxWords || w.bytes+len(text) > maxWordBytes {
		return 0, false
	}
	n := uint64(len(w.list))
	w.numbers[text] = n
	w.list = append(w.list, text)
	w.bytes += len(text)
	return n, true
}

// word is the word of a number.
func (w *words) word(n uint64) (string, bool) {
	if n >= uint64(len(w.list)) {
		return "", false
	}
	return w.list[n], true
}
