package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

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
	require.Less(t, d.loads, n/30, "many at once")
	require.False(t, d.queue.Busy())
}

// Another node has taken the endpoint over and tried what waits here: it is of another class now, which has no room.
func TestQueue_KeepsToItsRoomWhenTheStoreMovesAClass(t *testing.T) {
	t.Parallel()
	d := open(t, domain.Endpoint{})
	d.queue.SetRoom(1)
	d.lazy = true
	d.owe("ghl-ada", retry)
	moved := d.owe("ghl-bob", update)
	require.Equal(t, [domain.Classes]int{0, 1, 1, 0}, d.queue.Figures().Waiting)
	d.store.of(moved).Class = retry
	d.store.of(moved).Revision++
	d.take(d.queue.Owed(d.now))
	require.Equal(t, [domain.Classes]int{0, 0, 1, 0}, d.queue.Figures().Waiting)
}
