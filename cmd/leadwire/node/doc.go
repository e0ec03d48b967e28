// Package node is one whole Leadwire in a process: store, cluster, actors and edge, started in the order
// of their needs and stopped in the order that loses nothing. It only wires; no rule lives here.
//
//	listener ─▶ store ─▶ book ─▶ actors ─▶ cluster (claims partitions) ─▶ streams ─▶ edge ─▶ control socket
//	   start ──────────────────────────────────────────────────────────────────────────────────▶
//	   ◀── stop: edge refuses · streams say goodbye · partitions drain · work ends · cluster leaves · store
//
// It promises that Start either returns a node that serves or leaves nothing behind, that Stop waits for
// every goroutine it started, and that whatever hangs in Stop costs no more than Stop's context allows.
// Tests start as many as they like; main starts one.
package node

import (
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/httpedge"
	"github.com/leadwire/leadwire/httpedge/outbound"
	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/persistence"
)

// Config is what a node runs with. Zero fields of the parts take the parts' defaults.
type Config struct {
	Data    string // folder of the embedded store and the control socket
	Store   string // Embedded, or a postgres:// URL
	Listen  string // the public port, host:port; port 0 takes a free one
	Storage persistence.Options
	Cluster cluster.Config
	Actors  actors.Config
	// Identity is where it learns who visitors are.
	Identity Identity
	// Outbound is how endpoints are sent to, and MasterKey what their secrets are sealed with.
	Outbound  outbound.Config
	MasterKey MasterKey
	Edge      httpedge.Config
	Streams   sse.Config
	Keep      domain.Retention
	// MaintainEvery is the pause between rounds of retention; default 1h.
	MaintainEvery time.Duration
	// Farewell is over how long streams are spread when they are closed at stop; default 1s.
	Farewell time.Duration
}

// Embedded is the Store that keeps everything in one file under Data.
const Embedded = "embedded"

// Deps are a node's collaborators; all may be nil.
type Deps struct {
	Clock   domain.Clock
	Log     *slog.Logger
	Version string // told by the control socket
}

func (c Config) withDefaults() Config {
	if c.Store == "" {
		c.Store = Embedded
	}
	if c.MaintainEvery == 0 {
		c.MaintainEvery = time.Hour
	}
	if c.Farewell == 0 {
		c.Farewell = time.Second
	}
	c.Keep = c.Keep.WithDefaults()
	return c
}

func (c Config) validate() error {
	const op = "configure node"
	switch {
	case c.Store == Embedded && c.Data == "":
		return domain.FailField(op, "data", "must be given for the embedded store")
	case c.Listen == "":
		return domain.FailField(op, "listen", "must be given, as \":8080\"")
	case c.MaintainEvery < time.Second:
		return domain.FailField(op, "maintain_every", "must be a second or more")
	case c.Farewell < 0:
		return domain.FailField(op, "farewell", "must not be negative")
	}
	return nil
}

func (d Deps) withDefaults() Deps {
	if d.Clock == nil {
		d.Clock = domain.SystemClock{}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}
