package queue_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// desk is a queue with a store and a node that answer at once, and an endpoint that answers when the test says so.
type desk struct {
	t       *testing.T
	now     time.Time
	store   *ledger
	queue   *queue.Queue
	config  domain.Endpoint
	wakes   []time.Time
	sent    []queue.Send
	batches [][]queue.Send
	records []domain.Attempted
	notes   []queue.Notice
	stuck   int
	gone    bool
	refuse  func(domain.Attempted) error // what the store cannot record; nil: nothing
	before  func()                       // happens when the store has recorded, and before its answer comes
	lazy    bool                         // the node does not grant
	slow    bool                         // the store does not answer what is due
	asked   []domain.Class
	loads   int
	told    []queue.Occurrence
	deaf    bool // nobody is to be told
}

func open(t *testing.T, e domain.Endpoint) *desk {
	t.Helper()
	d := &desk{t: t, now: noon, store: newLedger(), config: e}
	d.activate()
	return d
}

// activate is a new queue with what the store has.
func (d *desk) activate() {
	d.wakes, d.sent, d.batches = nil, nil, nil
	d.queue = queue.New(key, fence, d.config, d.config.Paused, 4, d.announce)
	d.take(d.queue.Start(d.now))
}

func (d *desk) announce(o queue.Occurrence) *domain.Announcement {
	if d.deaf {
		return nil
	}
	d.told = append(d.told, o)
	return announce(o)
}

func (d *desk) take(steps []queue.Step) {
	for _, s := range steps {
		switch s := s.(type) {
		case queue.Load:
			if d.loads++; d.slow {
				continue
			}
			d.take(d.queue.Loaded(d.now, d.store.due(s.At, s.Limit, s.Except), nil))
		case queue.Ask:
			d.asked = append(d.asked, s.Class)
			if !d.lazy {
				d.take(d.queue.Granted(d.now))
			}
		case queue.Send:
			d.sent = append(d.sent, s)
		case queue.SendBatch:
			d.batches = append(d.batches, s.Sends)
		case queue.Record:
			d.records = append(d.records, s.Attempted)
			if d.refuse != nil {
				if err := d.refuse(s.Attempted); err != nil {
					d.take(d.queue.Recorded(d.now, s.Attempted, domain.AttemptRecorded{}, err))
					continue
				}
			}
			got, err := d.store.record(s.Attempted)
			if d.before != nil {
				d.before()
			}
			d.take(d.queue.Recorded(d.now, s.Attempted, got, err))
		case queue.Wake:
			d.wakes = append(d.wakes, d.now.Add(s.After))
		case queue.Noted:
			d.notes = append(d.notes, s.Notice)
		case queue.Stuck:
			d.stuck++
		case queue.Abandon:
			d.gone = true
		}
	}
}

// advance lets time pass, and what is due happen on the way.
func (d *desk) advance(by time.Duration) {
	until := d.now.Add(by)
	for len(d.wakes) > 0 {
		at := slices.MinFunc(d.wakes, time.Time.Compare)
		if at.After(until) {
			break
		}
		d.wakes = slices.Delete(d.wakes, slices.Index(d.wakes, at), slices.Index(d.wakes, at)+1)
		d.now = at
		d.take(d.queue.Due(d.now))
	}
	d.now = until
}

// owe owes an event of a lead and tells the queue.
func (d *desk) owe(lead domain.LeadID, class domain.Class) int64 {
	owed := d.store.owe(d.now, lead, class)
	d.take(d.queue.Owed(d.now, owed))
	return owed.N
}

// oweMany owes events of as many leads.
func (d *desk) oweMany(lead string, class domain.Class, n int) {
	for i := range n {
		d.owe(domain.LeadID(lead+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))), class)
	}
}

// answer ends an attempt now.
func (d *desk) answer(n int64, s domain.Sent) {
	s.At = d.now.Add(-s.Phases.Total)
	d.take(d.queue.Attempted(d.now, n, s, "s-1"))
}

// sends are those that left since it was asked last.
func (d *desk) sends() (all []int64) {
	for _, s := range d.sent {
		all = append(all, s.Delivery.N)
	}
	d.sent = nil
	return all
}

// answerAll ends every attempt that left since it was asked last, and says how many there were.
func (d *desk) answerAll(s domain.Sent) int {
	all := d.sends()
	for _, n := range all {
		d.answer(n, s)
	}
	return len(all)
}

// failing brings the circuit to open, with deliveries of their own.
func (d *desk) failing() {
	for range 5 {
		n := d.owe(domain.LeadID("ghl-"+string(rune('A'+len(d.store.rows)))), domain.ClassFirst)
		d.sends()
		d.answer(n, answer(500, 0))
	}
}
