package bench

import "context"

// watched is what a run's measured part looked like from beside the load.
type watched struct {
	before, after snapshot // of the server and the harness; before is zero when it never came to the measured part
	err           error    // of what went on beside the load
}

// watch runs a load with a snapshot on each side of its measured part, which begins when measuring is closed.
// beside goes on during that part; watch waits for it too.
func (o *observer) watch(ctx context.Context, measuring <-chan struct{}, beside func() error, load func() error) (watched, error) {
	var w watched
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-measuring:
			w.before = o.snapshot(ctx)
			w.err = beside()
		case <-over: // it never came to that
		}
	}()
	err := load()
	after := o.snapshot(context.WithoutCancel(ctx))
	close(over)
	<-done
	w.after = after
	return w, err
}
