// Package actors holds the virtual actors, one per lead, one per buyer and one per visitor of a site, and the
// hub that stands between a buyer's actor and the sockets that watch it. They are thin: a message comes in, a
// pure core (intake, feed, visit, delivery) decides, and one method performs the steps.
//
//	edge ──Ingest──▶ lead ──Announce──▶ buyer ──Publish──▶ hub (each node that watches) ──▶ sockets
//	                 ▲│ Receive, Decide,   │ Heads, Feed      │ Feed (catching up)
//	edge ──Hit───▶ visitor    Judge        │                  │
//	                  │ Observe            │                  │
//	                  └────────────── the store ──────────────┘
//
// Promises:
//
//   - No Receive blocks: what waits runs in Work and comes back as a message.
//   - Everything an actor remembers can be lost; Recovery hands pending events to their leads again,
//     and sightings to the leads that judge them, and Lookout tells buyers of events that nobody announced.
//   - Guard keeps suppressions and learned links in step with the store. It is not what makes a suppression
//     count at once: the store refuses what was matched or judged without it.
//   - The package knows no SQL and no HTTP.
package actors
