package chaos_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// history is the folder of one round: what happened, as files of JSON lines, and the logs of nodes and store.
type history struct {
	dir   string
	since time.Time

	mu    sync.Mutex
	files map[string]*os.File
	err   error // the first that writing met
}

func newHistory(dir string) (*history, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the history's folder: %w", err)
	}
	return &history{dir: dir, since: time.Now(), files: map[string]*os.File{}}, nil
}

// The files of a history, beside the logs.
const (
	planned = "plan"       // faults as they were carried out
	acked   = "acked"      // events that were answered 2xx
	shown   = "shown"      // rows that dashboards were sent
	came    = "deliveries" // requests to receivers
	claimed = "claims"     // of partitions, as the store granted them; written at the end
)

// note adds a line to a file, with the time in it.
func (h *history) note(file string, fact map[string]any) {
	fact["at"] = fmt.Sprintf("%.6f", time.Since(h.since).Seconds())
	line, err := json.Marshal(fact)
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[file]
	if f == nil && err == nil {
		f, err = os.Create(filepath.Join(h.dir, file+".jsonl"))
		h.files[file] = f
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err != nil && h.err == nil {
		h.err = err
	}
}

func (h *history) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.files {
		if err := f.Close(); err != nil && h.err == nil {
			h.err = err
		}
	}
	clear(h.files)
	return h.err
}
