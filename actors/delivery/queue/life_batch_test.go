package queue_test

import (
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// sendBatch holds a SendBatch to the promises, and lets the endpoint answer: for all that are in it alike, but for those
// whose person is suppressed.
func (o *owner) sendBatch(b queue.SendBatch) {
	o.batches++
	o.keepsItsLimits(b.Sends[0].Delivery.N)
	bytes, waited := 0, false
	for _, s := range b.Sends {
		d := s.Delivery
		bytes += len(d.Payload)
		waited = waited || !d.OwedAt.Add(o.config.Batch.Delay).After(o.now)
		if d.Class != domain.ClassUpdate || d.Replay || s.OutOfOrder || s.Trigger == domain.TriggerManual {
			o.failf("%d is in a batch, and was to go alone", d.N)
		}
		o.leaves(s)
	}
	const largest = 100 + 6*300 // of payloads
	switch c := o.config.Batch; {
	case len(b.Sends) < 2 || len(b.Sends) > c.Count:
		o.failf("%d are in a batch of %d", len(b.Sends), c.Count)
	case bytes > c.Bytes:
		o.failf("%d bytes are in a batch", bytes)
	case !o.openSince.IsZero():
		o.failf("a probe is a batch")
	case len(b.Sends) < c.Count && bytes+largest <= c.Bytes && !waited:
		o.failf("a batch of %d leaves that is neither full nor has waited", len(b.Sends))
	}
	o.requests++
	at, answer := o.now, domain.Sent{Error: domain.ErrorSuppressed}
	outcomes := make([]queue.Outcome, len(b.Sends))
	for i, s := range b.Sends {
		outcomes[i] = queue.Outcome{Delivery: s.Delivery.N, Sent: o.reacher(s)}
		if answer.Error == domain.ErrorSuppressed {
			answer = outcomes[i].Sent
		}
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.Sent.Error != domain.ErrorSuppressed {
			o.Sent, o.Batch = answer, "b"
		}
		outcomes[i].Sent.At = at
	}
	o.after(answer.Phases.Total, func() {
		o.requests--
		for _, one := range outcomes {
			o.answered(one.Delivery, one.Sent)
		}
		o.take(o.queue.BatchAttempted(o.now, outcomes))
	})
}
