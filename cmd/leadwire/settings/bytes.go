package settings

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a size: "65536", "64KiB", "1MiB", "2GiB". Decimal units are refused: nobody who writes
// "1MB" for a limit means to be asked which.
type Bytes int64

var units = []struct {
	suffix string
	size   Bytes
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String is the largest unit that divides the size: "64KiB".
func (b Bytes) String() string {
	for _, u := range units[:3] {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Set parses a size.
func (b *Bytes) Set(text string) error {
	number, unit := text, Bytes(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > int64((1<<62)/unit) {
		return fmt.Errorf("%q must be bytes, as 65536, 64KiB, 1MiB or 2GiB", text)
	}
	*b = Bytes(n) * unit
	return nil
}

// Type names the kind of value in a flag's help.
func (*Bytes) Type() string { return "bytes" }
