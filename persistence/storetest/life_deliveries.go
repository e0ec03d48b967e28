package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/stretchr/testify/require"
)

// lifeOfDeliveries goes through random weeks of a few endpoints, beside a model that is as simple as the contract.
// Whatever is asked, whenever, both answer alike.
func lifeOfDeliveries(t *testing.T, h Harness) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			in := h.Open(t, Options{})
			m := &deliveriesModel{
				t: t, s: in.Store, f: claim(t, in.Store), now: noon, rand: rand.New(rand.NewPCG(seed, 7)),
				states: map[domain.EndpointID]domain.EndpointState{}, receipts: map[int64][]domain.Receipt{},
			}
			for step := range 240 {
				m.step(step)
				if step%20 == 19 {
					m.compare()
				}
			}
			m.s = in.Crash(t).Store
			m.compare()
		})
	}
}

// deliveriesModel is the contract in memory: every delivery there ever was, by number.
type deliveriesModel struct {
	t        *testing.T
	s        domain.Store
	f        domain.Fence
	rand     *rand.Rand
	now      time.Time
	all      []*domain.Delivery
	states   map[domain.EndpointID]domain.EndpointState
	receipts map[int64][]domain.Receipt
}

var lifeEndpoints = []domain.EndpointID{crm, warehouse, "slow"}

func (m *deliveriesModel) step(i int) {
	m.now = m.now.Add(time.Duration(m.rand.Int64N(int64(time.Minute))).Truncate(time.Microsecond))
	switch m.rand.IntN(10) {
	case 0, 1, 2:
		m.owe(fmt.Sprintf("a-%d", i))
	case 3, 4, 5, 6:
		m.attempt()
	case 7:
		m.replay()
	case 8:
		m.hastenOrCancel()
	default:
		m.enable()
	}
}

// add puts d at the end of its line.
func (m *deliveriesModel) add(d domain.Delivery, got domain.Delivery) {
	d.State, d.Revision, d.DueAt = domain.DeliveryPending, 1, d.OwedAt
	if head := m.head(d); head != nil {
		d.Behind, d.DueAt = true, head.ReleaseAt
	}
	if len(m.all) > 0 {
		require.Greater(m.t, got.N, m.all[len(m.all)-1].N, "numbers rise")
	}
	d.N = got.N
	require.Equal(m.t, d, bare(got))
	m.all = append(m.all, &d)
}

// head is the first pending one of d's line.
func (m *deliveriesModel) head(d domain.Delivery) *domain.Delivery {
	for _, one := range m.all {
		if one.State == domain.DeliveryPending && one.Endpoint == d.Endpoint && one.Lead == d.Lead {
			return one
		}
	}
	return nil
}

// promote lets the next one of d's line go, and says which.
func (m *deliveriesModel) promote(d *domain.Delivery, at time.Time) int64 {
	head := m.head(*d)
	if head == nil || !head.Behind {
		return 0
	}
	head.Behind = false
	if head.DueAt.IsZero() || head.DueAt.After(at) {
		head.DueAt = at
	}
	return head.N
}

func (m *deliveriesModel) owe(id string) {
	a := announcement(id, domain.LeadID(names("ghl", 4)[m.rand.IntN(4)]))
	a.At = m.now
	for _, e := range lifeEndpoints {
		if m.rand.IntN(2) == 0 {
			a.Owed = append(a.Owed, domain.Owed{Endpoint: e, Partition: 7, Class: domain.Class(m.rand.IntN(2))})
		}
	}
	for i, d := range announce(m.t, m.s, m.f, a) {
		m.add(domain.Delivery{
			Account: account, Endpoint: a.Owed[i].Endpoint, Announcement: d.Announcement, Event: a.ID, Type: a.Type, Lead: a.Lead,
			Class: a.Owed[i].Class, OwedAt: m.now,
		}, d)
		if _, known := m.states[d.Endpoint]; !known {
			m.states[d.Endpoint] = domain.EndpointState{Key: d.Key(), Revision: 1}
		}
	}
}

// any picks one that is pending or has ended.
func (m *deliveriesModel) any(pending bool) *domain.Delivery {
	var some []*domain.Delivery
	for _, d := range m.all {
		if (d.State == domain.DeliveryPending) == pending {
			some = append(some, d)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[m.rand.IntN(len(some))]
}

func (m *deliveriesModel) attempt() {
	d := m.any(m.rand.IntN(8) > 0)
	if d == nil {
		return
	}
	if d.State != domain.DeliveryPending {
		m.refused(arrives(m.f, *d, m.now), domain.AlreadyDecided)
		return
	}
	failures := []domain.ErrorClass{domain.ErrorStatus, domain.ErrorTimeout, domain.ErrorStopped}
	var a domain.Attempted
	switch m.rand.IntN(8) {
	case 0:
		a = attempt(m.f, *d, m.now, domain.DeliveryExhausted, failures[m.rand.IntN(3)])
	case 1:
		a = attempt(m.f, *d, m.now, domain.DeliverySuppressed, domain.ErrorSuppressed)
		a.Receipt.Number = 0
	case 2, 3:
		a = arrives(m.f, *d, m.now)
	case 4:
		a = fails(m.f, *d, m.now)
		a.Expect -= 1
		m.refused(a, domain.Stale)
		return
	default:
		a = fails(m.f, *d, m.now)
		a.Receipt.Error = failures[m.rand.IntN(3)]
		a.NextAt = a.NextAt.Add(time.Duration(m.rand.IntN(300)) * time.Second)
		if m.rand.IntN(6) == 0 {
			a.Disable = "410 Gone"
		}
	}
	got := record(m.t, m.s, a)
	require.Equal(m.t, m.apply(d, a), got.Next)
}

func (m *deliveriesModel) refused(a domain.Attempted, want domain.Outcome) {
	got, err := m.s.RecordAttempt(m.t.Context(), a)
	require.NoError(m.t, err)
	require.Equal(m.t, domain.AttemptRecorded{Outcome: want}, got)
}

// apply is RecordAttempt, and answers the next one.
func (m *deliveriesModel) apply(d *domain.Delivery, a domain.Attempted) (next int64) {
	r, end := a.Receipt, a.Receipt.EndedAt()
	d.Revision++
	d.Reason = r.Reason
	if r.Number > 0 {
		m.receipts[d.N] = append(m.receipts[d.N], r)
		if d.Attempts++; d.FirstAt.IsZero() {
			d.FirstAt = r.At
		}
	}
	if d.FailedAt.IsZero() && (a.State == domain.DeliveryPending || a.State == domain.DeliveryExhausted) {
		d.FailedAt = end
	}
	if d.State = a.State; d.State == domain.DeliveryPending {
		d.Class, d.DueAt = a.Class, a.NextAt
		if !a.ReleaseAt.IsZero() {
			d.ReleaseAt = a.ReleaseAt
			for _, one := range m.all {
				if one.N > d.N && one.Endpoint == d.Endpoint && one.Lead == d.Lead && one.State == domain.DeliveryPending && one.Behind && one.DueAt.IsZero() {
					one.DueAt = a.ReleaseAt
				}
			}
		}
	} else {
		d.Behind, d.DueAt, d.EndedAt = false, time.Time{}, end
		next = m.promote(d, end)
	}
	was := m.states[d.Endpoint]
	is := was
	if r.Number > 0 && r.Error == "" {
		is.SucceededAt, is.FailingSince = end, time.Time{}
	} else if r.Number > 0 && r.Error.OfEndpoint() && is.FailingSince.IsZero() {
		is.FailingSince = end
	}
	if a.Disable != "" && is.DisabledAt.IsZero() {
		is.DisabledAt, is.Reason = end, a.Disable
	}
	if is != was {
		is.Revision++
	}
	m.states[d.Endpoint] = is
	return next
}

func (m *deliveriesModel) replay() {
	d := m.any(m.rand.IntN(4) == 0)
	if d == nil {
		return
	}
	got, err := m.s.Replay(m.t.Context(), account, d.N, m.now, audit("delivery.replay"))
	if d.State == domain.DeliveryPending {
		require.Equal(m.t, domain.Conflict, domain.CodeOf(err), "%v", err)
		return
	}
	require.NoError(m.t, err)
	m.add(domain.Delivery{
		Account: account, Endpoint: d.Endpoint, Announcement: d.Announcement, Event: d.Event, Type: d.Type, Lead: d.Lead,
		Class: domain.ClassReplay, Replay: true, OwedAt: m.now,
	}, got)
}

func (m *deliveriesModel) hastenOrCancel() {
	d := m.any(m.rand.IntN(4) > 0)
	if d == nil {
		return
	}
	cancel := m.rand.IntN(3) == 0
	act := m.s.Hasten
	if cancel {
		act = m.s.Cancel
	}
	got, err := act(m.t.Context(), account, d.N, m.now, audit("delivery"))
	switch {
	case d.State != domain.DeliveryPending:
		require.Equal(m.t, domain.Conflict, domain.CodeOf(err), "%v", err)
		return
	case cancel:
		d.State, d.Behind, d.DueAt, d.EndedAt = domain.DeliveryCancelled, false, time.Time{}, m.now
		m.promote(d, m.now)
	case (!d.Behind || d.Attempts > 0) && d.DueAt.After(m.now):
		d.DueAt = m.now
	}
	require.NoError(m.t, err)
	d.Revision = got.Revision // a cancelled one's may move on
	require.Equal(m.t, *d, bare(got))
}

func (m *deliveriesModel) enable() {
	e := lifeEndpoints[m.rand.IntN(len(lifeEndpoints))]
	require.NoError(m.t, m.s.EnableEndpoint(m.t.Context(), endpoint(e), audit("endpoint.enable")))
	if is, known := m.states[e]; known {
		is.DisabledAt, is.Reason, is.FailingSince = time.Time{}, "", time.Time{}
		is.Revision = endpointState(m.t, m.s, e).Revision // moves on, by whatever
		m.states[e] = is
	}
}

// compare asks the store everything.
func (m *deliveriesModel) compare() {
	t := m.t
	t.Helper()
	all := make([]domain.Delivery, 0, len(m.all))
	first := map[string]bool{}
	for _, d := range m.all {
		all = append(all, *d)
		require.Equal(t, *d, delivery(t, m.s, d.N))
		if d.State == domain.DeliveryPending {
			line := string(d.Endpoint) + "/" + string(d.Lead)
			require.Equal(t, first[line], d.Behind, "of each line the first is the head")
			first[line] = true
		}
	}
	for _, f := range []domain.DeliveryFilter{{}, {Endpoint: crm}, {Lead: "ghl-1"}, {State: domain.DeliveryPending}, {Since: noon.Add(time.Hour)}} {
		require.Equal(t, matching(all, f), deliveries(t, m.s, f))
	}
	for n, want := range m.receipts {
		require.Equal(t, want, receipts(t, m.s, n))
	}
	owing := map[domain.EndpointID]time.Time{}
	list, err := m.s.Owing(t.Context(), []domain.Partition{7}, 0, 100)
	require.NoError(t, err)
	for _, o := range list {
		owing[o.Key.Endpoint] = o.DueAt.UTC()
	}
	for _, e := range lifeEndpoints {
		m.compareQueue(e, owing)
	}
}

func (m *deliveriesModel) compareQueue(e domain.EndpointID, owing map[domain.EndpointID]time.Time) {
	t := m.t
	t.Helper()
	var pending []domain.Delivery
	want := domain.QueueFigures{}
	for _, d := range m.all {
		if d.Endpoint != e || d.State != domain.DeliveryPending {
			continue
		}
		if want.Pending++; want.Pending == 1 {
			want.Oldest = d.OwedAt
		}
		if !d.DueAt.IsZero() {
			pending = append(pending, *d)
		}
	}
	slices.SortFunc(pending, func(a, b domain.Delivery) int { return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.N, b.N)) })
	if len(pending) > 0 {
		want.NextAt = pending[0].DueAt
	}
	got, err := m.s.Queue(t.Context(), endpoint(e))
	require.NoError(t, err)
	got.Oldest, got.NextAt = got.Oldest.UTC(), got.NextAt.UTC()
	require.Equal(t, want, got)
	next, listed := owing[e]
	require.Equal(t, want.Pending > 0, listed)
	require.Equal(t, want.NextAt, next)
	state := m.states[e]
	state.Key = endpoint(e)
	require.Equal(t, state, endpointState(t, m.s, e))
	for _, at := range []time.Time{noon, m.now, m.now.Add(time.Minute), m.now.Add(day)} {
		m.compareDue(e, pending, at)
	}
}

func (m *deliveriesModel) compareDue(e domain.EndpointID, pending []domain.Delivery, at time.Time) {
	t := m.t
	t.Helper()
	const limit = 3
	want, numbersOf := domain.Due{}, []int64{}
	for class := range domain.Class(domain.Classes) {
		n := 0
		for _, d := range pending {
			switch {
			case d.Class != class:
			case d.DueAt.After(at):
				if want.NextAt.IsZero() || d.DueAt.Before(want.NextAt) {
					want.NextAt = d.DueAt
				}
			case n == limit:
				want.More = true
			default:
				n++
				numbersOf = append(numbersOf, d.N)
			}
		}
	}
	got, err := m.s.Due(t.Context(), endpoint(e), at, limit)
	require.NoError(t, err)
	require.Equal(t, numbersOf, numbers(got.Deliveries))
	require.Equal(t, want.More, got.More)
	require.Equal(t, want.NextAt, got.NextAt.UTC())
}
