package arena

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
)

// thread is one thread of the process that goes from namespace to namespace. What it starts may be told to die with
// it (PR_SET_PDEATHSIG follows the thread), so it lives as long as the network.
type thread struct {
	work chan func()
	home netns.NsHandle
}

func newThread() (*thread, error) {
	t := &thread{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread()
		var err error
		t.home, err = netns.Get()
		ready <- err
		for f := range t.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("find the network of this program: %w", err)
	}
	return t, nil
}

// in runs f with the thread in a namespace.
func (t *thread) in(ns netns.NsHandle, f func() error) error {
	return t.do(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter a namespace: %w", err)
		}
		return f()
	})
}

// do runs f, and brings the thread home afterwards.
func (t *thread) do(f func() error) error {
	done := make(chan error)
	t.work <- func() {
		err := f()
		if back := netns.Set(t.home); back != nil {
			panic(back) // everything after this would happen to somebody else
		}
		done <- err
	}
	return <-done
}

// newNamespace is an empty one, held by its handle.
func (t *thread) newNamespace() (ns netns.NsHandle, err error) {
	err = t.do(func() error {
		ns, err = netns.New()
		return err
	})
	return ns, err
}
