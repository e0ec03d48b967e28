package cluster

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// activation is one life of one virtual actor: its entry in its partition and its mailbox, in one
// allocation. The mailbox allocates nothing until the first message, never blocks a sender, and
// refuses what comes in when it is full.
//
//	post ──▶ queue ──▶ turn ──▶ cell ──▶ the kind's Actor
//	                     │ panic: the asker is answered, the incarnation replaced (see supervise.go)
//	                     └ stop:  what is left in the queue goes to the successor (see router.succeed)
type activation struct {
	r    *router
	kind *kind
	part *partition
	id   string
	pid  *actor.PID
	inv  actor.MessageInvoker

	mu     sync.Mutex
	system []any
	queue  []any // messages wait at [head:]
	head   int32

	epoch    int64
	lastUsed int64 // the sweeper's time of the last message that came through the router, unix nanoseconds
	failures *failures

	settled atomic.Bool // of a kind that hands over: nothing is under way, and the partition is to go

	running   bool // a goroutine is taking turns
	suspended bool // by the runtime: a child's failure is being decided
	broken    bool // the incarnation panicked and has not been replaced yet
	closing   bool // it is stopping: what is queued is for the successor
	stopped   bool // it is gone: posting fails
	stillborn bool // its constructor panicked
	finished  bool // supervision gave up on it
}

var _ actor.Mailbox = (*activation)(nil)

// verdict is what became of a post.
type verdict uint8

const (
	posted verdict = iota
	full
	gone
)

// queueKept is the capacity that an emptied queue keeps: one or two messages at a time is the usual
// traffic of an actor, and bursts should not stay in memory.
const queueKept = 4

// throughput is how many messages an activation handles before it lets other goroutines run.
const throughput = 300

// post adds a message, to be handled on the activation's turn. It is called by the router, which
// holds the partition's lock for reading.
func (a *activation) post(msg any, now int64) verdict {
	a.mu.Lock()
	if a.stopped {
		a.mu.Unlock()
		return gone
	}
	if len(a.queue)-int(a.head) >= a.kind.limit {
		a.mu.Unlock()
		return full
	}
	a.lastUsed = now
	a.enqueue(msg)
	return posted
}

// postDirect adds a message of the cluster's own, however full the mailbox is.
func (a *activation) postDirect(msg any) {
	a.mu.Lock()
	if a.stopped || a.closing {
		a.mu.Unlock()
		return
	}
	a.enqueue(msg)
}

// enqueue is called with the lock and gives it back.
func (a *activation) enqueue(msg any) {
	a.part.posted.Add(1)
	a.queue = append(a.queue, msg)
	a.wake()
}

// wake is called with the lock and gives it back.
func (a *activation) wake() {
	idle := !a.running
	a.running = true
	a.mu.Unlock()
	if idle {
		a.r.workers.schedule(a)
	}
}

// PostUserMessage takes a message that was sent to the activation's PID: its own timers and pipes,
// and other actors' direct answers. It is part of actor.Mailbox.
func (a *activation) PostUserMessage(msg any) {
	a.mu.Lock()
	switch {
	case a.stopped || a.closing:
		a.mu.Unlock()
		a.r.refuse(msg, refusalDropped(a.kind, "the activation has stopped"))
	case len(a.queue)-int(a.head) >= a.kind.limit && !urgent(msg):
		a.mu.Unlock()
		a.kind.rejects.Inc()
		a.r.refuse(msg, refusalFull(a.kind))
	default:
		a.enqueue(msg)
	}
}

// urgent says whether a message goes in however full the mailbox is.
func urgent(msg any) bool {
	switch msg.(type) {
	case Urgent, *actor.PoisonPill:
		return true
	default:
		return false
	}
}

// PostSystemMessage takes a message of the runtime. It is part of actor.Mailbox.
func (a *activation) PostSystemMessage(msg any) {
	a.mu.Lock()
	if a.stopped {
		a.mu.Unlock()
		return
	}
	a.system = append(a.system, msg)
	a.wake()
}

// RegisterHandlers is part of actor.Mailbox.
func (a *activation) RegisterHandlers(inv actor.MessageInvoker, _ actor.Dispatcher) {
	a.inv = inv
	a.bind()
}

// Start is part of actor.Mailbox.
func (a *activation) Start() {}

// UserMessageCount is part of actor.Mailbox.
func (a *activation) UserMessageCount() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queue) - int(a.head)
}

// bind ties the runtime's newest incarnation to this activation and reports whether it was untied.
func (a *activation) bind() bool {
	c := a.inv.(actor.Context).Actor().(*cell)
	if c.a != nil {
		return false
	}
	c.a = a
	return true
}

// run takes turns until nothing is left to do. A panic ends a run of turns, not the goroutine.
func (a *activation) run() {
	for !a.turns() {
	}
}

func (a *activation) turns() (done bool) {
	var user any // the message in hand, if an actor's code may be running on it
	defer func() {
		if reason := recover(); reason != nil {
			a.failed(reason, user)
			if user != nil {
				a.part.handled.Add(1)
			}
		}
	}()
	for i := 0; ; i++ {
		if i == throughput {
			i = 0
			runtime.Gosched()
		}
		msg, system, ok := a.take()
		switch {
		case !ok:
			return true
		case system:
			a.invokeSystem(msg)
		default:
			user = msg
			a.inv.InvokeUserMessage(msg)
			user = nil
			a.part.handled.Add(1)
		}
	}
}

// take returns the next message, the runtime's own first, or ends the run.
func (a *activation) take() (msg any, system, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.system) > 0 {
		msg = a.system[0]
		a.system[0] = nil
		if a.system = a.system[1:]; len(a.system) == 0 {
			a.system = nil
		}
		return msg, true, true
	}
	if a.suspended || a.broken || a.closing || int(a.head) == len(a.queue) {
		a.running = false
		return nil, false, false
	}
	msg = a.queue[a.head]
	a.queue[a.head] = nil
	if a.head++; int(a.head) == len(a.queue) {
		a.head = 0
		if a.queue = a.queue[:0]; cap(a.queue) > queueKept {
			a.queue = nil
		}
	}
	return msg, false, true
}

func (a *activation) invokeSystem(msg any) {
	switch msg.(type) {
	case *actor.SuspendMailbox:
		a.set(&a.suspended, true)
		return
	case *actor.ResumeMailbox:
		a.set(&a.suspended, false)
		return
	case *actor.Stop:
		a.set(&a.closing, true)
	case *actor.Restart:
		if a.isClosing() { // the runtime would bring it back to life
			return
		}
	}
	a.inv.InvokeSystemMessage(msg)
	if a.bind() { // the runtime has replaced the incarnation: it begins like the first one
		a.inv.InvokeUserMessage(&actor.Started{})
		a.set(&a.broken, false)
	}
}

func (a *activation) set(flag *bool, value bool) {
	a.mu.Lock()
	*flag = value
	a.mu.Unlock()
}

func (a *activation) isClosing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closing
}

// halt stops the activation before its next message.
func (a *activation) halt() { a.PostSystemMessage(&actor.Stop{}) }

// quiet reports whether nothing waits, and if so closes the mailbox: what is posted from now on is
// for the successor. It is called on the activation's own turn, just before it stops itself.
func (a *activation) quiet() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if int(a.head) < len(a.queue) {
		return false
	}
	a.closing = true
	return true
}

// bury marks the activation as gone and returns the messages it leaves. The router calls it with the
// partition's lock.
func (a *activation) bury() []any {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	left := slices.Clone(a.queue[a.head:])
	a.queue, a.head, a.system = nil, 0, nil
	a.part.handled.Add(int64(len(left)))
	if f := a.failures; f != nil && f.timer != nil {
		f.timer.Stop()
	}
	return left
}

// idleSince is when the activation was last spoken to through the router.
func (a *activation) idleSince() (lastUsed int64, quiet bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lastUsed, !a.running && int(a.head) == len(a.queue) && !a.closing
}
