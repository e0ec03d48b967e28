package settings

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// size is a setting in bytes: "65536", "64KiB", "1MiB", "2GiB". Decimal units are refused: nobody who
// writes "1MB" for a limit means to be asked which.
type size[T int | int64] struct{ to *T }

func bytesVar[T int | int64](fs *pflag.FlagSet, to *T, name string, value T, usage string) {
	*to = value
	fs.Var(size[T]{to}, name, usage)
}

// BytesVar is a flag for bytes, of a command whose flags are no settings.
func BytesVar[T int | int64](fs *pflag.FlagSet, to *T, name string, value T, usage string) {
	bytesVar(fs, to, name, value, usage)
}

var units = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String is the size in the largest unit that divides it: "64KiB".
func (s size[T]) String() string {
	if s.to == nil { // pflag asks a zero value whether a default is worth showing
		return ""
	}
	n := int64(*s.to)
	for _, u := range units[:3] {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}

// Set parses a size.
func (s size[T]) Set(text string) error {
	number, unit := text, int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > largest/unit {
		return fmt.Errorf("%q must be bytes, as 65536, 64KiB, 1MiB or 2GiB", text)
	}
	*s.to = T(n * unit)
	return nil
}

// largest keeps sizes within an int of any machine we run on, with room to add.
const largest = 1 << 40

// Type names the kind of value in a flag's help.
func (size[T]) Type() string { return "bytes" }
