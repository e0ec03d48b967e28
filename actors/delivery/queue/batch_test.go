package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// gathering is an endpoint that asks for updates by threes, after ten seconds at the latest.
func gathering(change ...func(*domain.Endpoint)) domain.Endpoint {
	e := domain.Endpoint{Batch: domain.Batch{Count: 3, Bytes: 1 << 16, Delay: 10 * time.Second}, Hold: time.Minute, Schedule: []time.Duration{time.Hour}}
	for _, c := range change {
		c(&e)
	}
	return e
}

// together are the deliveries of each batch that left since it was asked last.
func (d *desk) together() (all [][]int64) {
	for _, b := range d.batches {
		var one []int64
		for _, s := range b {
			one = append(one, s.Delivery.N)
		}
		all = append(all, one)
	}
	d.batches = nil
	return all
}

// answerBatch ends a request: those of apart have an outcome of their own, the others what the endpoint answered.
func (d *desk) answerBatch(batch []int64, s domain.Sent, apart map[int64]domain.Sent) {
	s.At = d.now.Add(-s.Phases.Total)
	var all []queue.Outcome
	for _, n := range batch {
		o := queue.Outcome{Delivery: n, Sent: s, Batch: "b-1", Secret: "s-1"}
		if own, ok := apart[n]; ok {
			own.At = d.now
			o = queue.Outcome{Delivery: n, Sent: own}
		}
		all = append(all, o)
	}
	d.take(d.queue.BatchAttempted(d.now, all))
}

// A batch leaves when it is full, and one that is not when its oldest has waited for as long as the endpoint allows.
func TestBatch_LeavesFullOrInTime(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	a, b := d.owe("ghl-a", update), d.owe("ghl-b", update)
	require.Empty(t, d.together())
	c := d.owe("ghl-c", update)
	require.Equal(t, [][]int64{{a, b, c}}, d.together(), "three are enough")
	d.advance(time.Second)
	e, f := d.owe("ghl-e", update), d.owe("ghl-f", update)
	d.advance(10*time.Second - 1)
	require.Empty(t, d.together())
	d.advance(1)
	require.Equal(t, [][]int64{{e, f}}, d.together())
	require.Empty(t, d.sends(), "nothing went alone")
	d.answerBatch([]int64{e, f}, answer(200, 30*time.Millisecond), nil)
	r := d.store.receipt[e][0]
	require.Equal(t, domain.Phases{Gather: 10 * time.Second, Total: 30 * time.Millisecond}, r.Phases, "its wait was for others")
	require.Equal(t, "b-1", r.Batch)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(f).State)

	g := d.owe("ghl-g", update)
	d.advance(10 * time.Second)
	require.Equal(t, []int64{g}, d.sends(), "one that found no others goes alone")
	require.Empty(t, d.together())
}

// What is large fills a batch too, and what is larger than one goes alone.
func TestBatch_IsBoundInBytes(t *testing.T) {
	t.Parallel()
	d := open(t, gathering(func(e *domain.Endpoint) { e.Batch.Count, e.Batch.Bytes = 10, 4096 }))
	owe := func(lead domain.LeadID, bytes int) int64 {
		o := d.store.owe(d.now, lead, update)
		o.Payload = []byte(`"` + strings.Repeat("x", bytes-2) + `"`)
		d.take(d.queue.Owed(d.now, o))
		return o.N
	}
	a, b := owe("ghl-a", 2000), owe("ghl-b", 2000)
	require.Empty(t, d.together())
	c := owe("ghl-c", 1000)
	require.Equal(t, [][]int64{{a, b}}, d.together(), "a third one would be too much")
	large := owe("ghl-d", 5000)
	require.Equal(t, []int64{c, large}, d.sends(), "there is no room for others beside what is larger than a batch")
}

// Each lead has one event in a batch: its next one waits for the answer, and then for nothing more.
func TestBatch_KeepsTheOrderOfALead(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	a, b, next := d.owe("ghl-a", update), d.owe("ghl-b", update), d.owe("ghl-a", update)
	require.Empty(t, d.together(), "two leads are no three")
	c := d.owe("ghl-c", update)
	require.Equal(t, [][]int64{{a, b, c}}, d.together())
	d.advance(11 * time.Second)
	require.Empty(t, d.sends(), "its lead is on its way")
	d.answerBatch([]int64{a, b, c}, answer(200, 0), nil)
	require.Equal(t, []int64{next}, d.sends(), "it has waited for longer than a batch does")
}

// First matches, retries, replays and whatever goes out of order do not wait for others, nor go with them.
func TestBatch_IsForUpdatesInOrder(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	a, b := d.owe("ghl-a", first), d.owe("ghl-b", replay)
	require.Equal(t, []int64{a, b}, d.sends())
	d.answer(b, answer(200, 0))
	d.answer(a, answer(400, 0))
	late := d.owe("ghl-a", update)
	d.advance(time.Minute)
	require.Equal(t, []int64{late}, d.sends(), "its hold is over")
	require.Empty(t, d.together())
	d.answer(late, answer(200, 0))

	asked := d.owe("ghl-x", update)
	d.take(d.queue.Hastened(d.now, *d.store.of(asked)))
	require.Equal(t, []int64{asked}, d.sends(), "somebody wants it now")
}

// A request that fails is one failure of the endpoint, and each of its events is tried again alone, when it is due.
func TestBatch_FailsAsOne(t *testing.T) {
	t.Parallel()
	d := open(t, gathering(func(e *domain.Endpoint) { e.Batch.Count, e.Schedule = 5, []time.Duration{time.Minute, time.Hour} }))
	d.oweMany("ghl-", update, 5)
	batch := d.together()[0]
	require.Len(t, batch, 5)
	d.answerBatch(batch, answer(500, 0), nil)
	require.Equal(t, []queue.Notice{queue.Failing}, d.notes, "the circuit has counted one")
	require.Equal(t, []domain.AnnouncementType{domain.EndpointFailingEvent}, types(d.told))
	for _, n := range batch {
		require.Equal(t, retry, d.store.of(n).Class)
		require.Equal(t, 1, d.store.of(n).Attempts)
	}
	d.advance(67 * time.Second)
	for len(d.sent) > 0 {
		d.answerAll(answer(200, 0))
	}
	require.Empty(t, d.together())
	require.Empty(t, d.store.pending)
}

// Gone is gone for every event of the request; all of them are kept.
func TestBatch_IsDisabledOnce(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	a, b, c := d.owe("ghl-a", update), d.owe("ghl-b", update), d.owe("ghl-c", update)
	d.together()
	d.answerBatch([]int64{a, b, c}, answer(410, 0), nil)
	require.Equal(t, []queue.Notice{queue.Failing, queue.Disabled}, d.notes)
	require.Equal(t, []domain.AnnouncementType{domain.EndpointDisabledEvent}, types(d.told))
	require.Equal(t, domain.DeliveryPending, d.store.of(c).State)
}

// Those left out of the request end as they must, and say nothing of the endpoint.
func TestBatch_LeavesOutWhoIsSuppressed(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	a, b, c := d.owe("ghl-a", update), d.owe("ghl-b", update), d.owe("ghl-c", update)
	d.together()
	d.answerBatch([]int64{a, b, c}, answer(200, 0), map[int64]domain.Sent{a: {Error: domain.ErrorSuppressed, Reason: "suppressed by r-1"}})
	require.Equal(t, domain.DeliverySuppressed, d.store.of(a).State)
	require.Empty(t, d.store.receipt[a][0].Batch)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(b).State)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(c).State)
	require.Zero(t, d.queue.Figures().Flying)
}

// A batch has one place, and one of the rate.
func TestBatch_IsOneAttempt(t *testing.T) {
	t.Parallel()
	d := open(t, gathering(func(e *domain.Endpoint) { e.Rate = 1 }))
	for _, lead := range []domain.LeadID{"ghl-a", "ghl-b", "ghl-c", "ghl-d", "ghl-e", "ghl-f"} {
		d.owe(lead, update)
	}
	require.Len(t, d.together(), 1)
	require.Equal(t, 1, d.queue.Figures().Flying)
	d.advance(time.Second + time.Millisecond)
	require.Len(t, d.together(), 1)
	require.Equal(t, 2, d.queue.Figures().Flying)
}

// While more is on its way from the store, what is not full waits for it.
func TestBatch_WaitsForTheStore(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, now: noon, store: newLedger(), config: gathering()}
	for _, lead := range []domain.LeadID{"ghl-a", "ghl-b", "ghl-c", "ghl-d"} {
		d.store.owe(d.now, lead, update)
	}
	d.now = d.now.Add(time.Minute)
	d.activate()
	require.Equal(t, [][]int64{{1, 2, 3}}, d.together())
	require.Equal(t, []int64{4}, d.sends())
}

// A failing endpoint is asked by one event at a time.
func TestBatch_IsNoProbe(t *testing.T) {
	t.Parallel()
	d := open(t, gathering(func(e *domain.Endpoint) { e.Schedule, e.Terminal = nil, 0 }))
	d.failing()
	for _, lead := range []domain.LeadID{"ghl-a", "ghl-b", "ghl-c"} {
		d.owe(lead, update)
	}
	require.Empty(t, d.together())
	d.advance(6 * time.Second)
	require.Len(t, d.sends(), 1)
	require.Empty(t, d.together())
}

func types(told []queue.Occurrence) (all []domain.AnnouncementType) {
	for _, o := range told {
		all = append(all, o.Type)
	}
	return all
}

// What waits for others waits for them as long as there are not enough; from then on it waits for its turn.
func TestBatch_TellsWaitsApart(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	d.lazy = true
	a := d.owe("ghl-a", update)
	d.advance(2 * time.Second)
	d.owe("ghl-b", update)
	d.owe("ghl-c", update)
	d.advance(3 * time.Second) // the node has no right to give
	d.lazy = false
	d.take(d.queue.Granted(d.now))
	require.Len(t, d.batches, 1)
	first := d.batches[0][0]
	require.Equal(t, a, first.Delivery.N)
	require.Equal(t, 2*time.Second, first.Gather)
	require.Equal(t, 3*time.Second, first.Queue)
	require.Zero(t, d.batches[0][1].Gather)
}

// A store that is slow to say whether there are others does not hold up those that have waited.
func TestBatch_DoesNotWaitForASlowStore(t *testing.T) {
	t.Parallel()
	d := open(t, gathering())
	d.owe("ghl-a", update)
	b := d.owe("ghl-b", update)
	d.slow = true
	d.take(d.queue.Owed(d.now)) // there may be more, and the answer does not come
	d.advance(10*time.Second + 99*time.Millisecond)
	require.Empty(t, d.together())
	d.advance(time.Millisecond)
	require.Equal(t, [][]int64{{b - 1, b}}, d.together())
}
