package segment

import (
	"fmt"
	"math"

	"github.com/leadwire/leadwire/actors/domain"
)

// Limits of one filter. A rule is read by people and tried on every sighting.
const (
	// MaxField is the longest path: the envelope's longest is 30 bytes, a custom field's name may be long.
	MaxField = 200
	// MaxValue is the longest value to compare with: more than any name or URL prefix that makes sense.
	MaxValue = 500
	// MaxValues is how many values one filter may list: all countries four times over. They are compared one by
	// one, which takes some 10 µs at this length.
	MaxValues = 1000
)

// Check says what is wrong with a filter: an Invalid error with the field of the filter, and the rule.
func Check(f domain.Filter) error {
	if f.Field == "" || len(f.Field) > MaxField {
		return fault("field", fmt.Sprintf("has to be the path of a field, at most %d bytes", MaxField))
	}
	switch f.Op {
	case domain.Equals, domain.In, domain.Range, domain.Prefix, domain.Exists:
	default:
		return fault("op", "has to be equals, in, range, prefix or exists")
	}
	if err := checkUnused(f); err != nil {
		return err
	}
	switch f.Op {
	case domain.Equals, domain.Prefix:
		if f.Value == "" || len(f.Value) > MaxValue {
			return fault("value", fmt.Sprintf("has to be 1 to %d bytes", MaxValue))
		}
	case domain.In:
		return checkValues(f.Values)
	case domain.Range:
		return checkRange(f.Min, f.Max)
	}
	return nil
}

// checkUnused refuses what the operation does not look at: whoever wrote it expects it to count.
func checkUnused(f domain.Filter) error {
	switch {
	case f.Value != "" && f.Op != domain.Equals && f.Op != domain.Prefix:
		return fault("value", "belongs to equals and prefix")
	case len(f.Values) > 0 && f.Op != domain.In:
		return fault("values", "belongs to in")
	case f.Min != nil && f.Op != domain.Range:
		return fault("min", "belongs to range")
	case f.Max != nil && f.Op != domain.Range:
		return fault("max", "belongs to range")
	}
	return nil
}

func checkValues(values []string) error {
	if len(values) == 0 || len(values) > MaxValues {
		return fault("values", fmt.Sprintf("has to list 1 to %d values", MaxValues))
	}
	for i, v := range values {
		if v == "" || len(v) > MaxValue {
			return fault(fmt.Sprintf("values[%d]", i), fmt.Sprintf("has to be 1 to %d bytes", MaxValue))
		}
	}
	return nil
}

func checkRange(low, high *float64) error {
	switch {
	case low == nil && high == nil:
		return fault("min", "or max has to be given")
	case low != nil && math.IsNaN(*low):
		return fault("min", "has to be a number")
	case high != nil && math.IsNaN(*high):
		return fault("max", "has to be a number")
	case low != nil && high != nil && *low > *high:
		return fault("max", "has to be min or more")
	}
	return nil
}

func fault(field, rule string) error { return domain.FailField("check filter", field, rule) }
