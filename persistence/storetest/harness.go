package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/leadwire/leadwire/actors/domain"
)

// Harness is how a backend is tested.
type Harness struct {
	// Open makes a fresh, empty store that nobody else sees, and removes it when the test ends.
	Open func(t *testing.T, o Options) Instance
	// Steps names the steps of a commit in their order: the first before anything is written, the last
	// after the commit has become durable.
	Steps []string
}

// Options shape a store for one test. The zero value asks for the backend's own defaults.
type Options struct {
	// Fail is asked at every step of every commit; an error it returns stands for a lost disk or
	// connection at that point. It may block, which holds the commit in flight. Nil: never fails.
	Fail func(step string) error
	// QueueOps is the writer's queue limit in operations; 0: the default.
	QueueOps int
	// BatchOps is the most operations in one commit; 0: the default.
	BatchOps int
	// BacklogLimit stands for domain.BacklogLimit and QueueLimit; 0: those.
	BacklogLimit int
}

// Instance is one open store.
type Instance struct {
	Store domain.Store
	// Crash ends the instance as kill -9 would: nothing is flushed or closed in an orderly way, calls
	// in flight get any answer or none. It opens the same data again, without Options.
	Crash func(t *testing.T) Instance
	// Reopen closes the instance in an orderly way and opens the same data again, without Options.
	Reopen func(t *testing.T) Instance
	// Second opens the same data a second time beside the first, as another node would. Nil where the
	// backend allows one process only.
	Second func(t *testing.T) Instance
}

// Run proves the whole contract.
func Run(t *testing.T, h Harness) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"Receiving", receiving},
		{"Deciding", deciding},
		{"Admitting", admitting},
		{"Order", order},
		{"Caps", caps},
		{"Fencing", fencing},
		{"Leasing", leasing},
		{"Feeds", feeds},
		{"Reading", reading},
		{"Failures", failures},
		{"Withdrawing", withdrawing},
		{"Poison", poison},
		{"Catalog", catalog},
		{"Retention", retention},
		{"Life", life},
		{"Observing", observing},
		{"ObservingMany", observingMany},
		{"Judging", judging},
		{"Entering", entering},
		{"Owing", owing},
		{"Linking", linking},
		{"Announcements", announcements},
		{"Suppressing", suppressing},
		{"Erasing", erasing},
		{"APIKeys", apikeys},
		{"RetentionOfVisits", retentionOfVisits},
		{"Delivering", delivering},
		{"Attempting", attempting},
		{"Queueing", queueing},
		{"Steering", steering},
		{"Replaying", replaying},
		{"Trying", trying},
		{"Secrets", secrets},
		{"ListingDeliveries", listingDeliveries},
		{"RetentionOfDeliveries", retentionOfDeliveries},
		{"Stats", statistics},
		{"LifeOfDeliveries", lifeOfDeliveries},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.run(t, h)
		})
	}
}

// errInjected is what tests let a step fail with.
var errInjected = errors.New("injected failure")

// trap fails a step of a commit on request, or holds it. The zero value lets everything pass.
type trap struct {
	mu      sync.Mutex
	step    string        // fails at this step
	times   int           // so many times more
	fired   int           // how often it has
	hold    string        // blocks at this step
	held    chan struct{} // closed when a commit stands there
	release chan struct{} // closed to let it go on
}

// fail is the hook.
func (p *trap) fail(step string) error {
	p.mu.Lock()
	if step == p.step && p.times > 0 {
		p.times--
		p.fired++
		p.mu.Unlock()
		return errInjected
	}
	if step != p.hold || p.held == nil {
		p.mu.Unlock()
		return nil
	}
	held, release := p.held, p.release
	p.held = nil
	p.mu.Unlock()
	close(held)
	<-release
	return nil
}

// set lets step fail from now on, so many times.
func (p *trap) set(step string, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step, p.times, p.fired = step, times, 0
}

// armed is the step that fails.
func (p *trap) armed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.step
}

// hits is how often the set step has failed.
func (p *trap) hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// holdAt makes the next commit stand still at step. The first channel is closed once it does; the
// function lets it go on, and may be called more than once.
func (p *trap) holdAt(step string) (<-chan struct{}, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held, release := make(chan struct{}), make(chan struct{})
	p.hold, p.held, p.release = step, held, release
	return held, sync.OnceFunc(func() { close(release) })
}
