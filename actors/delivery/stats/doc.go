// Package stats counts what becomes of an endpoint's deliveries, so that it can be told over any span of time what was
// counted anywhere. It only counts: it reads no clock and stores nothing.
//
//	Attempted ──Settled──▶ Ledger: slots of a minute and of an hour ──Due──▶ rows ──▶ the store
//	                                                                                     │
//	answer ◀──Figures◀──Merge── what every writer has counted in the slots of a Plan ◀──┘
//
// Two things make it add up:
//
//   - Figures merge: counts by adding, and percentiles because what is kept are sketches (DDSketch) and no percentiles.
//     So minutes make an hour, nodes a cluster, and endpoints an account, with the same error as one of them.
//   - A row has one writer: each slot that a Ledger begins has a name of its own. A row is always written whole, so writing
//     it twice changes nothing; two nodes, or two lives of a node, never write the same row.
//
// Receipts are the truth, and figures are about them: what was counted since the last writing is lost in a crash.
package stats
