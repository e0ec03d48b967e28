package chaos_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/arena"
	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
	"github.com/leadwire/leadwire/persistence/postgres/pgserver"
	"github.com/leadwire/leadwire/persistence/postgres/pgtest"
)

// Of each of the two pipelines, in events a second: what two cores carry beside the store, the harness and the faults.
const rate = 40

// round is one plan, from an empty store to the verdict.
type round struct {
	t       *testing.T
	plan    plan.Plan
	history *history
	network *arena.Network
	hosts   map[plan.Place]*arena.Host
	server  *pgserver.Server
	folder  string // of the store
	nodes   []*node

	crm        *crm
	site       *site
	courier    *courier
	dashboards []*dashboard
	receivers  []*receiver

	mu     sync.Mutex
	faults []string // what was found
}

// brokenf is a promise that was not kept.
func (r *round) brokenf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// play carries a plan out. What it found is in the error; its history is in dir.
func play(t *testing.T, p plan.Plan, dir string) (told []string, err error) {
	t.Helper()
	h, err := newHistory(dir)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "plan.txt"), []byte(p.String()), 0o644))
	r := &round{t: t, plan: p, history: h, hosts: map[plan.Place]*arena.Host{}, crm: newCRM(t, p.Seed), site: newSite(p.Seed)}
	defer r.leave()
	r.build()
	r.provision()
	told = r.run()
	r.leave()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.faults) == 0 {
		return told, nil
	}
	text := strings.Join(r.faults[:min(len(r.faults), 50)], "\n")
	_ = os.WriteFile(filepath.Join(dir, "faults.txt"), []byte(strings.Join(r.faults, "\n")+"\n"), 0o644)
	return told, fmt.Errorf("%d faults:\n%s", len(r.faults), text)
}

// build makes the network, the store and the receivers.
func (r *round) build() {
	t := r.t
	var err error
	r.network, err = arena.Open()
	arena.Require(t, err)
	r.network.Seed(r.plan.Seed)
	r.hosts[plan.Outside] = r.network.Outside
	places := []plan.Place{plan.Store}
	for i := range r.plan.Nodes {
		places = append(places, plan.Node(i))
	}
	for _, p := range places {
		r.hosts[p], err = r.network.Host(string(p))
		require.NoError(t, err)
	}
	store := r.hosts[plan.Store]
	r.folder = t.TempDir()
	r.server, err = pgserver.StartAt(pgserver.Place{Host: store.Address, Run: store.Start}, r.folder, "max_connections=200")
	pgtest.Require(t, err)
	names := map[string]string{}
	for _, p := range places {
		names[r.hosts[p].Address] = string(p)
	}
	for _, id := range []string{"one", "two"} {
		receiver, err := newReceiver(id, r.network.Outside.Address, r.history)
		require.NoError(t, err)
		receiver.names = names
		r.receivers = append(r.receivers, receiver)
	}
	r.receivers[1].batch = ", batch: {count: 10, delay: 100ms}"
}

// leave ends everything. It may be called again.
func (r *round) leave() {
	for _, n := range r.nodes {
		n.signal(syscall.SIGCONT)
		n.down(syscall.SIGKILL)
	}
	for _, receiver := range r.receivers {
		_ = receiver.server.Close()
	}
	if r.server != nil {
		_ = r.server.Stop(pgserver.Immediate)
		if log, err := os.ReadFile(filepath.Join(r.folder, "pg", "server.log")); err == nil { // since its last start
			_ = os.WriteFile(filepath.Join(r.history.dir, "store.log"), log, 0o644)
		}
	}
	if r.network != nil {
		require.NoError(r.t, r.network.Close())
	}
	require.NoError(r.t, r.history.close())
	r.nodes, r.receivers, r.server, r.network = nil, nil, nil, nil
}

// wait asks until it is so, and says what was missing if it is not within patience.
func (r *round) wait(ctx context.Context, what func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := what(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond): // other processes, none of which tells
		}
	}
}

// patience is for a cluster to be whole again, and to have done what it owes: starts after a fault take seconds, retries
// some ten, and a machine may be busy. It is only waited for when a round fails.
const patience = 2 * time.Minute

// run is the round proper.
func (r *round) run() (told []string) {
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	for i, n := range r.nodes {
		n.up(r.plan.Skews[i])
	}
	require.NoError(r.t, r.wait(ctx, r.whole))
	var pages, sources sync.WaitGroup
	watching, shut := context.WithCancel(ctx)
	defer pages.Wait()
	defer shut()
	for _, d := range r.dashboards {
		pages.Go(func() { d.follow(watching) })
	}
	require.NoError(r.t, r.wait(ctx, r.open))

	stop := make(chan struct{})
	telling, giveUp := context.WithCancel(ctx)
	defer giveUp()
	for _, s := range []source{r.crm, r.site} {
		sources.Go(func() { drive(telling, stop, r.courier, s, rate) })
	}
	nodes := map[plan.Place]*node{}
	for _, n := range r.nodes {
		nodes[n.name] = n
	}
	r.history.note(planned, map[string]any{"what": "load"})
	over := time.After(r.plan.Length)
	(&faults{plan: r.plan, network: r.network, hosts: r.hosts, nodes: nodes, store: r.server, history: r.history, broken: r.brokenf}).run(ctx)
	<-over // the last fault may have ended early
	close(stop)
	r.history.note(planned, map[string]any{"what": "healed"})
	for _, receiver := range r.receivers {
		receiver.well()
	}
	if err := r.wait(ctx, r.settled); err != nil {
		r.brokenf("the cluster did not settle within %v: %v", patience, err)
		giveUp()
	}
	sources.Wait()
	r.history.note(planned, map[string]any{"what": "settled"})
	return r.verdict(ctx)
}
