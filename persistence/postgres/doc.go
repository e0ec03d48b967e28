// Package postgres is the domain.Store on PostgreSQL 15 or newer, for one node or many.
//
//	Receive, Decide ─┐                       ┌ lock suppressions (shared) · partitions (fence) · leads ·
//	Observe, Judge  ─┤                       │ feeds · heads · endpoints, each in key order
//	Learn, Seen     ─┼─▶ group commit ──▶ one pipeline, one implicit transaction, one round trip
//	RecordAttempt   ─┘   (one connection)    └ receive · decide · observe · learn · judge · attempt · seen, per wave, over arrays
//
//	Suppress ──▶ alone among those who hold the suppressions     Erase ──▶ short transactions that hold up nobody for long
//	Replay, Cancel, Hasten ──▶ a transaction of their own, under the endpoint's lock
//
//	Feed, Lead, Undecided, ... ──▶ a small pool of readers
//
// What it promises beyond the port:
//
//   - A batch costs one round trip and one fsync, however many operations it has.
//   - Writers of several nodes cannot deadlock: every commit takes its locks in the same order. Visits,
//     acquaintances and sightings need no place in it: they are written under their partition's lock, and
//     whoever else removes them takes only rows that nobody holds. Links are written under their head's, and
//     deliveries and receipts under their endpoint's, by whomever: see lock_endpoints.sql.
//   - A number that is shown has none before it still to come: announcements and links are numbered by a row
//     (heads) that a commit locks before it adds.
//   - A caller is told "stored" or "done" only by a commit that the server has confirmed. When the
//     connection breaks first, the outcome is unknown; the batch is run again under the same commit id,
//     and what the first run has written is recognised by it (see evidence.go).
//   - After an erasure no table's file keeps a byte of it: see rewrite.go.
//   - While the database is away callers get Unavailable, after Patience at most, and it recovers alone.
//
// Everything lives in the first schema of the connection's search_path. The package knows no actor and
// no HTTP, and hears nothing from the database unasked: no LISTEN, no NOTIFY (in a transaction they
// take a lock that all writers share).
//
// Behind PgBouncer in transaction mode see Options.PgBouncer.
package postgres
