package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/dashboard/browser"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// fleet is several processes on one Postgres, each behind a network of its own that is its --node-url.
type fleet struct {
	t       *testing.T
	crm     *crm
	b       backend
	tokens  map[string]string
	nodes   []*process
	folders []string
	nets    []*ssetest.Proxy
}

func newFleet(t *testing.T, nodes int, buyers ...string) *fleet {
	t.Helper()
	url, seeds := pgtest.Fresh(t), filepath.Join(t.TempDir(), "seeds")
	f := &fleet{t: t, crm: newCRM(t), b: onPostgres(t, url)}
	f.tokens = apply(t, f.b.storage, f.crm.catalog(buyers, 0))
	for i := range nodes {
		proxy, err := ssetest.NewProxy("127.0.0.1:1")
		require.NoError(t, err)
		t.Cleanup(proxy.Close)
		folder := t.TempDir()
		p := serve(t, []string{"--store", url, "--data", folder}, "--join", "file:"+seeds, "--cluster-secret", "MDEyMzQ1Njc4OWFiY2RlZg==",
			"--node-url", "http://"+proxy.Addr())
		proxy.Retarget(p.address)
		f.nodes, f.folders, f.nets = append(f.nodes, p), append(f.folders, folder), append(f.nets, proxy)
		if i == 0 {
			require.NoError(t, os.WriteFile(seeds, []byte(standing(t, folder).Gossip+"\n"), 0o600))
		}
	}
	f.settled(f.nodes...)
	return f
}

// settled waits until the given nodes, and no others, hold all partitions.
func (f *fleet) settled(alive ...*process) {
	f.t.Helper()
	for end := time.Now().Add(patience); ; {
		held, members := 0, 0
		for _, p := range alive {
			s := standing(f.t, f.folders[slices.Index(f.nodes, p)])
			held, members = held+s.Held, members+len(s.Members)
		}
		if held == 256 && members == len(alive)*len(alive) {
			return
		}
		require.True(f.t, time.Now().Before(end), "%d partitions are held, %d members known", held, members)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// owner asks one node on which node a buyer lives.
func (f *fleet) owner(asked *process, buyer string) *process {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, asked.url("/api/buyer/stream"), nil)
	require.NoError(f.t, err)
	req.Header.Set("Authorization", "Bearer "+f.tokens[buyer])
	res, err := f.crm.client.Do(req)
	require.NoError(f.t, err)
	defer res.Body.Close()
	var where struct {
		URL   string `json:"url"`
		Local bool   `json:"local"`
	}
	require.NoError(f.t, json.NewDecoder(res.Body).Decode(&where))
	for i, net := range f.nets {
		if strings.HasPrefix(where.URL, "http://"+net.Addr()+"/api/buyer/events?ticket=") {
			require.Equal(f.t, f.nodes[i] == asked, where.Local)
			return f.nodes[i]
		}
	}
	require.FailNow(f.t, "no node is at "+where.URL)
	return nil
}

// head is how far a buyer's feed goes.
func (f *fleet) head(store domain.Store, buyer string) int64 {
	f.t.Helper()
	heads, err := store.Heads(f.t.Context(), []domain.BuyerKey{{Account: "acme", Buyer: domain.BuyerID(buyer)}})
	require.NoError(f.t, err)
	return int64(heads[0].Seq)
}

// told waits until everything that was sent is acked by a node, and decided.
func (f *fleet) told(l *load, store domain.Store, by *process) {
	f.t.Helper()
	for end := time.Now().Add(patience); l.unacked() > 0; l.send(by, l.draw()) {
		require.True(f.t, time.Now().Before(end), "%d events are not acked\n%s", l.unacked(), by.log)
	}
	for end := time.Now().Add(patience); ; {
		backlog, err := store.Backlog(f.t.Context())
		require.NoError(f.t, err)
		if backlog.Undecided == 0 {
			return
		}
		require.True(f.t, time.Now().Before(end), "%d events are not decided", backlog.Undecided)
		<-time.After(patienceStep) // nobody tells of it
	}
}

// whole waits until each dashboard has its feed up to now, and requires every row once, in order, and no refetch.
func (f *fleet) whole(store domain.Store, dashboards map[string]*dashboard) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	for buyer, d := range dashboards {
		head := f.head(store, buyer)
		require.True(f.t, d.until(ctx, func() bool { return int64(len(d.rows)) >= head }), "%s has not all of %d rows", buyer, head)
		for i, r := range d.seen() {
			require.Equal(f.t, int64(i+1), r.Seq, "%s: %v", buyer, d.seen())
		}
		_, resyncs := d.counts()
		require.Zero(f.t, resyncs)
	}
}

// Four processes, and each buyer has an open stream on two of them. An owner is killed: streams elsewhere go on, and none
// has to connect again. Then a node with streams and an owner of some of their buyers are killed at the same moment, and the
// streams come back at the last one. Every stream has told its whole feed, each row once, in order.
func TestCluster_StreamsOutliveNodes(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	many := []string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"}
	f := newFleet(t, 4, many...)
	store := f.b.open(t)
	one, two, three, four := f.nodes[0], f.nodes[1], f.nodes[2], f.nodes[3]
	front, err := ssetest.NewProxy(one.address) // a balancer before the first, for streams that have to go elsewhere
	require.NoError(t, err)
	t.Cleanup(front.Close)
	first, second := openAll(f.tokens), openAll(f.tokens)
	at := &process{t: t, address: front.Addr(), log: one.log}
	defer watch(t, at, first)()
	defer watch(t, three, second)()

	l := newLoad(f.crm, "n")
	send := func(n int, to ...*process) {
		for i := range n {
			l.send(to[i%len(to)], l.draw())
		}
	}
	send(60, one, two, three)
	var stop sync.WaitGroup
	quit := make(chan struct{})
	stop.Go(func() { // leads come all the while, by the node that lives
		for {
			select {
			case <-quit:
				return
			default:
				l.send(three, l.draw())
			}
		}
	})
	lived := 0
	for _, buyer := range many {
		if f.owner(one, buyer) == two {
			lived++
		}
	}
	two.kill()
	f.settled(one, three, four)
	close(quit)
	stop.Wait()
	f.told(l, store, three)
	f.whole(store, first)
	f.whole(store, second)
	for _, all := range []map[string]*dashboard{first, second} {
		for buyer, d := range all {
			require.Equal(t, 1, d.opened, "%s did not have to connect again", buyer)
		}
	}

	require.GreaterOrEqual(t, gauge(t, one, "leadwire_hub_reattached_total"), float64(lived), "feeds that lived there are watched elsewhere")
	require.Zero(t, gauge(t, one, `leadwire_hub_sessions{owner="asked"}`))
	require.InDelta(t, len(many), gauge(t, one, `leadwire_hub_sessions{owner="here"}`)+gauge(t, one, `leadwire_hub_sessions{owner="elsewhere"}`), 0)

	both := 0
	for _, buyer := range many {
		if f.owner(three, buyer) == four {
			both++
		}
	}
	t.Logf("%d buyers lose the node of a stream and their owner at once, and %d their owner before", both, lived)
	var killed sync.WaitGroup
	killed.Go(one.kill)
	killed.Go(four.kill)
	killed.Wait()
	front.Retarget(three.address)
	front.Cut()
	send(30, three)
	f.settled(three)
	f.told(l, store, three)
	f.whole(store, first)
	f.whole(store, second)
	for buyer, d := range second {
		require.Equal(t, 1, d.opened, "%s", buyer)
	}
}

// gauge reads one series of a node's metrics.
func gauge(t *testing.T, p *process, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics(t, p)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(t, err)
			return n
		}
	}
	require.FailNow(t, "no series "+series)
	return 0
}

// A page in a real Chromium comes by a node that its buyer does not live on, and keeps its stream at the one it does. That
// one is killed under it: the page goes on and shows each lead once; when the cluster has settled, its stream is at the
// buyer's new node again.
func TestCluster_DashboardFollowsItsBuyer(t *testing.T) {
	t.Parallel()
	needsProgram(t)
	b := browser.Start(t)
	f := newFleet(t, 3, "ann")
	owner := f.owner(f.nodes[0], "ann")
	var others []*process
	for _, p := range f.nodes {
		require.Equal(t, owner, f.owner(p, "ann"), "all agree")
		if p != owner {
			others = append(others, p)
		}
	}
	streamsAt := func(p *browser.Page, at *process) (n int) {
		for _, r := range p.Requests() {
			if strings.HasPrefix(r, "GET http://"+f.nets[slices.Index(f.nodes, at)].Addr()+"/api/buyer/events?ticket=") {
				n++
			}
		}
		return n
	}
	s := &shop{t: t, crm: f.crm, node: others[0], tokens: f.tokens}
	var err error
	s.proxy, err = ssetest.NewProxy(others[0].address)
	require.NoError(t, err)
	t.Cleanup(s.proxy.Close)
	p := s.page(b, "ann")
	require.Equal(t, 1, streamsAt(p, owner))
	want := []string{s.lead(), s.lead()}
	p.WaitRow(want[1], "Person b2")

	owner.kill()
	f.nets[slices.Index(f.nodes, owner)].Down()
	for range 3 { // some before anybody knows; the CRM sends again what was put off
		want = append(want, s.leadAtLast())
	}
	p.WaitRow(want[4], "Person b5")
	shows(t, p, want)
	f.settled(others...)
	now := f.owner(others[0], "ann")
	if now != others[0] { // where the page's stream has found shelter: there it stays
		require.Eventually(t, func() bool { return streamsAt(p, now) > 0 }, patience, patienceStep)
	}
	want = append(want, s.leadAtLast())
	p.WaitRow(want[5], "Person b6")
	shows(t, p, want)
	p.WaitState("live")
}

// leadAtLast is lead by a CRM that sends again what was put off.
func (s *shop) leadAtLast() (id string) {
	s.t.Helper()
	s.sent++
	lead := fmt.Sprintf("b%d", s.sent)
	require.Eventually(s.t, func() bool {
		status, err := s.crm.post(s.node, contact("ev-"+lead, lead, "Person "+lead))
		return err == nil && status == http.StatusOK
	}, patience, patienceStep)
	return "ghl-" + lead
}
