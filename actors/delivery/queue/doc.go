// Package queue decides what an endpoint is sent next, and what an attempt means for its delivery and for the endpoint.
// It only decides: it is told what happened and answers with the steps to take, so that whole lives of an endpoint are
// replayed from a seed.
//
//	Owed, Load ──▶ window ──due──▶ Ask ──Granted──▶ Send ──Attempted──▶ Record ──Recorded──▶ ended
//	                 ▲                                                    │ ▲        │
//	                 │                                      after a pause └─┘        │ those behind are due now
//	                 └── due again, by package schedule ◀────────────────────────────┘
//
//	circuit   closed ──5 endpoint failures in a row──▶ open: one probe at a time, 5 s to 60 s apart
//	             ▲                                        │
//	             └──── a probe succeeds: one at a time, ◀─┘
//	                   then one more per window of successes
//
// Promises:
//
//   - Two deliveries of one lead are never in flight together, and an attempt is in flight until it is recorded: so they
//     arrive in order. One that goes although an earlier one has not ended, because that one's Hold is over, says so.
//   - A first match goes ahead of updates, those ahead of retries, those ahead of replays, but nobody starves: of every
//     16 turns 8, 4, 2 and 1 at least are of the class that has something. None goes ahead of an earlier one of its lead.
//   - While first attempts wait, retries and replays have a quarter of the concurrency, and never its last place.
//   - Nothing is sent after its end, and one attempt at most begins at or after the terminal time: the last one, which
//     could not begin before. What waits past it while the circuit is open ends without one.
//   - Paused or disabled, the queue is kept whole: nothing is sent and nothing ends. Afterwards whatever is past its
//     terminal time has its last attempt at once.
//   - Operators are told (endpoint.failing, .recovered, .disabled, delivery.exhausted) in the commit of the attempt that shows
//     it, and once: of an episode of failures that it began, that 50, 70 and 90 % of DisableAfter are over, and how it ended.
//   - Memory is bounded: PerClass deliveries of each class wait here, whatever waits in the store.
//   - Whoever is stale stops: once another node has the endpoint, records are refused as domain.Fenced, and the first of these
//     is the last thing a queue takes in. Until then it sends each delivery once more at most, in order. So what the receiver
//     sees after a later event of a lead is an earlier one again, or one that has ended without being sent (cancelled,
//     suppressed, down), which whoever is stale did not know.
//   - What this package remembers is a shortcut. Hints may be lost, doubled or late; the store's revisions decide.
//
// Numbers and trade-offs are in docs/priorities.md. It opens no socket, reads no clock and stores nothing.
package queue
