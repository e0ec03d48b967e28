// Package postgres is the domain.Store on PostgreSQL 15 or newer, for one node or many.
//
//	Receive ─┐                       ┌ lock partitions (fence) · leads · feeds, each in key order
//	Decide  ─┼─▶ group commit ──▶ one pipeline, one implicit transaction, one round trip
//	Seen    ─┘   (one connection)    └ receive · decide · seen, per wave, over arrays
//
//	Feed, Lead, Undecided, ... ──▶ a small pool of readers
//
// What it promises beyond the port:
//
//   - A batch costs one round trip and one fsync, however many operations it has.
//   - Writers of several nodes cannot deadlock: every commit takes its locks in the same order.
//   - A caller is told "stored" or "done" only by a commit that the server has confirmed. When the
//     connection breaks first, the outcome is unknown; the batch is run again under the same commit id,
//     and what the first run has written is recognised by it (see evidence.go).
//   - While the database is away callers get Unavailable, after Patience at most, and it recovers alone.
//
// Everything lives in the first schema of the connection's search_path. The package knows no actor and
// no HTTP, and hears nothing from the database unasked: no LISTEN, no NOTIFY (in a transaction they
// take a lock that all writers share).
//
// Behind PgBouncer in transaction mode see Options.PgBouncer.
package postgres
