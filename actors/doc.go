// Package actors holds the virtual actors, one per lead and one per buyer, and the hub that stands
// between a buyer's actor and the sockets that watch it. They are thin: a message comes in, a pure
// core (intake, feed) decides, and one method performs the steps.
//
//	edge ──Ingest──▶ lead ──Announce──▶ buyer ──Publish──▶ hub (each node that watches) ──▶ sockets
//	                  │ Receive, Decide    │ Heads, Feed      │ Feed (catching up)
//	                  └────────────── the store ──────────────┘
//
// Promises:
//
//   - No Receive blocks: what waits runs in Work and comes back as a message.
//   - Everything an actor remembers can be lost; Recovery hands pending events to their leads again,
//     and Lookout tells buyers of events that nobody announced.
//   - The package knows no SQL and no HTTP.
package actors
