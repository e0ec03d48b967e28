package cluster

import "github.com/leadwire/leadwire/actors/domain"

// Standing is how the cluster looks from one node. Nodes may see it differently for a moment; who may act is the ledger's
// decision all the while.
type Standing struct {
	Node    domain.NodeID  `json:"node"`    // this run of this process
	Address string         `json:"address"` // of its actor messages
	Gossip  string         `json:"gossip"`  // where others join
	Members []MemberShare  `json:"members"` // by address
	Held    int            `json:"held"`    // partitions that the ledger has granted to this node
	Waiting int            `json:"claiming"`
	Leaving int            `json:"draining"`
	Alive   map[string]int `json:"alive"`    // activations in memory here, by kind
	Pending int64          `json:"messages"` // posted to them, and not handled yet

	LeaseLeft float64 `json:"lease_seconds"`      // how long this node may act without hearing from the ledger
	Outvoted  bool    `json:"outvoted,omitempty"` // it stands down: it does not see the others, and they are more
	Withdrawn bool    `json:"withdrawn,omitempty"`
	Handed    bool    `json:"handed_over,omitempty"` // it holds nothing, and the ledger knows
	Leases    []Lease `json:"leases"`                // that live, as the ledger listed them last, by node
	Moves     []Move  `json:"moves"`                 // the last of them that this node saw, oldest first
}

// Lease is a node that may act, by the ledger.
type Lease struct {
	Node    domain.NodeID   `json:"node"`
	Address string          `json:"address"`
	View    []domain.NodeID `json:"view"`          // whom it takes for members
	Left    float64         `json:"lease_seconds"` // when the ledger was asked
	Load    domain.NodeLoad `json:"load"`
}

// MemberShare is a member and the partitions that membership proposes for it, of domain.Partitions.
type MemberShare struct {
	Node     domain.NodeID `json:"node"`
	Address  string        `json:"address"`
	URL      string        `json:"url,omitempty"` // where browsers reach it
	Local    bool          `json:"local,omitempty"`
	Proposed int           `json:"proposed"`
}

// Standing is how it looks from this node now.
func (n *Node) Standing() Standing {
	t := n.router.table.Load()
	s := Standing{
		Node: n.ID(), Address: n.address, Gossip: n.GossipAddress(), Members: make([]MemberShare, len(t.members)),
		Held: n.router.count(held), Waiting: n.router.count(claiming), Leaving: n.router.count(draining),
		Alive: map[string]int{}, Pending: n.Pending(),
	}
	shares := map[*member]int{}
	for _, owner := range t.owner {
		shares[owner]++
	}
	for i, m := range t.members {
		s.Members[i] = MemberShare{Node: nodeOf(m.id), Address: m.address, URL: m.url, Local: m.local, Proposed: shares[m]}
	}
	s.LeaseLeft, s.Outvoted, s.Withdrawn = n.keeper.lease.left().Seconds(), n.keeper.lease.standsDown(), n.provider.share.Load() != sharing
	s.Handed = n.keeper.emptied.is()
	for _, l := range n.keeper.lease.listed() {
		s.Leases = append(s.Leases, Lease{Node: l.Node, Address: l.Address, View: l.View, Left: l.TTL.Seconds(), Load: l.Load})
	}
	s.Moves = n.keeper.history.list()
	for name := range n.router.kinds {
		s.Alive[name] = n.Live(name)
	}
	return s
}
