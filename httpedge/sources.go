package httpedge

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/ghl"
	"github.com/leadwire/leadwire/httpedge/source"
)

// openSource prepares a configured source by its kind. A new kind is one case here.
func openSource(src domain.Source) (source.Inbound, error) {
	switch src.Kind {
	case ghl.Kind:
		return ghl.Open(src)
	default:
		return nil, domain.FailField("open source", "kind", fmt.Sprintf("no kind %q is known", src.Kind))
	}
}

// inbound is a source as the edge uses it.
type inbound struct {
	source.Inbound // nil when the source cannot be opened
	id             domain.SourceID
	label          string // id, as a metric's label
	maxBody        int    // bytes
}

// sources holds the opened sources of a directory, and opens them anew when the directory is another one.
type sources struct {
	opened func(inbound) // called for each source that was opened
	log    *slog.Logger

	mu  sync.Mutex // held while opening
	now atomic.Pointer[openSources]
}

type openSources struct {
	dir  *domain.Directory
	byID map[domain.SourceID]inbound
}

// of returns the sources of dir.
func (s *sources) of(dir *domain.Directory) map[domain.SourceID]inbound {
	if open := s.now.Load(); open != nil && open.dir == dir {
		return open.byID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if open := s.now.Load(); open != nil && open.dir == dir {
		return open.byID
	}
	next := &openSources{dir: dir, byID: make(map[domain.SourceID]inbound, len(dir.Catalog.Sources))}
	for _, src := range dir.Catalog.Sources {
		one := s.open(src)
		next.byID[src.ID] = one
		s.opened(one)
	}
	s.now.Store(next)
	return next.byID
}

// open prepares one source. A source whose keys cannot be read stays, so that its senders are told to come
// back after the mistake is mended and lose nothing.
func (s *sources) open(src domain.Source) inbound {
	one := inbound{id: src.ID, label: string(src.ID), maxBody: src.MaxBody}
	if one.maxBody == 0 {
		one.maxBody = maxBody
	}
	in, err := openSource(src)
	if err != nil {
		s.log.Error("a source cannot be opened; its webhooks are put off", "source", src.ID, "error", err)
		return one
	}
	one.Inbound = in
	return one
}
