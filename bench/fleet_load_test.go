package bench

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// inTurn places a lead by its number, and every buyer in partition 1.
type inTurn struct{}

func (inTurn) Owners(context.Context) (o Owners, err error) { return o, nil }
func (inTurn) Lead(key domain.LeadKey) domain.Partition {
	n, _ := strconv.Atoi(string(key.Lead[len(key.Lead)-nDigits:]))
	return domain.Partition(n % domain.Partitions)
}
func (inTurn) Buyer(domain.BuyerKey) domain.Partition { return 1 }
func (inTurn) Close() error                           { return nil }

// startNodes serves one stand-in on several addresses; what stands before a node may answer in its place.
func startNodes(t *testing.T, before ...func(http.Handler) http.Handler) (*standIn, *fleet, []*httptest.Server) {
	t.Helper()
	s, target := startStandIn(t, 3, faults{})
	f := &fleet{ownServer: &ownServer{Target: *target}, account: "bench"}
	var servers []*httptest.Server
	for _, wrap := range before {
		server := httptest.NewServer(wrap(s.routes()))
		t.Cleanup(server.Close)
		servers = append(servers, server)
		f.nodes = append(f.nodes, &fleetNode{to: server.Listener.Addr().(*net.TCPAddr).AddrPort()})
	}
	return s, f, servers
}

func well(h http.Handler) http.Handler { return h }

// startLoad runs a load until the function returned is called, which answers with what it has become.
func startLoad(t *testing.T, f *fleet, patience time.Duration) (l *fleetLoad, end func() *fleetLoad) {
	t.Helper()
	l, err := newFleetLoad(fleetPlan{rate: 200, connections: 64, patience: patience, drain: time.Minute, account: f.account}, f, "0badcafe", inTurn{})
	require.NoError(t, err)
	go func() {
		defer close(l.over)
		l.err = l.run(t.Context())
	}()
	return l, func() *fleetLoad {
		l.ask(func() { l.ending = true })
		<-l.over
		require.NoError(t, l.err)
		return l
	}
}

// sentBy waits until so many webhooks have been sent.
func sentBy(t *testing.T, l *fleetLoad, count int64) {
	t.Helper()
	for next := int64(0); next < count; {
		l.ask(func() { next = l.next })
		select {
		case <-l.over:
			t.Fatal(l.err)
		case <-time.After(time.Millisecond): // nobody tells of it
		}
	}
}

// A node that answers 503 to every second webhook fails nothing: the next node gets it, once.
func TestFleetLoad_GoesToTheNextNode(t *testing.T) {
	t.Parallel()
	broken := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	server, f, _ := startNodes(t, well, broken)
	l, end := startLoad(t, f, time.Minute)
	sentBy(t, l, 20)
	l.ask(func() { l.begin() })
	sentBy(t, l, 60)
	end()
	require.Zero(t, server.forged)
	require.EqualValues(t, l.next, l.ledger.acked)
	require.EqualValues(t, l.next/2, l.phases[0].retried+l.phases[1].retried)
	require.EqualValues(t, l.phases[1].from, l.phases[0].all.Count(), "a row is timed in the phase that its webhook was due in")
	for _, none := range []int64{l.phases[0].failed, l.phases[1].failed, l.ledger.lost(), l.ledger.duplicates, l.ledger.gaps, l.refused} {
		require.Zero(t, none)
	}
}

// A node dies: its streams come back elsewhere and are not steady meanwhile, and who moved is heard of again.
func TestFleetLoad_Strike(t *testing.T) {
	t.Parallel()
	_, f, servers := startNodes(t, well, well)
	l, end := startLoad(t, f, time.Minute)
	sentBy(t, l, 10)
	held := map[domain.Partition]bool{1: true, 2: true, 200: true} // of 200 there is no lead yet
	var s *strike
	l.ask(func() {
		s = l.aim(1, held, []domain.Partition{1, 1, 7})
		require.NoError(t, l.hit(1, s, func() error {
			go servers[1].CloseClientConnections()
			return servers[1].Listener.Close()
		}))
	})
	<-s.done
	require.Len(t, s.took.leads, 2)
	require.Len(t, s.took.buyers, 1, "stream 0: that of buyer 1 was open on the node that died, and buyer 2 has not moved")
	open := func() (whole bool) {
		l.ask(func() { whole = l.streams.whole() })
		return whole
	}
	for !open() {
		<-time.After(time.Millisecond) // nobody tells of it
	}
	end()
	require.Positive(t, l.streams.reconnects)
	require.Less(t, l.phases[0].steady.Count(), l.phases[0].all.Count())
	require.Zero(t, l.phases[0].failed)
	require.Zero(t, l.ledger.lost())
	require.True(t, l.probes[0].acked && l.probes[1].acked)
}

// What a node does not ack is at the next one without a pause, and what none acks pauses.
func TestBalancer_GoesAround(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := closed.Addr().(*net.TCPAddr).AddrPort()
	require.NoError(t, closed.Close())
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer refusing.Close()
	r, err := newReactor(nobody)
	require.NoError(t, err)
	defer r.close()
	pools := []*pool{{reactor: r, to: nobody, most: 1}, {reactor: r, to: refusing.Listener.Addr().(*net.TCPAddr).AddrPort(), most: 1}}
	b := newBalancer(pools, time.Minute, func(int64) []byte { return []byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n") }, nil)
	now := time.Now()
	b.send(0, now)
	for len(b.again) == 0 { // the clock stands still
		require.NoError(t, r.turn(time.Millisecond))
		b.retry(now)
	}
	require.EqualValues(t, 1, b.refused)
	require.Equal(t, 2, b.open[0].tries)
	require.False(t, b.again[0].next.Before(now.Add(againAfter)))
}

// What no node acks has failed in the end, and is no loss.
func TestBalancer_GivesUp(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().(*net.TCPAddr).AddrPort()
	require.NoError(t, l.Close())
	r, err := newReactor(nobody)
	require.NoError(t, err)
	defer r.close()
	failed := 0
	b := newBalancer([]*pool{{reactor: r, to: nobody, most: 1}}, time.Minute, func(int64) []byte { return []byte("x") }, func(n int64, acked bool, tries int, _ time.Time) {
		require.False(t, acked)
		require.EqualValues(t, 7, n)
		require.Greater(t, tries, 1)
		failed++
	})
	now := time.Now()
	b.send(7, now)
	for failed == 0 { // its clock is ours
		require.NoError(t, r.turn(time.Millisecond))
		if e := b.open[7]; e != nil {
			e.began = e.began.Add(-giveUpAfter / 4)
		}
		now = now.Add(time.Second)
		b.retry(now)
	}
	require.Empty(t, b.open)
}

// Each buyer's list is read to its end.
func TestProof_Read(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "Bearer tok", r.Header.Get("Authorization"))
		if r.URL.Query().Get("cursor") == "" {
			_, _ = w.Write([]byte(`{"leads":[{"id":"ghl-lw0badcafe0000000002","contact":{"company":"Probe 0"}},{"id":"ghl-of-another-run"}],"next_cursor":"x"}`))
			return
		}
		_, _ = w.Write([]byte(`{"leads":[{"id":"ghl-lw0badcafe0000000000","contact":{}}]}`))
	}))
	defer server.Close()
	p := (&fleetLoad{next: 3, probes: []*probe{{lead: 2, company: "Probe 0", acked: true}}}).newProof()
	require.NoError(t, p.read(t.Context(), server.Client(), server.URL, "tok", []byte("lw0badcafe")))
	require.Equal(t, []uint8{1, 0, 1}, p.listed)
	require.Zero(t, p.lost([]answer{wasAcked, wasFailed, wasAcked}))
}

// As many are sent as are answered; only what comes after the warm-up counts.
func TestSaturate(t *testing.T) {
	t.Parallel()
	var answered atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered.Add(1) }))
	defer server.Close()
	_, target := startStandIn(t, 1, faults{})
	target.URL = server.URL
	rate, err := saturate(t.Context(), *target, "0badcafe", 500*time.Millisecond, 2*time.Second)
	require.NoError(t, err)
	require.Positive(t, rate)
	require.Less(t, rate, float64(answered.Load())/2)
}
