// Package segment says whether a record is one of those that an operator's filters describe: "company.employee_count
// from 50 to 500, and not in California". It only compares: it knows no lead, no buyer and no pixel, so the rules of
// a pixel and those of a buyer read the same and are tested once.
//
//	filters ──┐
//	          ├── all hold? ──▶ in the segment
//	record ───┘   (an empty list of filters is everybody)
//
// Promises:
//
//   - A field that is not there, is null or is empty holds no condition; turned round by Not it holds them all. So a
//     filter and its opposite never both hold, and one of them always does.
//   - A field that is a list holds when one of its elements does. Not turns that round too: none does.
//   - Nothing that a record or a filter says can make it fail.
package segment

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/leadwire/leadwire/actors/domain"
)

// Record is what filters look at: JSON as Go decodes it, objects within objects. Numbers are float64, json.Number
// or any of Go's integers.
type Record map[string]any

// ParseRecord reads a record from JSON. Numbers keep their digits.
func ParseRecord(b []byte) (Record, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var r Record
	if err := d.Decode(&r); err != nil {
		return nil, domain.Fail("read record", domain.Invalid, err)
	}
	return r, nil
}

// Match says whether every filter holds of the record.
func Match(filters []domain.Filter, r Record) bool {
	for i := range filters {
		if holds(&filters[i], r) == filters[i].Not {
			return false
		}
	}
	return true
}

// holds says whether a filter holds, Not aside.
func holds(f *domain.Filter, r Record) bool {
	for value := range r.Values(f.Field) {
		if compare(f, value) {
			return true
		}
	}
	return false
}

// compare tests one value that is neither a list nor empty.
func compare(f *domain.Filter, value any) bool {
	if f.Op == domain.Exists {
		return true
	}
	text, isText := textOf(value)
	if !isText { // an object has fields, and only those compare
		return false
	}
	switch f.Op {
	case domain.Equals:
		return same(value, text, f.Value)
	case domain.In:
		for _, one := range f.Values {
			if same(value, text, one) {
				return true
			}
		}
	case domain.Prefix:
		return len(text) >= len(f.Value) && strings.EqualFold(text[:len(f.Value)], f.Value)
	case domain.Range:
		n, err := strconv.ParseFloat(text, 64)
		return err == nil && !math.IsNaN(n) && (f.Min == nil || n >= *f.Min) && (f.Max == nil || n <= *f.Max)
	}
	return false
}

// same compares numbers as numbers, 5 and "5.0", and everything else as text.
func same(value any, text, want string) bool {
	if strings.EqualFold(text, want) {
		return true
	}
	switch value.(type) {
	case string, bool:
		return false
	}
	a, errA := strconv.ParseFloat(text, 64)
	b, errB := strconv.ParseFloat(want, 64)
	return errA == nil && errB == nil && a == b
}

func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}
