package cluster

import (
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
)

// roster turns the runtime's topologies into tables, and keeps each member's record for as long as it
// is a member.
type roster struct {
	mu      sync.Mutex
	cfg     Config
	self    string // our address
	list    []*cluster.Member
	gone    *departures
	members map[string]*member
	peers   map[uint32]*peer
	last    uint32
}

func newRoster(cfg Config, self string, gone *departures) *roster {
	return &roster{cfg: cfg, self: self, gone: gone, members: map[string]*member{}, peers: map[uint32]*peer{}}
}

// met takes over who is a member.
func (r *roster) met(list []*cluster.Member) {
	r.mu.Lock()
	r.list = list
	r.mu.Unlock()
}

// table is the proposal that follows from the members that reach the ledger.
func (r *roster) table(reaches func(*cluster.Member) bool) *table {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := make(map[string]*member, len(r.list))
	all, members, spare := make([]*member, 0, len(r.list)), make([]*member, 0, len(r.list)), []*member(nil)
	for _, m := range r.list {
		known := r.members[m.GetId()]
		if known == nil {
			known = r.admit(m)
		}
		now[m.GetId()] = known
		all = append(all, known)
		switch s := shareOf(m); {
		case !reaches(m):
		case s == sharing:
			members = append(members, known)
		case s == withdrawn:
			spare = append(spare, known)
		}
	}
	for id, m := range r.members {
		if now[id] == nil && m.peer != nil {
			delete(r.peers, m.peer.marks.GetRequestId())
			close(m.peer.gone)
			r.gone.left(m.address)
		}
	}
	for _, m := range now {
		r.gone.lives(m.address)
	}
	r.members = now
	if len(members) == 0 {
		members = spare
	}
	t := newTable(members)
	t.known = all
	return t
}

// taking are the members that take this part in partitions, or a greater one.
func (r *roster) taking(least share) (all []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.list {
		if known := r.members[m.GetId()]; known != nil && shareOf(m) <= least {
			all = append(all, known)
		}
	}
	return all
}

func (r *roster) admit(m *cluster.Member) *member {
	known := &member{id: m.GetId(), address: m.Address(), url: urlOf(m), local: m.Address() == r.self}
	if known.local {
		return known
	}
	known.inbox = actor.NewPID(known.address, inboxID)
	r.last++
	marks := &actor.PID{Address: r.self, Id: marksID, RequestId: r.last}
	known.peer = newPeer(known.address, marks, r.cfg)
	r.peers[r.last] = known.peer
	return known
}

func (r *roster) confirm(number uint32, sent uint64) {
	r.mu.Lock()
	p := r.peers[number]
	r.mu.Unlock()
	if p != nil {
		p.confirm(sent)
	}
}

// fullest is the most that is under way to any one peer.
func (r *roster) fullest() (asks, tells float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.peers {
		asks = max(asks, float64(p.asks.Load()))
		confirmed := p.confirmed.Load() // first: told only grows
		tells = max(tells, float64(p.told.Load()-confirmed))
	}
	return asks, tells
}
