package sse

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// Config is the limits and times of the streams of one node. Zero fields take their default.
type Config struct {
	// PerBuyer is the most streams of one buyer on this node; default 16: a team's screens and phones,
	// with those that died and are not noticed yet.
	PerBuyer int
	// PerNode is the most streams of this node; default 20,000, or nine tenths of the file limit less
	// 200 when that is lower: the rest is for the store, the cluster and ordinary requests.
	PerNode int

	// Heartbeat is how often each stream is written to when nothing happens; default 17s: under the
	// shortest idle limit of common proxies (30s), and out of step with round-minute timers.
	Heartbeat time.Duration
	// Stall is how long pending bytes may wait without any of them leaving; default 10s: a phone that
	// changes cells is back by then, and one that is not resumes by itself.
	Stall time.Duration
	// MaxAge is how long a stream lives at most, in whole; default 30m. Each ends after 80 to 100 % of it,
	// as in a drain, and its client is back within 1.5 s: through authentication, so that a token which
	// has ended or was withdrawn ends its streams too. 20,000 streams are 12 returns a second.
	MaxAge time.Duration
	// DeadPeer is how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT, Linux); default 25s.
	// Without it a client whose network vanished is kept for as long as heartbeats fit in the socket's
	// buffer, which is hours.
	DeadPeer time.Duration

	// SendBuffer is the socket's buffer (SO_SNDBUF), in bytes; default 16 KiB. A reader that stalls
	// then pins 56 to 98 KB of kernel memory; with the kernel's own choice it is 4.4 MB, which no
	// metric of this process shows. It still carries 300 KB/s to a client 100 ms away.
	SendBuffer int
	// MaxPending is what may wait in memory for one stream whatever the others do, in bytes; default
	// 64 KiB: some hundred events more than the socket holds.
	MaxPending int
	// MaxBurst is what may wait for one stream while PendingTotal leaves room, in bytes; default 1 MiB,
	// which is 500 events (the most that are replayed) of 2 KB. With 64 KiB alone, healthy pages were
	// dropped by 500 events in a few milliseconds.
	MaxBurst int
	// PendingTotal is what may wait for all streams together beyond their MaxPending, in bytes; default
	// 64 MiB.
	PendingTotal int
	// MaxContact bounds the row that an event carries, in bytes; default 32 KiB. A bigger one is
	// fetched by the page.
	MaxContact int

	// RetryMin and RetryMax are between which a client is told to come back after its connection
	// breaks; default 1s to 5s. A browser's own 3s is the same for all: 10,000 streams of a node that
	// crashed would return in one instant (0.7s of a core at once); spread over 4s they take a sixth.
	RetryMin, RetryMax time.Duration

	// Portable holds connections with a goroutine each also where epoll could. For tests, and for a
	// kernel that misbehaves.
	Portable bool
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		to  *int
		def int
	}{
		{&c.PerBuyer, 16}, {&c.PerNode, min(20_000, max(1, fileLimit()/10*9-200))},
		{&c.SendBuffer, 16 << 10}, {&c.MaxPending, 64 << 10}, {&c.MaxBurst, 1 << 20},
		{&c.PendingTotal, 64 << 20}, {&c.MaxContact, 32 << 10},
	} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	for _, f := range []struct {
		to  *time.Duration
		def time.Duration
	}{
		{&c.Heartbeat, 17 * time.Second}, {&c.Stall, 10 * time.Second}, {&c.MaxAge, 30 * time.Minute},
		{&c.DeadPeer, 25 * time.Second},
		{&c.RetryMin, time.Second}, {&c.RetryMax, 5 * time.Second},
	} {
		if *f.to == 0 {
			*f.to = f.def
		}
	}
	return c
}

func (c Config) validate() error {
	for _, f := range []struct {
		name string
		bad  bool
		rule string
	}{
		{"per_buyer", c.PerBuyer < 1, "must be 1 or more"},
		{"per_node", c.PerNode < 1, "must be 1 or more"},
		{"heartbeat", c.Heartbeat < time.Millisecond, "must be a millisecond or more"},
		{"stall", c.Stall <= 0, "must be more than 0"},
		{"max_age", c.MaxAge <= 0, "must be more than 0"},
		{"dead_peer", c.DeadPeer < time.Millisecond, "must be a millisecond or more"},
		{"send_buffer", c.SendBuffer < 4096, "must be 4096 or more"},
		{"max_pending", c.MaxPending < 1024, "must be 1024 or more"},
		{"max_burst", c.MaxBurst < c.MaxPending, "must not be less than max_pending"},
		{"pending_total", c.PendingTotal < 0, "must be 0 (the default) or more"},
		{"max_contact", c.MaxContact < 2, "must be 2 or more"},
		{"retry_max", c.RetryMin < 0 || c.RetryMax < c.RetryMin, "must not be less than retry_min"},
	} {
		if f.bad {
			return domain.FailField("configure sse", f.name, f.rule)
		}
	}
	return nil
}

// Feeds is where a buyer's events come from. Watch never fails: while the buyer's owner cannot be
// reached it goes on trying; stop ends it. Watch may call w before it returns.
type Feeds interface {
	Watch(key domain.BuyerKey, last domain.Seq, hasLast bool, w domain.Watcher) (stop func())
}

// Deps is what the streams work with.
type Deps struct {
	Feeds   Feeds
	Owner   func(domain.BuyerKey) domain.Owner // nil: there is one node
	Epoch   string                             // the store's: domain.Store.Epoch
	Log     *slog.Logger                       // nil: none
	Metrics prometheus.Registerer              // nil: none
}
