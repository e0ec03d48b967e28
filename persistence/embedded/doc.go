// Package embedded keeps domain.Store in one SQLite file, so that Leadwire runs with nothing beside
// it: pure Go, no server, one folder.
//
//	Receive, Decide, Claim, ... ─▶ groupcommit ─▶ one writer connection ─▶ leadwire.db-wal ─▶ leadwire.db
//	Lead, Feed, Undecided, ...  ─▶ a few reader connections (each sees the newest commit)      ▲
//	                               a checkpointer moves the log into the file, beside the commits ┘
//
// What it promises beyond the port:
//
//   - What was answered is on the disk (synchronous=FULL): kill -9 and a power cut lose nothing acked.
//   - One process at a time: a lock file refuses the second one and names the folder.
//   - A full or broken disk answers Unavailable, writes nothing by halves, and recovers by itself.
//   - Backup copies a store that is in use; the copy is another history (new Epoch).
//
// It knows nothing of actors, HTTP or other nodes.
package embedded
