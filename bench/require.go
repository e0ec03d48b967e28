package bench

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Requirement is one condition on a figure: "sse.p95<25ms".
type Requirement struct {
	Figure string
	Op     string // one of < <= > >= =
	Value  float64
	text   string
}

// String is the requirement as it was written.
func (r Requirement) String() string { return r.text }

// Miss is a requirement that did not hold.
type Miss struct {
	Requirement Requirement
	Got         string
}

func (m Miss) String() string { return fmt.Sprintf("%s does not hold: %s", m.Requirement, m.Got) }

// ParseRequire reads conditions separated by commas. Every one must name a figure of specs and a value
// in that figure's unit; otherwise the error (Invalid) names the condition and the rule, so that a
// misspelt requirement fails before the run and not after it.
func ParseRequire(text string, specs []Spec) ([]Requirement, error) {
	var reqs []Requirement
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		r, err := parseRequirement(part, specs)
		if err != nil {
			return nil, domain.FailField("parse requirement", part, err.Error())
		}
		reqs = append(reqs, r)
	}
	return reqs, nil
}

func parseRequirement(text string, specs []Spec) (Requirement, error) {
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return Requirement{}, fmt.Errorf("has no <, <=, >, >= or =")
	}
	op := text[at : at+1]
	if op != "=" && strings.HasPrefix(text[at+1:], "=") {
		op += "="
	}
	name, value := strings.TrimSpace(text[:at]), strings.TrimSpace(text[at+len(op):])
	i := slices.IndexFunc(specs, func(s Spec) bool { return s.Name == name })
	if i < 0 {
		return Requirement{}, fmt.Errorf("no figure is called %q; there are %s", name, names(specs))
	}
	v, err := specs[i].Unit.parse(value)
	if err != nil {
		return Requirement{}, err
	}
	return Requirement{Figure: name, Op: op, Value: v, text: text}, nil
}

func names(specs []Spec) string {
	all := make([]string, len(specs))
	for i, s := range specs {
		all[i] = s.Name
	}
	return strings.Join(all, ", ")
}

// holds compares. Both sides of = went through the same conversion or are counts, so equality is exact.
func (r Requirement) holds(v float64) bool {
	switch r.Op {
	case "<":
		return v < r.Value
	case "<=":
		return v <= r.Value
	case ">":
		return v > r.Value
	case ">=":
		return v >= r.Value
	default:
		return v == r.Value
	}
}
