package stats

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Figures are what was counted of deliveries in some time, at one endpoint or at many. The zero Figures are of nothing.
type Figures struct {
	Attempts   int64 // that were made: one that was kept from being made, or could not be, is none
	Failed     int64 // of them
	Failures   map[domain.ErrorClass]int64
	Retries    int64 // of Attempts, those that were not the first of their delivery, whoever asked for them
	Delivered  int64 // deliveries that have ended so
	Exhausted  int64 // likewise; some end so without an attempt, because the endpoint is down
	Suppressed int64 // likewise

	// EventToAnswer is from when the event happened, by its source, until the attempt that succeeded had ended: what a customer means by how
	// long it took, our time and theirs. Attempt is from an attempt's beginning until its end, whatever the end was.
	EventToAnswer, Attempt Sketch
}

// Settled counts what was recorded of an attempt, or of an end without one. happened is when the event did; zero: that is
// not known.
func (f *Figures) Settled(a *domain.Attempted, happened time.Time) {
	r := &a.Receipt
	switch a.State {
	case domain.DeliveryDelivered:
		f.Delivered++
		if !happened.IsZero() {
			f.EventToAnswer.Observe(r.EndedAt().Sub(happened))
		}
	case domain.DeliveryExhausted:
		f.Exhausted++
	case domain.DeliverySuppressed:
		f.Suppressed++
	case domain.DeliveryPending, domain.DeliveryCancelled:
	}
	if r.Number == 0 || r.Error == domain.ErrorSuppressed || r.Error == domain.ErrorStopped {
		return
	}
	f.Attempts++
	if r.Number > 1 {
		f.Retries++
	}
	if r.Error != "" {
		f.Failed++
		if f.Failures == nil {
			f.Failures = map[domain.ErrorClass]int64{}
		}
		f.Failures[r.Error]++
	}
	if r.Phases.Total > 0 { // zero: there was nothing to send, or nothing to sign it with
		f.Attempt.Observe(r.Phases.Total)
	}
}

// Merge adds others.
func (f *Figures) Merge(o *Figures) error {
	f.Attempts += o.Attempts
	f.Failed += o.Failed
	f.Retries += o.Retries
	f.Delivered += o.Delivered
	f.Exhausted += o.Exhausted
	f.Suppressed += o.Suppressed
	if f.Failures == nil {
		f.Failures = maps.Clone(o.Failures)
	} else {
		for class, n := range o.Failures {
			f.Failures[class] += n
		}
	}
	if err := f.EventToAnswer.Merge(o.EventToAnswer); err != nil {
		return err
	}
	return f.Attempt.Merge(o.Attempt)
}

// body is how figures stand in a row. What a later program adds to it an earlier one leaves out.
type body struct {
	Attempts      int64                       `json:"attempts,omitempty"`
	Failed        int64                       `json:"failed,omitempty"`
	Failures      map[domain.ErrorClass]int64 `json:"failures,omitempty"`
	Retries       int64                       `json:"retries,omitempty"`
	Delivered     int64                       `json:"delivered,omitempty"`
	Exhausted     int64                       `json:"exhausted,omitempty"`
	Suppressed    int64                       `json:"suppressed,omitempty"`
	EventToAnswer []byte                      `json:"event_to_answer,omitempty"`
	Attempt       []byte                      `json:"attempt,omitempty"`
}

// MarshalBinary writes figures as JSON, the sketches in base64 within it: who looks into a store can read the counts.
func (f *Figures) MarshalBinary() ([]byte, error) {
	b := body{
		Attempts: f.Attempts, Failed: f.Failed, Failures: f.Failures, Retries: f.Retries,
		Delivered: f.Delivered, Exhausted: f.Exhausted, Suppressed: f.Suppressed,
	}
	b.EventToAnswer, _ = f.EventToAnswer.MarshalBinary()
	b.Attempt, _ = f.Attempt.MarshalBinary()
	return json.Marshal(b)
}

// UnmarshalBinary reads what MarshalBinary has written.
func (f *Figures) UnmarshalBinary(text []byte) error {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	*f = Figures{
		Attempts: b.Attempts, Failed: b.Failed, Failures: b.Failures, Retries: b.Retries,
		Delivered: b.Delivered, Exhausted: b.Exhausted, Suppressed: b.Suppressed,
	}
	if err := f.EventToAnswer.UnmarshalBinary(b.EventToAnswer); err != nil {
		return err
	}
	return f.Attempt.UnmarshalBinary(b.Attempt)
}
