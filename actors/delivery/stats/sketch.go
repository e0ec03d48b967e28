package stats

import (
	"fmt"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

const (
	// accuracy is how far a percentile may be from the true one, as a part of it: 1 %.
	accuracy = 0.01
	// Whatever is shorter or longer than these counts as they are. The shortest is less than a connection in the same rack
	// takes, the longest over the latest terminal time that an endpoint may have. So a sketch has some 1,150 bins at most, 9 KB of
	// memory; a bin is there only if a value has been near it.
	shortest = 100 * time.Microsecond
	longest  = 8 * 24 * time.Hour
)

// Sketch remembers how long things took, well enough for percentiles. The zero Sketch is empty.
type Sketch struct{ of *ddsketch.DDSketch }

func newSketch() *ddsketch.DDSketch {
	m, err := mapping.NewLogarithmicMapping(accuracy)
	if err != nil {
		panic(err) // the accuracy is a constant, and a good one
	}
	return ddsketch.NewDDSketchFromStoreProvider(m, store.BufferedPaginatedStoreConstructor)
}

// Observe adds one.
func (s *Sketch) Observe(d time.Duration) {
	if s.of == nil {
		s.of = newSketch()
	}
	// A value within the bounds is one that a sketch takes.
	_ = s.of.Add(min(max(d, shortest), longest).Seconds())
}

// Merge adds all of another, which may have been made with another accuracy.
func (s *Sketch) Merge(o Sketch) error {
	if o.of == nil {
		return nil
	}
	if s.of == nil {
		s.of = newSketch()
	}
	from := o.of
	if !from.Equals(s.of.IndexMapping) {
		from = from.ChangeMapping(s.of.IndexMapping, store.BufferedPaginatedStoreConstructor(), store.BufferedPaginatedStoreConstructor(), 1)
	}
	if err := s.of.MergeWith(from); err != nil {
		return fmt.Errorf("merge sketches: %w", err)
	}
	return nil
}

// Count is how many there are.
func (s *Sketch) Count() int64 {
	if s.of == nil {
		return 0
	}
	return int64(s.of.GetCount() + 0.5)
}

// Quantile is the time that the part q of all did not exceed; ok is false when there are none.
func (s *Sketch) Quantile(q float64) (d time.Duration, ok bool) {
	if s.of == nil {
		return 0, false
	}
	seconds, err := s.of.GetValueAtQuantile(q)
	if err != nil {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// MarshalBinary writes a sketch in DDSketch's own encoding, which names its mapping: a program that has another accuracy
// still reads it.
func (s *Sketch) MarshalBinary() ([]byte, error) {
	var b []byte
	if s.of != nil {
		s.of.Encode(&b, false)
	}
	return b, nil
}

// UnmarshalBinary reads what MarshalBinary has written.
func (s *Sketch) UnmarshalBinary(b []byte) error {
	s.of = nil
	if len(b) == 0 {
		return nil
	}
	read, err := ddsketch.DecodeDDSketch(b, store.BufferedPaginatedStoreConstructor, nil)
	if err != nil {
		return fmt.Errorf("read sketch: %w", err)
	}
	s.of = read
	return nil
}
