// Package browser drives a real Chromium from Go tests, by a small Node program that speaks JSON lines
// over stdin and stdout (driver/driver.mjs, on playwright-core).
//
//	test ──Page.Goto, Wait, Rows──▶ browser ──JSON lines──▶ node driver ──DevTools──▶ Chromium
//
// A machine without Chromium or Node skips the test and says how to get them; with CI_REQUIRE_REAL_PARTS=1
// it fails instead. The driver's one module is installed by npm at first use, into the user's cache.
//
// Most of it knows nothing of any page; leads.go knows the dashboard's.
package browser

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Patience is how long tests wait for what must come. It is only waited for when a test fails.
const Patience = time.Minute

// Browser is one Chromium. It may be used by several goroutines.
type Browser struct {
	Version string

	process *exec.Cmd
	in      io.WriteCloser
	reading sync.WaitGroup

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	ended   error // why no more answers come
}

type answer struct {
	ID    int             `json:"id"`
	Value json.RawMessage `json:"value"`
	Error string          `json:"error"`
}

// Start starts a Chromium that ends with the test. Without one it skips, or fails: see the package. By
// -short it skips.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: runs a real Chromium")
	}
	found, err := find()
	var missing errMissing
	if errors.As(err, &missing) && os.Getenv("CI_REQUIRE_REAL_PARTS") != "1" {
		t.Skipf("skipped, no browser: %v", err)
	}
	require.NoError(t, err)
	b, err := launch(found)
	require.NoError(t, err)
	t.Cleanup(b.close)
	return b
}

func launch(p parts) (*Browser, error) {
	b := &Browser{waiting: map[int]chan answer{0: make(chan answer, 1)}, next: 1}
	hello := b.waiting[0]
	b.process = exec.Command(p.node, "driver.mjs", p.chromium)
	b.process.Dir = p.driver
	b.process.Stderr = os.Stderr
	out, err := b.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start browser driver: %w", err)
	}
	if b.in, err = b.process.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start browser driver: %w", err)
	}
	if err := b.process.Start(); err != nil {
		return nil, fmt.Errorf("start browser driver: %w", err)
	}
	b.reading.Go(func() { b.read(out) })
	first, err := b.await(hello, "start Chromium")
	if err != nil {
		b.close()
		return nil, err
	}
	return b, json.Unmarshal(first, &b.Version)
}

// read hands answers to whoever waits for them.
func (b *Browser) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue // not ours: Node prints warnings where it likes
		}
		b.mu.Lock()
		to := b.waiting[a.ID]
		delete(b.waiting, a.ID)
		b.mu.Unlock()
		if to != nil {
			to <- a
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = errors.New("the browser driver has ended")
	for _, to := range b.waiting {
		close(to)
	}
	b.waiting = nil
}

// request is one line to the driver.
type request map[string]any

func (b *Browser) call(what request) (json.RawMessage, error) {
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return nil, b.ended
	}
	id, reply := b.next, make(chan answer, 1)
	b.next++
	b.waiting[id] = reply
	what["id"] = id
	line, err := json.Marshal(what)
	if err == nil {
		_, err = b.in.Write(append(line, '\n')) // under the lock: a line is whole
	}
	b.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("ask browser: %w", err)
	}
	return b.await(reply, fmt.Sprint(what["op"]))
}

// await waits longer than any single operation is given by the driver.
func (b *Browser) await(reply chan answer, op string) (json.RawMessage, error) {
	select {
	case a, ok := <-reply:
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: the browser driver has ended", op)
		case a.Error != "":
			return nil, fmt.Errorf("%s: %s", op, a.Error)
		}
		return a.Value, nil
	case <-time.After(3 * Patience):
		return nil, fmt.Errorf("%s: the browser does not answer", op)
	}
}

// close ends the driver by the end of its input, and by force if that does not do.
func (b *Browser) close() {
	_ = b.in.Close()
	force := time.AfterFunc(Patience, func() { _ = b.process.Process.Kill() })
	b.reading.Wait()
	_ = b.process.Wait()
	force.Stop()
}
