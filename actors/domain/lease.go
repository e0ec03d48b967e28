package domain

import (
	"context"
	"time"
)

// NodeLease is a node's right to hold partitions: it ends TTL after the store was last told so, by the store's clock.
// Whoever holds a partition under a living lease keeps it until it is given back.
type NodeLease struct {
	Node    NodeID
	Address string        // host:port of its actor messages
	View    []NodeID      // whom it takes for members, itself included
	TTL     time.Duration // from the time of the call; read back: what is left of it
	Load    NodeLoad
	// Withdrawn says that it takes no partitions, by its own wish.
	Withdrawn bool
}

// NodeLoad is how much a node has to do, for whoever looks at the cluster.
type NodeLoad struct {
	Held     int `json:"partitions"` // partitions that it holds
	Actors   int `json:"actors"`     // in its memory
	Messages int `json:"messages"`   // in their mailboxes
}

// Holding is a partition, its newest epoch and the node that claimed it last; "" when it was given back.
type Holding struct {
	Fence Fence
	Node  NodeID
}

// LeaseStore says which node may act for which partition.
type LeaseStore interface {
	// Renew begins or prolongs a lease, and returns all that live, this one included, by node. A lease that has run out
	// begins again, and whatever was claimed by others meanwhile is theirs.
	Renew(ctx context.Context, l NodeLease) ([]NodeLease, error)
	// Claim makes node the owner of the partitions and raises their epochs, all in one transaction. Commits under the
	// older epochs are refused from then on. Fences come in the order asked for; where another node holds the partition
	// under a living lease, or a commit for it is under way, nothing is changed, and the fence is the zero Fence of that
	// partition: ask again.
	Claim(ctx context.Context, node NodeID, partitions []Partition) ([]Fence, error)
	// GiveBack makes partitions nobody's, as far as node still holds them by these fences. Their epochs stay.
	GiveBack(ctx context.Context, node NodeID, fences []Fence) error
	// Resign gives back whatever node holds and ends its lease.
	Resign(ctx context.Context, node NodeID) error
	// Holdings lists the partitions that were ever claimed, by partition.
	Holdings(ctx context.Context) ([]Holding, error)
}
