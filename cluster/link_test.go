package cluster

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A node that is gone is told nothing and holds nobody up; once it is back at its address, it is heard again.
func TestWire_FindsANodeAgain(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a := c.wire(t, 0, quickWire())
	b := c.wire(t, 0, quickWire())
	addr, port := b.addr(), b.port()
	a.says(t, addr, "one")
	require.Equal(t, "one", b.hears(t))
	b.shutsDown(t)
	a.saysUntil(t, addr, "two", dropBroken) // what is written before the end is heard of is lost without a word
	_, err := a.DialTimeout(addr, wirePatience)
	require.ErrorContains(t, err, addr)

	again := c.wire(t, port, quickWire())
	until := time.After(wirePatience)
	for heard := false; !heard; {
		a.says(t, addr, "three")
		select {
		case p := <-again.packets:
			require.Equal(t, "three", string(p.Buf), "what was for the one before is stale")
			heard = true
		case <-time.After(time.Millisecond):
		case <-until:
			t.Fatal("it is not heard again")
		}
	}
}

// saysUntil says something again and again, until some of it is dropped.
func (w *wire) saysUntil(t testing.TB, to, packet string, why wireDrop) {
	t.Helper()
	for end := time.Now().Add(wirePatience); w.dropped[why].Load() == 0; {
		require.True(t, time.Now().Before(end), "no drop for "+string(why))
		w.says(t, to, packet)
	}
}

// What waited for a node that cannot be reached is dropped, all of it, and what comes after that begins anew.
func TestWire_KeepsNothingStale(t *testing.T) {
	t.Parallel()
	limits := quickWire()
	limits.pause = time.Nanosecond
	w := newClan(t).wire(t, 0, limits)
	for range 20 { // the pause is over before the queue is looked at, half the time
		l := &link{addr: "10.0.0.1:7946", queue: make(chan []byte, limits.queue)}
		w.mu.Lock()
		w.links[l.addr] = l
		w.mu.Unlock()
		for range limits.queue {
			require.NoError(t, w.send(l.addr, []byte("stale")))
		}
		require.False(t, w.rest(l), "there is nothing to send")
		require.Empty(t, l.queue)
		require.Empty(t, w.links)
	}
	require.EqualValues(t, 20*limits.queue, w.dropped[dropBroken].Load())
}

// Whoever does not read holds up nobody but what is for itself.
func TestWire_DropsWhatWaitsTooLong(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.queue, limits.write = 4, 100*time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // the kernel takes connections, and nobody shakes hands
	require.NoError(t, err)
	defer deaf.Close()
	for range 5 {
		a.says(t, deaf.Addr().String(), "packet")
	}
	a.waitDropped(t, dropBehind)
	a.says(t, b.addr(), "other")
	require.Equal(t, "other", b.hears(t))

	// Nobody takes what has come to b: the connection to it fills, and is given up.
	other := c.wire(t, 0, limits)
	other.saysUntil(t, b.addr(), string(make([]byte, maxPacket)), dropBroken)
}

// What was queued when a wire is shut down is sent first, over a link that is there and over one that is being made: that this node
// leaves is among it.
func TestWire_SendsWhatIsQueued(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	a, b, other := c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire()), c.wire(t, 0, quickWire())
	a.says(t, b.addr(), "first")
	require.Equal(t, "first", b.hears(t))
	for i := range quickWire().queue {
		a.says(t, b.addr(), strconv.Itoa(i))
		a.says(t, other.addr(), strconv.Itoa(i))
	}
	a.shutsDown(t)
	for i := range quickWire().queue {
		require.Equal(t, strconv.Itoa(i), b.hears(t))
		require.Equal(t, strconv.Itoa(i), other.hears(t))
	}
	_, err := a.WriteTo([]byte("too late"), b.addr())
	require.ErrorIs(t, err, net.ErrClosed)
}

// A wire that is shut down waits for nobody: not for who does not read, nor for who does not shake hands.
func TestWire_ShutsDownWhateverHangs(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.write, limits.handshake, limits.farewell = time.Hour, time.Hour, time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer deaf.Close()
	a.says(t, deaf.Addr().String(), "packet")
	plainly(t, a.addr(), "")
	a.waitInbound(t, 1, 0)
	a.saysUntil(t, b.addr(), string(make([]byte, maxPacket)), dropBehind)
	a.shutsDown(t)
}

// A link that has grown old is made anew, without a loss: both ends show the certificates that they have by then.
func TestWire_RenewsLinks(t *testing.T) {
	t.Parallel()
	c := newClan(t)
	limits := quickWire()
	limits.age = 20 * time.Millisecond
	a, b := c.wire(t, 0, limits), c.wire(t, 0, quickWire())
	from := map[string]bool{}
	for n := 0; len(from) < 3; n++ {
		a.says(t, b.addr(), strconv.Itoa(n))
		select {
		case p := <-b.packets:
			require.Equal(t, strconv.Itoa(n), string(p.Buf))
			from[p.From.String()] = true
		case <-time.After(wirePatience):
			t.Fatal("no packet comes")
		}
	}
	require.Zero(t, a.dropped[dropBroken].Load())
}

// Who does not renew its link is not listened to for longer.
func TestWire_EndsWhatIsOld(t *testing.T) {
	t.Parallel()
	limits := quickWire()
	limits.age, limits.handshake = time.Millisecond, time.Millisecond
	w := newClan(t).wire(t, 0, limits)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	done := make(chan error, 1)
	go func() { done <- w.read(ours) }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(wirePatience):
		t.Fatal("it goes on")
	}
}
