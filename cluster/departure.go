package cluster

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// departures are the addresses of members that have gone, until somebody lives there again. The runtime would connect to
// them for whatever is still sent there, an answer or a hint; that fails, it sleeps for two seconds, and then ends what has
// become the connection to the next process at the same address, with everything that waits in it.
type departures struct {
	sys     *actor.ActorSystem
	dropped func()

	mu   sync.Mutex
	gone atomic.Pointer[map[string]struct{}] // never changed; nil: nobody
}

// departuresKept bounds them. One that is forgotten costs what it would have without this.
const departuresKept = 1024

func (d *departures) left(address string) {
	d.change(func(gone map[string]struct{}) {
		if len(gone) >= departuresKept {
			clear(gone)
		}
		gone[address] = struct{}{}
	})
}

// lives is called when a member is there, or somebody has spoken from there: a process that has just been started asks before
// everybody has heard of it.
func (d *departures) lives(address string) {
	if d.has(address) {
		d.change(func(gone map[string]struct{}) { delete(gone, address) })
	}
}

func (d *departures) has(address string) bool {
	gone := d.gone.Load()
	if gone == nil {
		return false
	}
	_, has := (*gone)[address]
	return has
}

func (d *departures) change(do func(map[string]struct{})) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := map[string]struct{}{}
	if gone := d.gone.Load(); gone != nil {
		for address := range *gone {
			next[address] = struct{}{}
		}
	}
	do(next)
	d.gone.Store(&next)
}

// resolve is asked by the runtime before its own connections.
func (d *departures) resolve(pid *actor.PID) (actor.Process, bool) { return d, d.has(pid.GetAddress()) }

var _ actor.Process = (*departures)(nil)

// SendUserMessage tells who asked that nobody will answer.
func (d *departures) SendUserMessage(pid *actor.PID, msg any) {
	if _, _, sender := actor.UnwrapEnvelope(msg); sender != nil && !d.has(sender.GetAddress()) {
		d.sys.Root.Send(sender, &actor.DeadLetterResponse{Target: pid})
		return
	}
	d.dropped()
}

// SendSystemMessage is part of actor.Process.
func (d *departures) SendSystemMessage(*actor.PID, any) { d.dropped() }

// Stop is part of actor.Process.
func (d *departures) Stop(*actor.PID) {}
