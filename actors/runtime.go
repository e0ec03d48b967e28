package actors

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/gate"
	"github.com/leadwire/leadwire/actors/distribution"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/intake"
	"github.com/leadwire/leadwire/actors/visit"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

var errNotStarted = domain.Fail("reach the cluster", domain.Unavailable, errors.New("this node is starting"))

// Runtime is everything of the actors that one node has.
type Runtime struct {
	cfg      Config
	deps     Deps
	chooser  chooser
	desk     *distribution.Desk
	work     *Work // what actors wait for
	services *Work // hub, lookout, recovery, replays, guard, statistics
	hub      *Hub
	lookout  *lookout
	recovery *recovery
	replays  *replays
	guard    *guard
	visits   visit.Deps         // what every visitor's lane looks things up in
	judges   delivery.JudgeDeps // and every judge
	intakes  intake.Deps        // and every lead
	node     lateNode
	looking  atomic.Int64 // services that look, or are about to

	undecidable once // events that are in the log already
	unjudgeable once // sightings that are
	// deliveries whose receipt is
	unrecordable once
	unreplayable once       // replays that cannot go on
	gate         *gate.Gate // what this node's endpoints have under way
	lessons      lessons
	statistics   *statistics
}

// New prepares the actors of a node. counts are the store's, for the desk.
func New(cfg Config, deps Deps, counts []domain.Count) *Runtime {
	desk := distribution.NewDesk(counts)
	deps = deps.withDefaults()
	r := &Runtime{cfg: cfg.withDefaults(), deps: deps, desk: desk, chooser: chooser{deps.Book, desk}, work: NewWork(), services: NewWork()}
	r.lessons.seed = maphash.MakeSeed()
	r.hub = newHub(r)
	r.lookout = newLookout(r)
	r.recovery = newRecovery(r)
	r.replays = newReplays(r)
	r.guard = newGuard(r)
	r.statistics = newStatistics(r)
	pixel := func(id domain.PixelID) *domain.DirectoryPixel { return deps.Book.Directory().Pixel(id) }
	r.visits = visit.Deps{
		Pixel: pixel, Match: deps.Identity.Match, Check: r.suppressed, Basis: deps.Suppressions.Revision,
		Actor:   func(key domain.LeadKey) domain.Partition { return cluster.PartitionOf(wire.KindLead, key.String()) },
		HasSlow: deps.Slow != nil,
	}
	r.judges = delivery.JudgeDeps{
		Pixel: pixel, Record: deps.Identity.Record, Company: deps.Identity.Company,
		Check: r.suppressed, Basis: deps.Suppressions.Revision, Owing: r.owing,
	}
	r.gate = gate.New(r.cfg.Gate)
	r.intakes = intake.Deps{Chooser: r.chooser, Announcer: r.leadEvents, Objected: r.objected, Basis: deps.Suppressions.Revision}
	return r
}

// suppressed asks whether a subject must not be identified or delivered, by what it is and by what its account has
// learned of its person.
func (r *Runtime) suppressed(s identity.Subject) (rule string, is bool) {
	return r.deps.Suppressions.Check(r.deps.Overlay.Complete(s))
}

// objected asks about whom a pixel has identified once more, before they are routed.
func (r *Runtime) objected(e domain.Event) (rule string, is bool) {
	person := e.Lead.Person()
	record, _ := r.deps.Identity.Record(e.Account, person)
	return r.suppressed(delivery.SubjectOfEntry(e, person, record))
}

// Kinds are the virtual actors for cluster.Start.
func (r *Runtime) Kinds() []cluster.Kind {
	return []cluster.Kind{
		{Name: wire.KindLead, New: r.newLead, Mailbox: r.cfg.LeadMailbox, IdleAfter: r.cfg.LeadIdle},
		{Name: wire.KindBuyer, New: r.newBuyer, Mailbox: r.cfg.BuyerMailbox, IdleAfter: r.cfg.BuyerIdle},
		{Name: wire.KindVisitor, New: r.newVisitor, Mailbox: r.cfg.VisitorMailbox, IdleAfter: r.cfg.VisitorIdle},
		{Name: wire.KindEndpoint, New: r.newEndpoint, Mailbox: r.cfg.EndpointMailbox, IdleAfter: r.cfg.EndpointIdle, HandsOver: true},
	}
}

// Held is told when partitions have become this node's: what is pending in them is picked up.
func (r *Runtime) Held(fences []domain.Fence) {
	r.hub.held(fences)
	r.recovery.everything()
	r.replays.pulse.knock()
}

// Moved is told when ownership has changed anywhere: every feed is watched at its new owner.
func (r *Runtime) Moved() { r.hub.moved() }

// CatalogChanged is told when buyers may have become eligible: held leads are offered again.
func (r *Runtime) CatalogChanged() { r.recovery.pulse.knock() }

// Load reads what visitors are matched and suppressed by. It comes before the node takes part in its cluster:
// what has not been read would be matched by nobody, and every commit without it refused.
func (r *Runtime) Load(ctx context.Context) error { return r.guard.load(ctx) }

// Refresh returns when every suppression that was in force at its call is in force on this node.
func (r *Runtime) Refresh(ctx context.Context) error { return r.guard.Refresh(ctx) }

// Start joins the actors to their node and starts the services around them.
func (r *Runtime) Start(node Node) {
	r.node.set(node)
	r.hub.register(node.System())
	r.recovery.everything()
	r.services.Go(r.hub.run)
	r.services.Go(r.lookout.run)
	r.services.Go(r.recovery.run)
	r.services.Go(r.replays.run)
	r.services.Go(r.guard.run)
	r.services.Go(r.statistics.run)
}

// AwaitRecovery returns when everything that was pending at Start is in its lead's mailbox, so that what
// comes in afterwards is handled after it; or when ctx ends.
func (r *Runtime) AwaitRecovery(ctx context.Context) error {
	select {
	case <-r.recovery.begun:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Quiet says whether nothing is under way outside of mailboxes.
func (r *Runtime) Quiet() bool {
	return r.work.Running() == 0 && r.hub.quiet() && r.looking.Load() == 0
}

// Hush lets no more attempts at endpoints begin, and waits for those that have a right to end. Call it before the cluster
// drains: an attempt whose endpoint has left memory is made again after the next start.
func (r *Runtime) Hush(ctx context.Context) error { return r.gate.Close(ctx) }

// Drain waits for the commits that actors wait for, and writes what was counted of them. Call it after the cluster has
// drained.
func (r *Runtime) Drain(ctx context.Context) error {
	if err := r.work.Wait(ctx); err != nil {
		return err
	}
	r.statistics.write(ctx, true)
	return nil
}

// Stop ends the services and whatever is still under way. The store is closed after it.
func (r *Runtime) Stop() {
	r.services.Stop()
	r.work.Stop()
}

// Owner says on which node a buyer's feed lives.
func (r *Runtime) Owner(key domain.BuyerKey) domain.Owner {
	home, _ := r.node.Home(wire.KindBuyer, key.String())
	return domain.Owner{Node: home.Address, URL: home.URL, Local: home.Local}
}

// URLs lists where browsers reach the nodes that say so.
func (r *Runtime) URLs() []string {
	n, err := r.node.get()
	if err != nil {
		return nil
	}
	return n.URLs()
}

// Hub is where dashboards' connections watch feeds.
func (r *Runtime) Hub() *Hub { return r.hub }

// lateNode is the node once it has started: its kinds need the runtime first.
type lateNode struct{ p atomic.Pointer[Node] }

func (l *lateNode) set(n Node) { l.p.Store(&n) }

func (l *lateNode) get() (Node, error) {
	if n := l.p.Load(); n != nil {
		return *n, nil
	}
	return nil, errNotStarted
}

func (l *lateNode) Tell(m cluster.Keyed) error {
	n, err := l.get()
	if err != nil {
		return err
	}
	return n.Tell(m)
}

func (l *lateNode) Ask(ctx context.Context, m cluster.Keyed) (any, error) {
	n, err := l.get()
	if err != nil {
		return nil, err
	}
	return n.Ask(ctx, m)
}

func (l *lateNode) Abandon(f domain.Fence) {
	if n, err := l.get(); err == nil {
		n.Abandon(f)
	}
}

func (l *lateNode) Acts(f domain.Fence) bool {
	n, err := l.get()
	return err == nil && n.Acts(f)
}

func (l *lateNode) Home(kind, id string) (cluster.Member, bool) {
	n, err := l.get()
	if err != nil {
		return cluster.Member{}, false
	}
	return n.Home(kind, id)
}

func (l *lateNode) Notify(address, name string, m proto.Message) error {
	n, err := l.get()
	if err != nil {
		return err
	}
	return n.Notify(address, name, m)
}

func (l *lateNode) Held() []domain.Fence {
	n, err := l.get()
	if err != nil {
		return nil
	}
	return n.Held()
}

// pipe runs work away from the mailbox and sends the result back as a message. It is how an actor
// waits. ctx is valid only inside Receive, so pipe takes what it needs before it leaves.
func (r *Runtime) pipe(ctx actor.Context, work func(context.Context) any) {
	self, root := ctx.Self(), ctx.ActorSystem().Root
	r.work.Go(func(c context.Context) { root.Send(self, work(c)) })
}

// once remembers numbers, so that what is said of each is said once. It forgets all when it is full, and
// then says it again.
type once struct {
	mu   sync.Mutex
	seen map[int64]struct{}
}

// maxOnce bounds it: so many undecidable events at a time are a broken build, which the log may repeat.
const maxOnce = 1024

func (o *once) first(n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.seen[n]; ok {
		return false
	}
	if o.seen == nil || len(o.seen) == maxOnce {
		o.seen = map[int64]struct{}{}
	}
	o.seen[n] = struct{}{}
	return true
}
