// Package feed decides what a buyer's watchers are told, and when. It only decides: announcements,
// answers from the store and leases come in, steps go out.
//
//	Announce ──next in sequence?──yes──▶ Publish to the nodes that watch
//	               │ no
//	               ▼
//	            early ──after Patience──▶ Fill from the store ──▶ Publish
//
// Promises:
//
//   - What is published is consecutive: 1, 2, 3, ... Announcements may come out of order, twice, or
//     not at all; a gap is filled from the store, never skipped.
//   - An announcement that is lost altogether is found by asking the store how far the feed goes
//     (Checked), and published late rather than never.
//   - A node's interest is a lease: a node that dies is forgotten after LeaseFor, and costs nothing.
//
// Cursor is the other end: where one watcher stands, and whether what arrives may be handed to it.
//
// The package opens no socket, reads no clock and stores nothing.
package feed
