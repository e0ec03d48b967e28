package cluster

import (
	"context"
	"log"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkGossip runs the gossip of so many nodes in this process, over loopback, with the settings and
// the encryption of the product (a key alone, or mutual TLS), and says what one member costs while nothing happens. Then three nodes are
// killed, one after the other. It takes a minute for each size, and means nothing on a machine that keeps
// the process waiting: nodes then take each other for dead.
//
//	B/s/node          sent, in UDP and TCP payloads (without what TLS adds); what is received is as much
//	packets/s/node    packets sent
//	push-pull-B       one exchange of everything, both directions
//	cpu-µs/s/node     processor time, kernel included
//	heap-B/node       what a node keeps, of itself and of the others
//	detect-s          from a kill until the last of the others has noticed, the median
//	death-B/node      sent meanwhile beside the above
func BenchmarkGossip(b *testing.B) {
	for _, n := range []int{3, 10, 30, 100} { // 100 need two cores to themselves
		for _, under := range []string{"key", "tls"} {
			b.Run("members="+strconv.Itoa(n)+"/"+under, func(b *testing.B) {
				for b.Loop() {
					gossip(b, n, under == "tls")
				}
			})
		}
	}
}

const (
	kills    = 3
	settling = 20 * time.Second // after twice the interval, exchanges of everything are spread out
)

func gossip(b *testing.B, n int, secure bool) {
	watched := 20 * time.Second
	if testing.Short() {
		watched = 5 * time.Second
	}
	count := &traffic{}
	cfg := Config{SecretKey: []byte("0123456789abcdef")}
	if secure {
		c := newClan(b)
		cfg = Config{ServerTLS: c.server, ClientTLS: c.client}
	}
	systems := make([]*actor.ActorSystem, n)
	for i := range systems {
		systems[i] = newSystem(slog.New(slog.DiscardHandler))
		defer systems[i].Shutdown()
	}
	empty := heap()
	nodes := []*provider{startGossiper(b, systems[0], cfg, count)}
	for _, sys := range systems[1:] {
		nodes = append(nodes, startGossiper(b, sys, cfg, count, nodes[0].gossipAddress()))
	}
	agree(b, nodes, "")
	time.Sleep(settling)
	b.ReportMetric(float64(heap()-empty)/float64(n), "heap-B/node")
	began, cpu, before := time.Now(), cpuTime(b), count.now()
	time.Sleep(watched)
	took, sent := time.Since(began).Seconds(), count.now().minus(before)
	each := took * float64(n)
	b.ReportMetric(float64(sent.bytes())/each, "B/s/node")
	b.ReportMetric(float64(sent.packets)/each, "packets/s/node")
	b.ReportMetric(float64(sent.streamed)/float64(max(sent.streams, 1)), "push-pull-B")
	b.ReportMetric((cpuTime(b)-cpu).Seconds()*1e6/each, "cpu-µs/s/node")

	calm := float64(sent.bytes()) / took
	var noticed []float64
	var news float64
	for range min(kills, n-2) {
		dies := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		began, before := time.Now(), count.now()
		dies.close()
		agree(b, nodes, dies.ml.LocalNode().Name)
		took := time.Since(began).Seconds()
		noticed = append(noticed, took)
		news += (float64(count.now().minus(before).bytes()) - calm*took) / float64(len(nodes))
	}
	b.ReportMetric(quantile(noticed, 0.5), "detect-s")
	b.ReportMetric(max(news, 0)/float64(len(noticed)), "death-B/node")
	for _, p := range nodes {
		p.close()
	}
}

// agree returns when every node knows as many members as there are, and none of that name.
func agree(b *testing.B, nodes []*provider, without string) {
	b.Helper()
	require.Eventually(b, func() bool {
		return !slices.ContainsFunc(nodes, func(p *provider) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			_, known := p.nodes[without]
			return known || len(p.nodes) != len(nodes)
		})
	}, 2*time.Minute, 20*time.Millisecond)
}

// startGossiper begins the membership of a node that has no actors.
func startGossiper(b *testing.B, sys *actor.ActorSystem, cfg Config, count *traffic, seeds ...string) *provider {
	b.Helper()
	silent := slog.New(slog.DiscardHandler)
	var over memberlist.Transport
	if cfg.ServerTLS != nil {
		w, err := openWire("127.0.0.1", 0, cfg.ServerTLS, cfg.ClientTLS, usualWire, silent)
		require.NoError(b, err)
		over, cfg.GossipPort = w, w.port()
	} else {
		net, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{BindAddrs: []string{"127.0.0.1"}, Logger: log.New(gossipWriter{silent}, "", 0)})
		require.NoError(b, err)
		over, cfg.GossipPort = net, net.GetAutoBindPort()
	}
	cfg = cfg.withDefaults()
	p := newProvider(cfg, silent, func() {}, &history{})
	p.c = &cluster.Cluster{ActorSystem: sys}
	p.seeds = newDiscovery(seeds, silent)
	p.self = &cluster.Member{Host: "10.0.0.1", Port: 7400, Id: sys.ID + ".0", Kinds: []string{memberKind}}
	require.NoError(b, p.encodeSelf())
	var err error
	p.secrets, err = openSecrets(cfg)
	require.NoError(b, err)
	settings := p.settings()
	settings.Transport = counting{over, count}
	p.ml, err = memberlist.Create(settings)
	require.NoError(b, err)
	p.gossip = p.ml.LocalNode().Address()
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.joinSeeds(time.Minute)
	p.publish()
	go p.run(p.ctx)
	return p
}

// traffic is what all nodes have sent.
type traffic struct{ packets, packed, streams, streamed atomic.Int64 }

type sent struct{ packets, packed, streams, streamed int64 }

func (t *traffic) now() sent {
	return sent{t.packets.Load(), t.packed.Load(), t.streams.Load(), t.streamed.Load()}
}

func (s sent) bytes() int64 { return s.packed + s.streamed }

func (s sent) minus(o sent) sent {
	return sent{s.packets - o.packets, s.packed - o.packed, s.streams - o.streams, s.streamed - o.streamed}
}

// counting is a transport that counts. Both directions of a stream are counted where it is opened.
type counting struct {
	memberlist.Transport
	*traffic
}

func (c counting) WriteTo(b []byte, to string) (time.Time, error) {
	c.packets.Add(1)
	c.packed.Add(int64(len(b)))
	return c.Transport.WriteTo(b, to)
}

func (c counting) DialTimeout(to string, timeout time.Duration) (net.Conn, error) {
	conn, err := c.Transport.DialTimeout(to, timeout)
	if err != nil {
		return nil, err
	}
	c.streams.Add(1)
	return countingConn{conn, c.traffic}, nil
}

type countingConn struct {
	net.Conn
	*traffic
}

func (c countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.streamed.Add(int64(n))
	return n, err
}

func (c countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.streamed.Add(int64(n))
	return n, err
}

// heap is what is in use after a collection, in bytes.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
