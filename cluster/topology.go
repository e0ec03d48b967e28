package cluster

import (
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/hashicorp/memberlist"
)

// publish tells the runtime of the members as they are now, if that is news.
func (p *provider) publish() {
	if p.left.Load() { // gossip now tells us of our own departure
		return
	}
	current := p.current()
	t := &cluster.ClusterTopology{}
	shares := false // whether somebody has begun or ceased to take part
	for id, m := range current {
		t.Members = append(t.Members, m)
		if known := p.last[id]; known == nil {
			t.Joined = append(t.Joined, m)
		} else if before, now := shareOf(known), shareOf(m); before != now {
			shares = true
			p.history.add(time.Now(), moveTo(now), 0, m.Address())
		}
	}
	for id, m := range p.last {
		if current[id] == nil {
			t.Left = append(t.Left, m)
		}
	}
	if len(t.Joined)+len(t.Left) == 0 && !shares {
		return
	}
	p.last = current
	t.TopologyHash = cluster.TopologyHash(t.Members)
	if len(t.Joined) > 0 {
		p.history.add(time.Now(), MoveJoined, 0, strings.Join(addresses(t.Joined), " "))
	}
	if len(t.Left) > 0 {
		p.history.add(time.Now(), MoveLeft, 0, strings.Join(addresses(t.Left), " "))
	}
	p.log.Info("cluster members changed", "members", len(t.Members), "joined", addresses(t.Joined), "left", addresses(t.Left))
	p.disconnect(t.Left, current)
	p.c.ActorSystem.EventStream.Publish(t)
}

func moveTo(s share) MoveKind {
	if s == sharing {
		return MoveReturned
	}
	return MoveWithdrew
}

// disconnect ends the connections to members that left, except to an address where a new one lives.
func (p *provider) disconnect(left []*cluster.Member, current map[string]*cluster.Member) {
	alive := map[string]bool{p.c.ActorSystem.Address(): true}
	for _, m := range current {
		alive[m.Address()] = true
	}
	for _, m := range left {
		if !alive[m.Address()] {
			p.c.ActorSystem.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: m.Address()})
		}
	}
}

// current is the members by id: alive, not once declared dead, and one per address: of two, the
// process that started later, for the earlier one must be gone.
func (p *provider) current() map[string]*cluster.Member {
	type entry struct {
		m       *cluster.Member
		started int64
	}
	byAddress := map[string]entry{}
	for _, n := range p.snapshot() {
		m, started, err := decodeMeta(n.Meta)
		if err != nil {
			continue
		}
		if p.wasDead(m.Id) {
			p.tellDead(n, m.Id)
			continue
		}
		if e, ok := byAddress[m.Address()]; !ok || started > e.started {
			byAddress[m.Address()] = entry{m, started}
		}
	}
	out := make(map[string]*cluster.Member, len(byAddress))
	for _, e := range byAddress {
		out[e.m.Id] = e.m
	}
	return out
}

// tellDead tells a node that it was taken for dead, so that it joins again, unless it is being told. It does not wait: the node may
// not answer for two seconds, after which it is told anew.
func (p *provider) tellDead(n *memberlist.Node, member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.telling[member] {
		return
	}
	p.telling[member] = true
	go func() {
		if err := p.ml.SendReliable(n, evictionNotice(member)); err != nil {
			p.log.Debug("send eviction notice", "member", member, "error", err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.telling, member)
	}()
}

func addresses(members []*cluster.Member) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = m.Address()
	}
	return out
}
