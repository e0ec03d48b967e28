package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

const (
	first  = domain.ClassFirst
	update = domain.ClassUpdate
	retry  = domain.ClassRetry
	replay = domain.ClassReplay
)

// The receipt says everything that is known of an attempt, and the delivery is as the store has it.
func TestQueue_Delivers(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	n := d.owe("ghl-ada", first)
	require.Len(t, d.sent, 1)
	require.Equal(t, queue.Send{Delivery: *d.store.of(n), Trigger: domain.TriggerFirst, ScheduledAt: noon}, d.sent[0])
	d.advance(40 * time.Millisecond)
	s := answer(200, 30*time.Millisecond)
	s.Address, s.Body = "192.0.2.1:443", []byte("thanks")
	d.answer(n, s)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(n).State)
	require.Equal(t, []domain.Receipt{{
		Delivery: n, Number: 1, Trigger: domain.TriggerFirst, ScheduledAt: noon, At: noon.Add(10 * time.Millisecond),
		Phases: domain.Phases{Total: 30 * time.Millisecond}, Status: 200, Body: []byte("thanks"), Reason: "200 OK",
		Address: "192.0.2.1:443", SecretID: "s-1", Revision: 4,
	}}, d.store.receipt[n])
	require.False(t, d.queue.Busy())
}

// Events of a lead that come at once leave one after the other; each knows how long it was held.
func TestQueue_KeepsTheOrderOfALead(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	a, b, other := d.owe("ghl-ada", first), d.owe("ghl-ada", update), d.owe("ghl-bob", update)
	require.Equal(t, []int64{a, other}, d.sends())
	d.advance(time.Second)
	d.answer(a, answer(200, time.Second))
	require.Len(t, d.sent, 1)
	require.Equal(t, b, d.sent[0].Delivery.N)
	require.Equal(t, time.Second, d.sent[0].Held)
	require.Zero(t, d.sent[0].Queue)
	require.False(t, d.sent[0].OutOfOrder)
	require.Equal(t, 1, d.loads, "what comes next was here")
}

// Those behind a failing one go when its hold is over, one at a time, the lowest first, and say so.
func TestQueue_HoldsForAWhile(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Hold: time.Minute, Schedule: []time.Duration{time.Hour}})
	a, b, c := d.owe("ghl-ada", first), d.owe("ghl-ada", update), d.owe("ghl-ada", update)
	d.sends()
	d.answer(a, answer(400, 0))
	d.advance(time.Minute - 1)
	require.Empty(t, d.sends())
	d.advance(1)
	require.Len(t, d.sent, 1)
	require.True(t, d.sent[0].OutOfOrder)
	require.Equal(t, []int64{b}, d.sends())
	late := d.owe("ghl-ada", update)
	d.answer(b, answer(200, 0))
	require.Equal(t, []int64{c}, d.sends())
	d.answer(c, answer(200, 0))
	require.Equal(t, []int64{late}, d.sends(), "the hold is over for what comes later, too")
	require.True(t, d.store.receipt[c][0].OutOfOrder)

	d = open(t, domain.Endpoint{Hold: time.Minute, Schedule: []time.Duration{time.Hour}})
	a = d.owe("ghl-ada", first)
	untold := d.store.owe(d.now, "ghl-ada", update).N
	d.sends()
	d.answer(a, answer(400, 0))
	d.advance(time.Minute)
	require.Equal(t, []int64{untold}, d.sends(), "those that nobody told of are looked for")
}

// While everything waits, each class has its turns; a first match waits for one other at most.
func TestQueue_SharesTurns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why     string
		waiting [domain.Classes]int
		want    [domain.Classes]int // of 16 turns
	}{
		{"all of them", [4]int{40, 40, 40, 40}, [4]int{9, 4, 2, 1}},
		{"what has nothing leaves its turns to the first that has", [4]int{0, 40, 40, 40}, [4]int{0, 13, 2, 1}},
		{"retries and replays", [4]int{0, 0, 40, 40}, [4]int{0, 0, 15, 1}},
		{"firsts alone", [4]int{40, 0, 0, 0}, [4]int{16, 0, 0, 0}},
		{"a few firsts go at once", [4]int{3, 40, 40, 40}, [4]int{3, 9, 3, 1}},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{Concurrency: 1})
			d.lazy = true
			for c, n := range row.waiting {
				d.oweMany(fmt.Sprint("ghl-", c), domain.Class(c), n)
			}
			d.lazy = false
			d.take(d.queue.Granted(d.now))
			var got [domain.Classes]int
			for range 16 {
				require.Len(t, d.sent, 1, "one at a time")
				got[d.sent[0].Delivery.Class]++
				d.answerAll(answer(200, 0))
			}
			total := 0
			for c, n := range got {
				total += n
				require.GreaterOrEqual(t, n, min(row.waiting[c], []int{8, 4, 2, 1}[c]), "%v", got)
			}
			require.Equal(t, 16, total)
			if row.waiting[0] != 3 {
				require.Equal(t, row.want, got)
			}
		})
	}
}

// Retries have a quarter while first attempts wait, and otherwise all but one place.
func TestQueue_KeepsRetriesInTheirLane(t *testing.T) {
	t.Parallel()
	grown := func() *desk {
		d := open(t, domain.Endpoint{Concurrency: 8})
		for d.queue.Figures().Limit < 8 { // it takes a backlog of successes to get there
			if d.oweMany("ghl-", first, 20); d.answerAll(answer(200, 0)) == 0 {
				t.Fatal("nothing is sent")
			}
			for d.answerAll(answer(200, 0)) > 0 {
				continue
			}
		}
		return d
	}
	classes := func(d *desk) (n [domain.Classes]int) {
		for _, s := range d.sent {
			n[s.Delivery.Class]++
		}
		return n
	}
	d := grown()
	d.oweMany("ghl-r", retry, 20)
	require.Equal(t, [domain.Classes]int{0, 0, 7, 0}, classes(d), "never the last place")
	d.oweMany("ghl-f", first, 20)
	require.Equal(t, [domain.Classes]int{1, 0, 7, 0}, classes(d))
	for range 7 { // as the retries end, first attempts take their places
		i := slices.IndexFunc(d.sent, func(s queue.Send) bool { return s.Delivery.Class == retry })
		n := d.sent[i].Delivery.N
		d.sent = slices.Delete(d.sent, i, i+1)
		d.answer(n, answer(200, 0))
	}
	require.LessOrEqual(t, classes(d)[retry], 2)
	require.Len(t, d.sent, 8)
}

// The limit grows by one per window of successes while there is more to send, and halves once for what was in the air.
func TestQueue_AdaptsToTheEndpoint(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Concurrency: 10, Timeout: time.Second})
	limit := func() int { return d.queue.Figures().Limit }
	require.Equal(t, 4, limit())
	d.owe("ghl-ada", first)
	d.answerAll(answer(200, 0))
	require.Equal(t, 4, limit(), "no backlog, no growth")
	d.oweMany("ghl-", first, 60)
	for _, n := range d.sends() {
		d.answer(n, answer(200, 0))
	}
	require.Equal(t, 5, limit(), "four in a row")
	for limit() < 8 {
		d.answerAll(answer(200, 0))
	}
	d.advance(time.Second)
	n := d.answerAll(broken(domain.ErrorTimeout, time.Second))
	require.Greater(t, n, 5)
	require.Equal(t, 4, limit(), "%d timeouts of one moment halve it once", n)
	require.True(t, d.queue.Figures().Open)
}

func TestQueue_KeepsTheRate(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Rate: 2})
	d.oweMany("ghl-", first, 9)
	for _, want := range []int{2, 0, 1, 0, 1} { // a burst of one second's worth; then one each half second
		require.Equal(t, want, d.answerAll(answer(200, 0)))
		d.advance(251 * time.Millisecond)
	}
	d.advance(time.Minute)
	for d.answerAll(answer(200, 0)) > 0 {
		d.advance(time.Minute)
	}
	require.Empty(t, d.store.pending)
}

// 429 and 503 are about the endpoint: nothing is sent to it until it wants to be asked again, or for a pause that grows.
func TestQueue_SlowsDown(t *testing.T) {
	t.Parallel()
	after := func(status int, wait time.Duration) domain.Sent {
		s := answer(status, 0)
		s.RetryAfter = noon.Add(wait)
		return s
	}
	for _, row := range []struct {
		why  string
		sent domain.Sent
		wait time.Duration
	}{
		{"429 with Retry-After", after(429, 90*time.Second), 90 * time.Second},
		{"503 with Retry-After", after(503, 90*time.Second), 90 * time.Second},
		{"nobody makes us wait for a day", after(429, 24*time.Hour), time.Hour},
		{"429 without", answer(429, 0), time.Second},
		{"503 without", answer(503, 0), time.Second},
		{"of any other status it is for that delivery alone", after(500, 90*time.Second), 0},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{Schedule: []time.Duration{12 * time.Hour}})
			a, b := d.owe("ghl-ada", first), d.owe("ghl-bob", first)
			d.sends()
			d.answer(a, row.sent)
			d.answer(b, answer(200, 0)) // was in the air
			c := d.owe("ghl-eve", first)
			if row.wait > 0 {
				require.Empty(t, d.sends())
				d.advance(row.wait - 1)
				require.Empty(t, d.sends())
				d.advance(1)
			}
			require.Equal(t, []int64{c}, d.sends())
		})
	}
	d := open(t, domain.Endpoint{Schedule: []time.Duration{12 * time.Hour}})
	for i := range 4 { // the fifth would open the circuit
		n := d.owe(domain.LeadID(fmt.Sprint("ghl-", i)), first)
		if i > 0 {
			require.Empty(t, d.sends())
			d.advance(time.Second<<(i-1) - 1)
			require.Empty(t, d.sends(), "the pause doubles")
			d.advance(1)
		}
		require.Equal(t, []int64{n}, d.sends())
		d.answer(n, answer(429, 0))
	}
}

// Five failures of the endpoint open the circuit. Then one probe at a time is made, at growing distances; the oldest goes
// first. A success closes it, and what has piled up goes one at a time at first.
func TestQueue_OpensItsCircuit(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	for range 3 {
		n := d.owe("ghl-picky", first)
		d.sends()
		d.answer(n, answer(422, 0))
	}
	require.False(t, d.queue.Figures().Open, "what it does not like about a payload says nothing of the endpoint")
	d = open(t, domain.Endpoint{})
	d.failing()
	require.True(t, d.queue.Figures().Open)
	require.Equal(t, []queue.Notice{queue.Failing, queue.Opened}, d.notes)
	d.oweMany("ghl-", first, 30)
	require.Empty(t, d.sends())
	opened, last := d.now, d.now
	var distances []time.Duration
	for len(distances) < 7 {
		d.advance(time.Millisecond)
		if len(d.sent) == 0 {
			continue
		}
		require.Len(t, d.sent, 1)
		require.Equal(t, domain.TriggerProbe, d.sent[0].Trigger)
		require.False(t, d.sent[0].Delivery.DueAt.After(opened.Add(6*time.Second)), "the oldest")
		distances, last = append(distances, d.now.Sub(last)), d.now
		d.answerAll(answer(502, 0))
	}
	for i, seconds := range []int{5, 10, 20, 40, 50, 50, 50} {
		base := time.Duration(seconds) * time.Second
		require.GreaterOrEqual(t, distances[i], base)
		require.LessOrEqual(t, distances[i], base*6/5+time.Millisecond)
	}
	d.advance(2 * time.Minute)
	require.Len(t, d.sent, 1)
	d.answerAll(answer(200, 0))
	require.Contains(t, d.notes, queue.Closed)
	for wave := range 5 {
		require.Len(t, d.sent, wave+1, "no herd")
		d.answerAll(answer(200, 0))
	}
}

// What has waited past its terminal time for a dead endpoint ends without an attempt, and says what the endpoint last said.
func TestQueue_GivesUpWhileTheCircuitIsOpen(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Hour})
	d.failing()
	d.advance(time.Minute)
	d.answerAll(answer(500, 0)) // the probe that is in the air
	n := d.owe("ghl-ada", first)
	behind := d.owe("ghl-ada", update)
	for d.now.Before(noon.Add(4 * time.Hour)) {
		d.advance(10 * time.Second)
		for _, s := range d.sent {
			require.NotEqual(t, domain.TriggerFirst, s.Trigger)
		}
		d.answerAll(answer(500, 0))
	}
	require.Empty(t, d.store.pending, "every delivery ends")
	for _, o := range []int64{n, behind} {
		require.Equal(t, domain.DeliveryExhausted, d.store.of(o).State)
		require.NotEmpty(t, d.store.of(o).Reason)
	}
	without := 0
	for _, a := range d.records {
		if a.Receipt.Error == domain.ErrorDown {
			without++
			require.Zero(t, a.Receipt.Number)
			require.Equal(t, "not sent: the endpoint is down; it last answered: 500 Internal Server Error", a.Receipt.Reason)
			o := d.store.of(a.Delivery)
			require.False(t, o.EndedAt.Before(o.OwedAt.Add(time.Hour)), "not before its time")
			require.Less(t, o.EndedAt.Sub(o.OwedAt), 2*time.Hour+time.Minute)
		}
	}
	require.Positive(t, without)
}

// 410 disables, and so does nothing but failures for too long. The queue is kept whole, and when it is enabled what is past
// its terminal time has one attempt at once.
func TestQueue_IsDisabled(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why   string
		sent  domain.Sent
		after time.Duration
		want  string
	}{
		{"gone", answer(410, 0), 0, "the endpoint answered 410 Gone"},
		{"failing for too long", answer(422, 0), 2 * time.Hour, "nothing but failures since 2026-03-02T12:00:00Z; the last: 422 Unprocessable Entity"},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			d := open(t, domain.Endpoint{DisableAfter: 2 * time.Hour, Terminal: 5 * time.Hour, Schedule: []time.Duration{time.Hour, time.Hour}})
			n := d.owe("ghl-ada", first)
			for d.store.state.DisabledAt.IsZero() {
				require.LessOrEqual(t, d.now.Sub(noon), row.after+time.Hour)
				d.answerAll(row.sent)
				d.advance(time.Minute)
			}
			require.GreaterOrEqual(t, d.now.Sub(noon), row.after)
			require.Equal(t, row.want, d.store.state.Reason)
			require.Contains(t, d.notes, queue.Disabled)
			m := d.owe("ghl-bob", first)
			d.advance(48 * time.Hour)
			require.Empty(t, d.sends(), "nothing is sent")
			require.Len(t, d.store.pending, 2, "and nothing ends")
			require.False(t, d.queue.Busy(), "it need not stay in memory for that")
			d.take(d.queue.Changed(d.now, d.store.enable()))
			require.Len(t, d.sent, 1, "begins with one")
			for len(d.sent) > 0 {
				if d.sent[0].Delivery.N == m {
					d.answerAll(answer(200, 0))
				} else {
					d.answerAll(answer(500, 0))
				}
			}
			require.Equal(t, domain.DeliveryExhausted, d.store.of(n).State, "that was its last")
		})
	}
}

func TestQueue_IsPaused(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Hour})
	a, b := d.owe("ghl-ada", first), d.owe("ghl-ada", update)
	d.take(d.queue.Configure(d.now, d.config, true, 5))
	d.answer(a, answer(500, 0)) // was in the air
	d.sends()
	d.owe("ghl-bob", first)
	d.advance(72 * time.Hour)
	require.Empty(t, d.sends())
	require.Len(t, d.store.pending, 3)
	require.False(t, d.queue.Busy())
	d.take(d.queue.Configure(d.now, d.config, false, 6))
	for len(d.sent) > 0 {
		d.answerAll(answer(200, 0))
	}
	require.Empty(t, d.store.pending)
	require.EqualValues(t, 6, d.store.receipt[b][0].Revision, "the configuration that it was sent by")

	d = open(t, domain.Endpoint{Paused: true})
	d.oweMany("ghl-", first, 9)
	d.advance(time.Hour)
	require.Zero(t, d.loads, "there is nothing to do, and nothing is done")
	d.take(d.queue.Configure(d.now, d.config, false, 5))
	require.Len(t, d.sends(), 4, "nothing was sent before: it begins as any other does")
}

// A store that is away gets the same record again after pauses that grow; nothing is sent meanwhile.
func TestQueue_WaitsForTheStore(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	n := d.owe("ghl-ada", first)
	d.refuse = func(domain.Attempted) error { return down }
	d.answer(n, answer(200, 0))
	other := d.owe("ghl-bob", first)
	require.Equal(t, []int64{n}, d.sends())
	d.advance(time.Minute)
	require.Empty(t, d.sends(), "whatever is sent without a record is sent again after a crash")
	require.Greater(t, len(d.records), 10)
	require.Less(t, len(d.records), 20)
	for _, a := range d.records {
		require.Equal(t, d.records[0], a)
	}
	require.True(t, d.queue.Busy())
	d.refuse = nil
	d.advance(5 * time.Second)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(n).State)
	require.Equal(t, []int64{other}, d.sends())
}

// A receipt that the store will not have goes without what the endpoint answered, before it holds its lead up.
func TestQueue_RecordsWhatItCan(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	n := d.owe("ghl-ada", first)
	d.refuse = func(a domain.Attempted) error {
		if a.Receipt.Body != nil {
			return domain.FailField("record attempt", "receipt.body", "is odd")
		}
		return nil
	}
	s := answer(200, 0)
	s.Body = []byte("odd")
	d.answer(n, s)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(n).State)
	n, behind, other := d.owe("ghl-ada", first), d.owe("ghl-ada", first), d.owe("ghl-bob", first)
	d.refuse = func(a domain.Attempted) error {
		if a.Delivery == n {
			return domain.Fail("record attempt", domain.Internal, nil)
		}
		return nil
	}
	d.sends()
	d.answer(n, s)
	d.answer(other, s)
	d.advance(time.Minute)
	require.Equal(t, 2, d.stuck)
	require.Equal(t, domain.DeliveryDelivered, d.store.of(other).State, "it holds nobody else up")
	d.refuse = nil
	d.advance(time.Minute)
	require.Equal(t, []int64{behind}, d.sends())
}

func TestQueue_StopsWhenItIsFenced(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	n := d.owe("ghl-ada", first)
	d.owe("ghl-ada", first)
	d.store.epoch++
	d.answer(n, answer(200, 0))
	require.True(t, d.gone)
	require.False(t, d.queue.Busy())
	d.sends()
	d.owe("ghl-bob", first)
	d.advance(time.Hour)
	require.Empty(t, d.sends())
}

// Somebody has cancelled it, or another activation was first: what is due comes from the store.
func TestQueue_YieldsToTheStore(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	a, b := d.owe("ghl-ada", first), d.owe("ghl-ada", first)
	d.sends()
	d.store.end(d.store.of(a), domain.DeliveryCancelled, d.now) // and nobody says so
	d.answer(a, answer(500, 0))
	require.Len(t, d.sent, 1)
	require.False(t, d.sent[0].OutOfOrder, "nothing is before it any more")
	require.Equal(t, []int64{b}, d.sends())
	d.store.of(b).Revision++
	d.answer(b, answer(500, 0))
	require.Equal(t, []int64{b}, d.sends(), "stale: as it is now")
}

// Somebody asks for a delivery: at once, though it is not due and the circuit is open; its schedule stays as it was.
func TestQueue_Hastens(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.failing()
	n := int64(3)
	d.store.of(n).DueAt = d.now
	d.take(d.queue.Hastened(d.now, *d.store.of(n)))
	require.Len(t, d.sent, 1)
	require.Equal(t, domain.TriggerManual, d.sent[0].Trigger)
	require.Equal(t, []int64{n}, d.sends())
	own := schedule.Of(d.config)
	want, _ := own.Next(*d.store.of(n), d.now, time.Time{})
	d.answer(n, answer(500, 0))
	require.Equal(t, want, d.store.of(n).DueAt)
}

// An endpoint that was failing when it changed hands gets one attempt at a time, and its circuit opens with the next failure.
func TestQueue_BeginsWithCare(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.failing()
	d.oweMany("ghl-", first, 20)
	d.advance(time.Second)
	d.activate()
	require.Len(t, d.sent, 1)
	d.answerAll(answer(500, 0))
	require.True(t, d.queue.Figures().Open)
	require.Empty(t, d.sent)
}

// Our own stop ends nothing, says nothing of the endpoint, and costs no place in the queue.
func TestQueue_SurvivesOurOwnStop(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Terminal: time.Minute})
	n := d.owe("ghl-ada", first)
	d.sends()
	d.advance(2 * time.Minute)
	d.answer(n, broken(domain.ErrorStopped, 2*time.Minute))
	require.Equal(t, domain.ClassFirst, d.store.of(n).Class)
	require.Equal(t, []int64{n}, d.sends())
	require.Empty(t, d.notes)
}

// A better class asks beside what was asked for, so that the node knows what it would be.
func TestQueue_AsksByClass(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{Concurrency: 2})
	d.lazy = true
	d.oweMany("ghl-r", replay, 10)
	require.Equal(t, []domain.Class{replay}, d.asked)
	d.oweMany("ghl-u", update, 3)
	require.Equal(t, []domain.Class{replay, update}, d.asked)
	d.oweMany("ghl-f", first, 3)
	require.Equal(t, []domain.Class{replay, update, first}, d.asked, "once")
	for range d.asked {
		d.take(d.queue.Granted(d.now))
	}
	require.Len(t, d.sent, 2, "the third is given back")
}

// A million events cost no memory: what does not fit stays in the store, and comes when there is room.
func TestQueue_LeavesTheRestInTheStore(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	const n = 3000
	d.oweMany("ghl-", update, n)
	rows, _ := d.queue.Size()
	require.LessOrEqual(t, rows, queue.PerClass+domain.DefaultConcurrency)
	for sent := 0; sent < n; {
		did := d.answerAll(answer(200, 0))
		require.Positive(t, did, "after %d", sent)
		sent += did
		rows, settled := d.queue.Size()
		require.LessOrEqual(t, rows, queue.PerClass+domain.DefaultConcurrency)
		require.LessOrEqual(t, settled, 512)
		if sent == 1500 || sent == 1501 {
			f := d.owe("ghl-late", first)
			require.LessOrEqual(t, int64(n), f)
			sent--
		}
	}
	require.Empty(t, d.store.pending)
	require.Less(t, d.loads, n/40, "many at once")
	require.False(t, d.queue.Busy())
}

// Whatever is forecast comes true when nothing interferes: for any schedule if the endpoint answers no, and for the default
// one if it is down, because its pauses are longer than those between probes.
func TestQueue_ForecastComesTrue(t *testing.T) {
	t.Parallel()
	for _, status := range []int{422, 500} {
		for seed := range uint64(150) {
			l := newLife(seed, false)
			e := domain.Endpoint{DisableAfter: domain.MaxDisableAfter}
			if status == 422 {
				e.Schedule, e.Terminal = l.config.Schedule, l.config.Terminal
			}
			d := open(t, e)
			d.advance(time.Duration(seed) * 1234567 * time.Microsecond)
			n := d.owe("ghl-ada", first)
			told := schedule.Of(e).Forecast(*d.store.of(n), d.now)
			for i, at := range told {
				require.Len(t, d.sent, 1, "seed %d: attempt %d of %d", seed, i+1, len(told))
				require.Equal(t, i == 0, d.now.Sub(at) >= 0 && i == 0, "seed %d", seed)
				require.Less(t, d.now.Sub(at).Abs(), time.Millisecond, "seed %d: attempt %d", seed, i+1)
				d.answerAll(answer(status, 0))
				if i+1 < len(told) {
					require.Equal(t, told[i+1], d.store.of(n).DueAt, "seed %d", seed)
					d.advance(told[i+1].Sub(d.now) - 1)
					require.Empty(t, d.sent, "seed %d: never early", seed)
					d.advance(1)
				}
			}
			require.Equal(t, domain.DeliveryExhausted, d.store.of(n).State, "seed %d", seed)
		}
	}
}

// What deciding costs for one delivery, from the hint to its record, with a backlog in memory.
func BenchmarkQueue(b *testing.B) {
	q := queue.New(key, fence, domain.Endpoint{}, false, 1, nil)
	q.Start(noon)
	q.Loaded(noon, domain.Due{}, nil)
	n, todo := int64(0), []queue.Step(nil)
	owe := func() {
		n++
		d := domain.Delivery{N: n, Account: key.Account, Endpoint: key.Endpoint, State: domain.DeliveryPending, Revision: 1, OwedAt: noon, DueAt: noon}
		d.Lead = domain.LeadID(fmt.Sprint("ghl-", n))
		todo = append(todo, q.Owed(noon, d)...)
	}
	for range queue.PerClass {
		owe()
	}
	done := answer(200, 0)
	b.ReportAllocs()
	for b.Loop() {
		for recorded := false; !recorded; {
			step := todo[0]
			todo = todo[1:]
			switch s := step.(type) {
			case queue.Ask:
				todo = append(todo, q.Granted(noon)...)
			case queue.Send:
				todo = append(todo, q.Attempted(noon, s.Delivery.N, done, "s-1")...)
			case queue.Record:
				todo = append(todo, q.Recorded(noon, s.Attempted, domain.AttemptRecorded{Outcome: domain.Done}, nil)...)
				recorded = true
			}
		}
		owe()
	}
}
