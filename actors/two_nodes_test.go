package actors_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/actortest"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/persistence/embedded"
)

// Two nodes on one store: hits that one takes are handled by the visitors' lanes on both, their sightings by the
// leads on both, and each person is announced once.
//
// It is not parallel: starting a node sets gRPC's logger for the whole process, and here gRPC is at work.
func TestVisitor_OnTwoNodes(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	store, err := embedded.Open(ctx, t.TempDir(), embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	_, err = store.ApplyCatalog(ctx, actortest.WithPixel(actortest.Catalog()))
	require.NoError(t, err)
	var people []domain.Person
	for i := range 32 {
		people = append(people, domain.Person{ID: domain.PersonID(fmt.Sprint("p", i)), PersonalEmail: fmt.Sprintf("p%d@example.com", i)})
	}
	gossip := freePort(t)
	start := func(cfg cluster.Config) (*actors.Runtime, *cluster.Node) {
		book, err := actors.OpenBook(ctx, store, log, func() {})
		require.NoError(t, err)
		rt := actors.New(actors.Config{}, actors.Deps{
			Store: store, Book: book, Clock: domain.SystemClock{}, Log: log, Metrics: actors.NewMetrics(nil), Telemetry: telemetry.New(nil),
			Graphs: actortest.NewGraph(people...),
		}, nil)
		require.NoError(t, rt.Load(ctx))
		node, err := cluster.Start(ctx, cfg, cluster.Deps{Ledger: store, Kinds: rt.Kinds(), Log: log, OnHeld: rt.Held, OnChange: rt.Moved})
		require.NoError(t, err)
		rt.Start(node)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			require.NoError(t, node.Stop(ctx))
			rt.Stop()
		})
		return rt, node
	}
	one, first := start(cluster.Config{GossipPort: gossip})
	two, second := start(cluster.Config{Seeds: []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(gossip))}})
	require.Eventually(t, func() bool { return len(first.Held()) > 64 && len(second.Held()) > 64 }, 20*time.Second, 10*time.Millisecond)

	for i := range 32 {
		h := actortest.Identify(domain.EventID(fmt.Sprint("h", i)), fmt.Sprintf("p%d@example.com", i))
		h.Visitor, h.ReceivedAt = domain.VisitorID(fmt.Sprint("v", i)), time.Now()
		r, err := one.Hits(ctx, []domain.Hit{h})
		require.NoError(t, err)
		require.NotZero(t, r[0].Seq)
		r, err = one.Hits(ctx, []domain.Hit{h})
		require.NoError(t, err)
		require.True(t, r[0].Duplicate)
	}
	require.Positive(t, first.Live(wire.KindVisitor))
	require.Positive(t, second.Live(wire.KindVisitor), "some live on the other node")
	announced := func() []domain.Announcement {
		all, err := store.Announcements(ctx, "acme", 0, 100)
		require.NoError(t, err)
		return all
	}
	require.Eventually(t, func() bool { return len(announced()) >= 32 }, 10*time.Second, 10*time.Millisecond)
	require.Positive(t, second.Live(wire.KindLead))

	// Everybody opts out by one node; the very next hit by the other names nobody, though it has not been told.
	var suppress []domain.Suppression
	for i := range 32 {
		s, err := identity.NewSuppression(domain.AccountScope, "acme", "", domain.SuppressEmail, fmt.Sprintf("p%d@example.com", i), "", time.Now())
		require.NoError(t, err)
		suppress = append(suppress, s)
	}
	_, err = store.Suppress(ctx, suppress, nil, domain.AuditEntry{Account: "acme", At: time.Now(), Actor: "test", Action: "suppress"})
	require.NoError(t, err)
	for i := range 32 {
		h := actortest.View(domain.EventID(fmt.Sprint("after", i)))
		h.Visitor, h.ReceivedAt = domain.VisitorID(fmt.Sprint("v", i)), time.Now()
		_, err := two.Hits(ctx, []domain.Hit{h})
		require.NoError(t, err)
		v, err := store.Visit(ctx, domain.VisitorKey{Account: "acme", Visitor: h.Visitor})
		require.NoError(t, err)
		require.Empty(t, v.Person)
		require.Equal(t, "account:email", v.Suppressed)
	}
	met := map[domain.LeadID]bool{}
	for _, a := range announced() {
		require.Equal(t, domain.VisitorIdentifiedEvent, a.Type)
		require.False(t, met[a.Lead], "%s was announced twice", a.Lead)
		met[a.Lead] = true
	}
	require.Len(t, met, 32)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
