package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Unit is what a figure is measured in. Values are kept in the base unit: seconds, bytes, fractions.
type Unit string

// The units there are.
const (
	Seconds   Unit = "s"
	Bytes     Unit = "B"
	PerSecond Unit = "/s"
	Fraction  Unit = "%" // 0.25 is shown, and required, as 25%
	Number    Unit = ""
)

// Spec names a figure that a scenario promises to measure.
type Spec struct {
	Name string
	Unit Unit
	Help string // its definition, one sentence
	// Fault counts what should not happen. Of several runs the worst is kept, and not the median.
	Fault bool
}

// Figure is one measured value.
type Figure struct {
	Spec
	Value float64
	Known bool // false: this run could not measure it (another machine's memory, say)
}

// String is the value as people read it: three digits and the unit that fits.
func (f Figure) String() string {
	if !f.Known {
		return "unmeasured"
	}
	return f.Unit.format(f.Value)
}

func (u Unit) format(v float64) string {
	switch u {
	case Seconds:
		return scaled(v, []scale{{"s", 1}, {"ms", 1e-3}, {"µs", 1e-6}})
	case Bytes:
		return scaled(v, []scale{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}})
	case Fraction:
		return threeDigits(v*100) + "%"
	case PerSecond:
		return threeDigits(v) + "/s"
	default:
		return threeDigits(v)
	}
}

type scale struct {
	name string
	size float64
}

// scaled picks the largest unit in which v is at least 1, and the smallest one for less.
func scaled(v float64, scales []scale) string {
	for _, s := range scales {
		if math.Abs(v) >= s.size {
			return threeDigits(v/s.size) + s.name
		}
	}
	if v == 0 {
		return "0" + scales[len(scales)-1].name
	}
	last := scales[len(scales)-1]
	return threeDigits(v/last.size) + last.name
}

// threeDigits shows three significant digits, and whole numbers whole.
func threeDigits(v float64) string {
	abs := math.Abs(v)
	switch {
	case v == math.Trunc(v) && abs < 1e15:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 100:
		return trimZeros(strconv.FormatFloat(v, 'f', 1, 64))
	case abs >= 10:
		return trimZeros(strconv.FormatFloat(v, 'f', 2, 64))
	default:
		return trimZeros(strconv.FormatFloat(v, 'f', 3, 64))
	}
}

func trimZeros(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// parse reads a value written with a unit that belongs to u: "25ms" is 0.025 seconds. A bare 0 fits
// every unit; other bare numbers only those that are counted.
func (u Unit) parse(text string) (float64, error) {
	end := strings.LastIndexAny(text, "0123456789.") + 1
	number, suffix := text[:end], strings.TrimSpace(text[end:])
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) || v < 0 {
		return 0, fmt.Errorf("%q is not a number with a unit", text)
	}
	if v == 0 && suffix == "" {
		return 0, nil
	}
	size, ok := u.sizes()[suffix]
	if !ok {
		return 0, fmt.Errorf("%q: want a unit among %s", text, u.allowed())
	}
	return v * size, nil
}

func (u Unit) sizes() map[string]float64 {
	switch u {
	case Seconds:
		return map[string]float64{"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60}
	case Bytes:
		return map[string]float64{"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	case Fraction:
		return map[string]float64{"%": 0.01, "": 1}
	case PerSecond:
		return map[string]float64{"/s": 1, "": 1}
	default:
		return map[string]float64{"": 1}
	}
}

func (u Unit) allowed() string {
	switch u {
	case Seconds:
		return "ns, us, ms, s, m"
	case Bytes:
		return "B, KB, MB, GB, KiB, MiB, GiB"
	case Fraction:
		return "% (or a plain fraction)"
	case PerSecond:
		return "/s (or none)"
	default:
		return "none: it is a count"
	}
}
