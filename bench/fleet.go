package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// fleet is several nodes of our own on one store, with their run's tenant in place.
type fleet struct {
	*ownServer // the first node's, and the tenant's

	cfg     ServerConfig
	account domain.AccountID
	reader  string // a key that may ask how the cluster stands
	dir     string
	secret  string
	nodes   []*fleetNode
	client  *http.Client
}

// fleetNode is one of them. It keeps its ports when it is started again.
type fleetNode struct {
	*process

	to     netip.AddrPort
	gossip string
	id     domain.NodeID // of its present run
}

// startFleet starts so many nodes one after the other, and returns when they are one cluster.
func startFleet(ctx context.Context, cfg ServerConfig, run string, nodes, buyers int) (f *fleet, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	f = &fleet{cfg: cfg, account: domain.AccountID("bench-" + run), secret: newSecret(), client: &http.Client{Timeout: 5 * time.Second}}
	if f.dir, err = os.MkdirTemp("", "leadwire-bench-fleet-"); err != nil {
		return nil, fmt.Errorf("make a folder for the cluster: %w", err)
	}
	if err := f.build(ctx, run, nodes, buyers, public, private); err != nil {
		return nil, errors.Join(err, f.stop(ctx))
	}
	return f, nil
}

func (f *fleet) build(ctx context.Context, run string, nodes, buyers int, public ed25519.PublicKey, private ed25519.PrivateKey) error {
	first, err := f.add(ctx)
	if err != nil {
		return err
	}
	own := &ownServer{process: first.process, Target: Target{URL: first.URL, Key: private, Source: sourceID, Location: locationID, PID: first.cmd.Process.Pid}}
	if own.Tokens, err = own.provision(ctx, run, buyers, public); err != nil {
		return err
	}
	f.ownServer = own // from here on the tenant is ours to take away
	if f.reader, err = first.makeKey(ctx, "--scope", "cluster:read"); err != nil {
		return err
	}
	for len(f.nodes) < nodes {
		if _, err := f.add(ctx); err != nil {
			return err
		}
	}
	return f.whole(ctx)
}

func newSecret() string {
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	return base64.StdEncoding.EncodeToString(key[:])
}

// add starts one more node, which joins those that are there.
func (f *fleet) add(ctx context.Context) (*fleetNode, error) {
	ports, err := freeAddresses(3)
	if err != nil {
		return nil, fmt.Errorf("find ports for a node: %w", err)
	}
	n := &fleetNode{to: ports[0], gossip: ports[1].String()}
	if err := f.seed(append(f.gossips(), n.gossip)); err != nil {
		return nil, err
	}
	cfg := f.cfg
	cfg.Args = append(clusterArgs(ports, "file:"+f.seeds(), f.secret), f.cfg.Args...)
	if n.process, err = startProcess(ctx, cfg); err != nil {
		return nil, err
	}
	f.nodes = append(f.nodes, n)
	return n, nil
}

// clusterArgs are serve's for a node that others find: ports of requests, gossip and actor messages, and where to join.
func clusterArgs(ports []netip.AddrPort, join, secret string) []string {
	port := func(i int) string { return strconv.Itoa(int(ports[i].Port())) }
	return []string{"--listen", ports[0].String(), "--gossip-port", port(1), "--cluster-port", port(2), "--join", join, "--cluster-secret", secret}
}

func (f *fleet) seeds() string { return filepath.Join(f.dir, "seeds") }

func (f *fleet) gossips() (all []string) {
	for _, n := range f.nodes {
		all = append(all, n.gossip)
	}
	return all
}

// seed names the nodes. The first one is not told of any that is not there yet, and so does not wait for it.
func (f *fleet) seed(gossips []string) error {
	if err := os.WriteFile(f.seeds(), []byte(strings.Join(gossips, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write seeds: %w", err)
	}
	return nil
}

// Ports of nodes are below those that the kernel gives to connections: one that is free while its node is down stays free.
const portFrom, portUntil = 15_000, 32_000

// freeAddresses are so many that nobody listens on by now.
func freeAddresses(count int) (all []netip.AddrPort, err error) {
	const tries = 1000
	for range tries {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(portFrom+mathrand.IntN(portUntil-portFrom)))
		if err != nil {
			continue // it is somebody's
		}
		defer l.Close() // all at the end, so that they differ
		if all = append(all, l.Addr().(*net.TCPAddr).AddrPort()); len(all) == count {
			return all, nil
		}
	}
	return nil, domain.Fail("find free ports", domain.Unavailable, fmt.Errorf("%d tries between %d and %d", tries, portFrom, portUntil))
}

// clusterView is what a node says of its cluster, as far as the harness needs it.
type clusterView struct {
	Node     domain.NodeID     `json:"node"`
	Members  []json.RawMessage `json:"members"`
	Held     int               `json:"held"`
	Claiming int               `json:"claiming"`
	Draining int               `json:"draining"`
}

func (f *fleet) look(ctx context.Context, n *fleetNode) (v clusterView, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL+"/api/v1/cluster", nil)
	if err != nil {
		return v, err
	}
	req.Header.Set("Authorization", "Bearer "+f.reader)
	body, err := send(f.client, req, maxPage)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(body, &v)
}

const (
	wholeWithin = time.Minute
	wholeLook   = 100 * time.Millisecond
)

// whole waits until every node knows every other, and each partition is held by one of them. It notes their present ids.
func (f *fleet) whole(ctx context.Context) error {
	var last error
	for deadline := time.Now().Add(wholeWithin); time.Now().Before(deadline); {
		if err := f.ended(); err != nil {
			return err
		}
		if last = f.isWhole(ctx); last == nil {
			return nil
		}
		if err := until(ctx, time.Now().Add(wholeLook)); err != nil {
			return err
		}
	}
	return domain.Fail("wait for the cluster", domain.Unavailable, fmt.Errorf("it is not whole after %s: %w", wholeWithin, last))
}

// ended says that a node has ended which nobody has asked to.
func (f *fleet) ended() error {
	for i, n := range f.nodes {
		select {
		case <-n.exited:
			return domain.Fail("wait for the cluster", domain.Internal, fmt.Errorf("node %d ended: %w%s", i+1, n.failed, n.lastLines()))
		default:
		}
	}
	return nil
}

func (f *fleet) isWhole(ctx context.Context) error {
	held := 0
	for i, n := range f.nodes {
		v, err := f.look(ctx, n)
		if err != nil {
			return err
		}
		if len(v.Members) != len(f.nodes) || v.Claiming+v.Draining > 0 {
			return fmt.Errorf("node %d knows %d members, claims %d partitions and gives up %d", i+1, len(v.Members), v.Claiming, v.Draining)
		}
		n.id, held = v.Node, held+v.Held
	}
	if held != domain.Partitions {
		return fmt.Errorf("%d partitions are held", held)
	}
	return nil
}

// kill is kill -9.
func (n *fleetNode) kill() error { return n.cmd.Process.Signal(syscall.SIGKILL) }

// remove stops the last node for good; the others take its share.
func (f *fleet) remove(ctx context.Context) error {
	last := len(f.nodes) - 1
	err := f.nodes[last].stop()
	f.nodes = f.nodes[:last]
	return errors.Join(err, f.seed(f.gossips()), f.whole(ctx))
}

// stop takes the tenant away and ends all nodes, also when ctx is over.
func (f *fleet) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	f.client.CloseIdleConnections()
	var err error
	if f.ownServer != nil {
		_, err = f.process.apply(ctx, []byte(noCatalog))
	}
	faults := make([]error, len(f.nodes))
	var wg sync.WaitGroup
	for i, n := range f.nodes {
		wg.Go(func() { faults[i] = n.stop() })
	}
	wg.Wait()
	return errors.Join(append(slices.Clone(faults), err, os.RemoveAll(f.dir))...)
}
