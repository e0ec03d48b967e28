package queue_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var key = domain.EndpointKey{Account: "acme", Endpoint: "crm"}

var fence = domain.Fence{Partition: 7, Epoch: 3}

// ledger is what the store promises of one endpoint, in a few lines: the model that whole lives are played against. The
// real stores are held to the same promises by storetest.
type ledger struct {
	rows    []*domain.Delivery // by N, from 1
	pending []*domain.Delivery // of them
	lines   map[domain.LeadID][]*domain.Delivery
	state   domain.EndpointState
	epoch   int64
	receipt map[int64][]domain.Receipt
	said    []domain.Announcement
	ends    map[int64]int // how often each has ended
}

func newLedger() *ledger {
	return &ledger{
		epoch: fence.Epoch, state: domain.EndpointState{Key: key, Revision: 1}, receipt: map[int64][]domain.Receipt{}, ends: map[int64]int{},
		lines: map[domain.LeadID][]*domain.Delivery{},
	}
}

func (m *ledger) of(n int64) *domain.Delivery { return m.rows[n-1] }

// head is the first pending delivery of a lead.
func (m *ledger) head(lead domain.LeadID) *domain.Delivery {
	if l := m.lines[lead]; len(l) > 0 {
		return l[0]
	}
	return nil
}

func (m *ledger) owe(now time.Time, lead domain.LeadID, class domain.Class) domain.Delivery {
	d := &domain.Delivery{
		N: int64(len(m.rows) + 1), Account: key.Account, Endpoint: key.Endpoint, Lead: lead, Class: class, Replay: class == domain.ClassReplay,
		State: domain.DeliveryPending, Revision: 1, OwedAt: now, DueAt: now,
	}
	d.Payload = make([]byte, 100+d.N%7*300)
	d.Event = domain.EventID(fmt.Sprint("ev-", d.N))
	if head := m.head(lead); head != nil {
		d.Behind, d.DueAt = true, head.ReleaseAt
	}
	m.rows, m.pending, m.lines[lead] = append(m.rows, d), append(m.pending, d), append(m.lines[lead], d)
	return *d
}

func (m *ledger) due(at time.Time, limit int, except []int64) domain.Due {
	due := domain.Due{State: m.state}
	var found [domain.Classes][]*domain.Delivery
	for _, d := range m.pending {
		switch {
		case d.DueAt.IsZero() || slices.Contains(except, d.N):
		case !d.DueAt.After(at):
			found[d.Class] = append(found[d.Class], d)
		case due.NextAt.IsZero() || d.DueAt.Before(due.NextAt):
			due.NextAt = d.DueAt
		}
	}
	for _, all := range found {
		slices.SortFunc(all, func(a, b *domain.Delivery) int { return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.N, b.N)) })
		if len(all) > limit {
			all, due.More = all[:limit], true
		}
		for _, d := range all {
			due.Deliveries = append(due.Deliveries, *d)
		}
	}
	return due
}

func (m *ledger) record(a domain.Attempted) (domain.AttemptRecorded, error) {
	d, r := m.of(a.Delivery), a.Receipt
	switch {
	case a.Fence.Epoch != m.epoch:
		return domain.AttemptRecorded{}, domain.ErrFenced
	case d.State != domain.DeliveryPending:
		return domain.AttemptRecorded{Outcome: domain.AlreadyDecided, Told: m.state.Told}, nil
	case d.Revision != a.Expect:
		return domain.AttemptRecorded{Outcome: domain.Stale, Told: m.state.Told}, nil
	case a.Told.From != a.Told.To && a.Told.From != m.state.Told:
		return domain.AttemptRecorded{Outcome: domain.Outdated, Told: m.state.Told}, nil
	}
	d.Revision++
	d.Reason = r.Reason
	if r.Number > 0 {
		d.Attempts++
		m.receipt[d.N] = append(m.receipt[d.N], r)
		if d.FirstAt.IsZero() {
			d.FirstAt = r.At
		}
	}
	if d.FailedAt.IsZero() && r.Error != "" && (a.State == domain.DeliveryPending || a.State == domain.DeliveryExhausted) {
		d.FailedAt = r.EndedAt()
	}
	m.follow(a)
	m.said = append(m.said, a.Announce...)
	got := domain.AttemptRecorded{Outcome: domain.Done, Told: m.state.Told, Announced: a.Announce}
	if a.State != domain.DeliveryPending {
		got.Next = m.end(d, a.State, r.EndedAt())
		return got, nil
	}
	d.DueAt, d.Class = a.NextAt, a.Class
	if !a.ReleaseAt.IsZero() {
		d.ReleaseAt = a.ReleaseAt
		for _, o := range m.lines[d.Lead] {
			if o.N > d.N && o.Behind && o.DueAt.IsZero() {
				o.DueAt = a.ReleaseAt
			}
		}
	}
	return got, nil
}

// follow lets the endpoint's state follow an attempt.
func (m *ledger) follow(a domain.Attempted) {
	was, at := m.state, a.Receipt.EndedAt()
	switch {
	case a.Receipt.Number == 0 || !a.Receipt.Error.OfEndpoint():
	case a.Receipt.Error == "":
		m.state.SucceededAt, m.state.FailingSince = at, time.Time{}
	case m.state.FailingSince.IsZero():
		m.state.FailingSince = at
	}
	if a.Disable != "" && m.state.DisabledAt.IsZero() {
		m.state.DisabledAt, m.state.Reason = at, a.Disable
	}
	if a.Told.From != a.Told.To {
		m.state.Told = a.Told.To
	}
	if m.state != was {
		m.state.Revision++
	}
}

func (m *ledger) enable() domain.EndpointState {
	m.state.DisabledAt, m.state.Reason, m.state.FailingSince = time.Time{}, "", time.Time{}
	m.state.Revision++
	return m.state
}

// end ends a delivery, and says which one is due instead.
func (m *ledger) end(d *domain.Delivery, state domain.DeliveryState, at time.Time) int64 {
	is := func(o *domain.Delivery) bool { return o == d }
	m.pending, m.lines[d.Lead] = slices.DeleteFunc(m.pending, is), slices.DeleteFunc(m.lines[d.Lead], is)
	d.State, d.EndedAt, d.DueAt = state, at, time.Time{}
	m.ends[d.N]++
	next := m.head(d.Lead)
	if next == nil || !next.Behind {
		return 0
	}
	next.Behind = false
	if next.DueAt.IsZero() || next.DueAt.After(at) {
		next.DueAt = at
	}
	return next.N
}

// announce makes announcements as a shell would, of what matters here: what is said, and how near the endpoint is to being
// disabled.
func announce(o queue.Occurrence) *domain.Announcement {
	return &domain.Announcement{
		ID:   domain.EventID(fmt.Sprintf("%s of %d/%d", o.Type, o.Delivery.N, o.Delivery.Revision)),
		Type: o.Type, Lead: domain.LeadID(fmt.Sprint(o.Percent)), At: o.At,
	}
}

// saidOf lists what was said, an exhausted delivery aside: "failing 50".
func (m *ledger) saidOf() (all []string) {
	for _, a := range m.said {
		if a.Type != domain.DeliveryExhaustedEvent {
			all = append(all, strings.TrimPrefix(string(a.Type), "endpoint.")+" "+string(a.Lead))
		}
	}
	return all
}
