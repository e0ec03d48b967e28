package cluster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"
)

var (
	_ memberlist.Delegate      = (*provider)(nil)
	_ memberlist.EventDelegate = (*provider)(nil)
	_ memberlist.AliveDelegate = (*provider)(nil)
)

// A node's meta is when it started (8 bytes, nanoseconds since 1970) and its Member. memberlist allows
// 512 bytes.

func (p *provider) encodeSelf() error {
	b, err := proto.Marshal(p.self)
	if err != nil {
		return fmt.Errorf("encode member: %w", err)
	}
	meta := append(binary.BigEndian.AppendUint64(nil, uint64(p.started)), b...)
	if len(meta) > memberlist.MetaMaxSize {
		return fmt.Errorf("encode member: %d bytes, gossip allows %d", len(meta), memberlist.MetaMaxSize)
	}
	p.meta.Store(&meta)
	return nil
}

func decodeMeta(b []byte) (m *cluster.Member, started int64, err error) {
	if len(b) < 8 {
		return nil, 0, io.ErrUnexpectedEOF
	}
	m = &cluster.Member{}
	if err := proto.Unmarshal(b[8:], m); err != nil {
		return nil, 0, fmt.Errorf("decode member: %w", err)
	}
	return m, int64(binary.BigEndian.Uint64(b)), nil
}

// NotifyJoin is part of memberlist.EventDelegate.
func (p *provider) NotifyJoin(n *memberlist.Node) { p.set(n) }

// NotifyUpdate is part of memberlist.EventDelegate.
func (p *provider) NotifyUpdate(n *memberlist.Node) { p.set(n) }

// NotifyLeave is part of memberlist.EventDelegate. Dead and left look the same here.
func (p *provider) NotifyLeave(n *memberlist.Node) {
	p.mu.Lock()
	if m, _, err := decodeMeta(n.Meta); err == nil {
		p.dead.add(m.Id)
	}
	delete(p.nodes, n.Name)
	p.mu.Unlock()
	p.poke()
}

// NotifyAlive is part of memberlist.AliveDelegate: a node we cannot read is not one of ours.
func (p *provider) NotifyAlive(n *memberlist.Node) error {
	_, _, err := decodeMeta(n.Meta)
	return err
}

// NodeMeta is part of memberlist.Delegate.
func (p *provider) NodeMeta(int) []byte { return *p.meta.Load() }

// NotifyMsg is part of memberlist.Delegate: an eviction notice, or a turn.
func (p *provider) NotifyMsg(b []byte) {
	if string(b) == turnNotice {
		p.turned()
	}
	if id, ok := bytes.CutPrefix(b, []byte(evictionPrefix)); ok {
		select {
		case p.notice <- string(id):
		default: // one is waiting, and peers repeat theirs
		}
	}
}

// GetBroadcasts is part of memberlist.Delegate.
func (p *provider) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState is part of memberlist.Delegate.
func (p *provider) LocalState(bool) []byte { return nil }

// MergeRemoteState is part of memberlist.Delegate.
func (p *provider) MergeRemoteState([]byte, bool) {}

const evictionPrefix = "evicted:"

func evictionNotice(id string) []byte { return []byte(evictionPrefix + id) }

// turnNotice says that partitions have changed hands: whoever waits for some, or keeps something at their owner, looks again.
const turnNotice = "turn"

// turnAgain is when it is said once more: the first may get lost, and who keeps a feed's lease at its owner looks by itself
// only every few seconds.
const turnAgain = 300 * time.Millisecond

// tellTurn tells the others of a turn. It does not block.
func (p *provider) tellTurn() {
	p.sendTurn()
	time.AfterFunc(turnAgain, func() {
		if p.ctx.Err() == nil {
			p.sendTurn()
		}
	})
}

func (p *provider) sendTurn() {
	for _, n := range p.snapshot() {
		if n.Name != p.c.ActorSystem.ID {
			_ = p.ml.SendBestEffort(n, []byte(turnNotice)) // one that cannot be reached hears of members instead
		}
	}
}

func (p *provider) set(n *memberlist.Node) {
	c := *n
	c.Addr = append(net.IP(nil), n.Addr...)
	c.Meta = bytes.Clone(n.Meta)
	p.mu.Lock()
	p.nodes[n.Name] = c
	p.mu.Unlock()
	p.poke()
}

func (p *provider) snapshot() []*memberlist.Node {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*memberlist.Node, 0, len(p.nodes))
	for _, n := range p.nodes {
		out = append(out, &n)
	}
	return out
}

func (p *provider) wasDead(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead.has(id)
}

func (p *provider) poke() {
	select {
	case p.dirty <- struct{}{}:
	default:
	}
}

// departed remembers the ids of members that died or left, the last 1024 of them. One that is
// forgotten and comes back after all is stopped by its fences instead.
type departed struct {
	ids   map[string]struct{}
	order []string
}

const departedKept = 1024

func (d *departed) add(id string) {
	if d.ids == nil {
		d.ids = map[string]struct{}{}
	}
	if _, ok := d.ids[id]; ok {
		return
	}
	if len(d.order) == departedKept {
		delete(d.ids, d.order[0])
		d.order = d.order[1:]
	}
	d.ids[id] = struct{}{}
	d.order = append(d.order, id)
}

func (d *departed) has(id string) bool {
	_, ok := d.ids[id]
	return ok
}
