package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Stop ends the node so that nothing acknowledged is lost and nobody is left waiting:
//
//  1. the other nodes, if there are any, begin to take over: each partition once nothing is under way in it
//  2. the edge says "not ready" and puts webhooks off, while those in flight are committed and answered
//  3. streams are asked to come back elsewhere, spread over Config.Farewell
//  4. no more attempts begin at endpoints, and those under way end
//  5. what is left here drains: queued messages finish, actors stop, what they wait for is waited for
//  6. the cluster hears goodbye, and the store flushes and closes
//
// Each step is tried even if one before it failed or ctx has ended; the errors are joined. Calls after
// the first wait for it and answer the same.
func (n *Node) Stop(ctx context.Context) error {
	n.stopping.Do(func() {
		since := time.Now()
		n.deps.Log.Info("stopping")
		n.stopErr = within(ctx, noticing, func() error { return n.stop(ctx) })
		n.deps.Log.Info("stopped", "took", time.Since(since).Round(time.Millisecond).String())
	})
	return n.stopErr
}

// noticing is how long the steps of a stop have to see that its context has ended. A step that does not
// see it hangs in a disk or a kernel, and waiting longer helps nobody.
const noticing = 3 * time.Second

// within runs f, and gives up on it some time after ctx has ended.
func within(ctx context.Context, noticing time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(noticing)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("stop: a part hangs and was left behind: %w", ctx.Err())
	}
}

func (n *Node) stop(ctx context.Context) error {
	var errs []error
	try := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	if n.control != nil {
		try("close control socket", n.control.Close(ctx))
	}
	shared := n.cluster != nil && n.cluster.Cease(ctx) == nil
	try("stop the edge", n.refuse(ctx))
	if n.stopLoops != nil {
		n.stopLoops()
		n.loops.Wait()
	}
	if n.cluster != nil {
		n.hush(ctx, shared)
		try("drain the partitions", n.cluster.Drain(ctx))
		try("finish the actors' work", n.runtime.Drain(ctx))
	}
	try("close the edge", n.closeEdge(ctx))
	if n.cluster != nil {
		try("leave the cluster", n.cluster.Stop(ctx))
	}
	if n.runtime != nil {
		n.runtime.Stop()
	}
	if n.sender != nil {
		n.sender.Close()
	}
	if n.identity != nil {
		try("close the identity graph", n.identity.close())
	}
	if n.store != nil {
		try("close the store", n.store.Close())
	}
	return errors.Join(errs...)
}

// refuse sends traffic elsewhere. Streams and webhooks say goodbye side by side: a dashboard's wait is
// not a webhook's.
func (n *Node) refuse(ctx context.Context) error {
	streams := make(chan error, 1)
	go func() {
		if n.streams == nil {
			streams <- nil
			return
		}
		streams <- n.streams.Drain(ctx, n.config.Farewell)
	}()
	var err error
	if n.edge != nil {
		err = n.edge.Drain(ctx)
	}
	return errors.Join(err, <-streams)
}

func (n *Node) closeEdge(ctx context.Context) error {
	var errs []error
	if n.edge != nil {
		errs = append(errs, n.edge.Close(ctx))
	}
	if n.listener != nil {
		if err := n.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.stopLoops != nil {
		<-n.served
	}
	if n.streams != nil {
		errs = append(errs, n.streams.Close())
	}
	return errors.Join(errs...)
}

// hushFor is how long a node that is alone waits for attempts at endpoints: most take less than a second, and one that is
// cut off is made again after the next start, under the same id. Where others take over it waits for as long as they may
// take, but for what the rest of a stop needs.
const (
	hushFor   = 5 * time.Second
	stopNeeds = 5 * time.Second
)

func (n *Node) hush(ctx context.Context, shared bool) {
	wait, limit := n.runtime.Hush, hushFor
	if deadline, ok := ctx.Deadline(); shared && ok {
		wait, limit = n.cluster.Handed, max(time.Second, time.Until(deadline)-stopNeeds)
	}
	short, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := wait(short); err != nil {
		n.deps.Log.Warn("attempts at endpoints were cut off; they are made again", "error", err)
	}
}
