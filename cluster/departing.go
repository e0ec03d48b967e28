package cluster

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Ready says why this node can bring nothing to any actor: it has no lease, or stands down, or nobody takes part. nil when
// it can.
func (n *Node) Ready() error {
	if len(n.router.table.Load().members) == 0 {
		return errNoOwner
	}
	return n.keeper.lease.obstacle()
}

// Withdraw begins to hand all partitions to the other nodes, and keeps this one a member: it goes on bringing messages to
// their actors. What is under way in a partition is waited for, up to Config.HandOver, while the partition works on here.
// Conflict when there is nobody to hand to. Handed waits for the end of it.
func (n *Node) Withdraw(ctx context.Context) error {
	return n.partake(ctx, "withdraw from the cluster", withdrawn)
}

// Cease is Withdraw by a node that is about to stop: it has nothing from then on even if nobody else shares.
func (n *Node) Cease(ctx context.Context) error {
	return n.partake(ctx, "cease to take part", stopping)
}

func (n *Node) partake(ctx context.Context, op string, s share) error {
	others := map[share]share{withdrawn: sharing, stopping: withdrawn} // who can take ours over
	if least, leaves := others[s]; leaves && !slices.ContainsFunc(n.roster.taking(least), func(m *member) bool { return !m.local }) {
		return domain.Fail(op, domain.Conflict, errors.New("there is no other node to hand to"))
	}
	if err := n.provider.partake(ctx, s); err != nil {
		return domain.Fail(op, domain.Unavailable, err)
	}
	return nil
}

// Handed returns when this node holds nothing any more.
func (n *Node) Handed(ctx context.Context) error {
	if err := n.keeper.emptied.wait(ctx); err != nil {
		return domain.Fail("hand partitions over", domain.Unavailable, err)
	}
	return nil
}

// Return takes Withdraw back: this node gets its share of partitions again.
func (n *Node) Return(ctx context.Context) error {
	return n.partake(ctx, "return to the cluster", sharing)
}

// Drain gives up all partitions without waiting for who takes them: new messages are refused, so that whoever asks on
// another node tries again there, what is queued is finished, and activations stop. What a partition has under way outside is
// not waited for: see Withdraw. It returns when nothing is alive.
func (n *Node) Drain(ctx context.Context) error {
	n.keeper.hurried.Store(true)
	n.keeper.draining.Store(true)
	n.keeper.poke()
	if err := n.keeper.emptied.wait(ctx); err != nil {
		return domain.Fail("drain partitions", domain.Unavailable, err)
	}
	return nil
}

// Stop drains if that has not been done, leaves the cluster and ends everything. It always ends the
// node; an error says what was not done in order.
func (n *Node) Stop(ctx context.Context) error {
	if n.closed.Load() {
		return nil
	}
	err := n.Drain(ctx)
	if err == nil { // nothing of ours acts any more
		n.resign(ctx)
	}
	peers := n.provider.peers()
	n.provider.leave()
	if peers > 0 {
		n.linger(ctx)
	}
	n.Kill()
	n.deps.Log.Info("node stopped", "node", n.ID())
	return err
}

// resign ends the lease, so that nobody waits for it to run out. If the ledger cannot be reached it does.
func (n *Node) resign(ctx context.Context) {
	n.keeper.lease.close()
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Lease)
	defer cancel()
	if err := n.deps.Ledger.Resign(ctx, n.ID()); err != nil {
		n.deps.Log.Warn("our lease could not be resigned; it runs out", "error", err)
	}
}

// linger answers peers that have not heard yet that we left.
func (n *Node) linger(ctx context.Context) {
	t := time.NewTimer(n.cfg.Linger)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Kill ends the node at once and tells nobody: to the others it looks like a crash. It is what a
// second signal does.
func (n *Node) Kill() {
	n.end.Do(func() {
		n.closed.Store(true)
		n.cancel()
		n.keeper.close()
		n.sweeper.close()
		n.provider.close()
		for i := range n.router.parts {
			n.router.parts[i].leave(true, time.Now())
		}
		if left := n.router.workers.release(n.cfg.DrainLimit); left > 0 {
			n.deps.Log.Warn("actors are still at work", "actors", left)
		}
		n.sys.Shutdown()
		if n.remote != nil {
			hangUp(n.remote)
		}
		for _, stop := range n.onStop {
			stop()
		}
	})
}

// evicted looks at the ledger: others had taken this node for dead, and may have claimed what it holds if its lease was over.
func (n *Node) evicted() { n.keeper.doubt() }
