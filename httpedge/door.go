package httpedge

import "time"

// reasonQueue: the store has so much to write that what comes now would hardly be durable in time.
const reasonQueue = "queue"

// queueMost is how long the store's queue may be, in time: half of what an event has to become durable, because the other
// half is for what nobody can foresee. Beyond it, whoever comes is told at once, and not after a share of the processor
// that the store needs has gone into reading, verifying and asking.
func (c Config) queueMost() time.Duration { return c.IngestTimeout / 2 }

// queueFull says whether to put off what comes. It knows this node's store alone: what is written on another node finds that
// one's limits there.
func (s *Server) queueFull() bool { return s.deps.Reader.QueueWait() > s.cfg.queueMost() }
