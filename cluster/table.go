package cluster

import (
	"cmp"
	"slices"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/cespare/xxhash/v2"

	"github.com/leadwire/leadwire/actors/domain"
)

// PartitionOf says which partition an identity is in: xxhash64(kind/id) modulo 256.
func PartitionOf(kind, id string) domain.Partition {
	return domain.Partition(hashOf(kind, id) % domain.Partitions)
}

func hashOf(kind, id string) uint64 {
	var buf [160]byte // longer names cost an allocation
	b := append(buf[:0], kind...)
	b = append(b, '/')
	b = append(b, id...)
	return xxhash.Sum64(b)
}

// table says which member should hold each partition. It is computed once per topology and never
// changed after that. It is a proposal: the ledger decides.
type table struct {
	known   []*member                  // all members
	members []*member                  // of them, those that take part
	owner   [domain.Partitions]*member // all nil while there are no members
	local   bool                       // this node is one of the members
}

// named finds a member by the name it goes by in the ledger.
func (t *table) named(node domain.NodeID) *member {
	for _, m := range t.known {
		if nodeOf(m.id) == node {
			return m
		}
	}
	return nil
}

// member is one node as the router sees it. It lives as long as the node's membership does, so what
// is in flight to it is counted across topologies.
type member struct {
	id      string // membership's name for one life of the node
	address string // host:port of actor messages
	url     string // where browsers reach it; may be empty
	local   bool
	inbox   *actor.PID
	peer    *peer
}

func newTable(members []*member) *table {
	t := &table{members: slices.Clone(members)}
	slices.SortFunc(t.members, func(a, b *member) int { return cmp.Compare(a.address, b.address) })
	for _, m := range t.members {
		t.local = t.local || m.local
	}
	propose(t.owner[:], t.members)
	return t
}

// propose maps partitions to members by rendezvous hashing: each partition goes to the member with
// the highest score, so a member that comes or goes moves only its own share. Scores are of
// addresses, so a node that restarts in place takes its old share back.
func propose(owner, members []*member) {
	hashes := make([]uint64, len(members))
	for i, m := range members {
		hashes[i] = xxhash.Sum64String(m.address)
	}
	for p := range owner {
		var best uint64
		for i, m := range members {
			if s := score(hashes[i], uint64(p)); owner[p] == nil || s > best {
				best, owner[p] = s, m
			}
		}
	}
}

// score is splitmix64's finaliser over both hashes. A plain hash of the joined names gives shares
// that differ by a factor of two for addresses that differ in one digit; this one stays within the
// noise of 256 throws.
func score(member, partition uint64) uint64 {
	z := member + (partition+1)*0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
