// Package delivery decides which sightings of an identified visitor become events that leave, and what is in an event
// that leaves. It only decides: it is told what happened and answers with the steps to take, so that whole lives of an
// acquaintance are replayed from a seed.
//
//	Sighted ──▶ waiting, by N ──▶ never met? ──▶ the first that passes ──▶ Decide: visitor.identified, and the way
//	               ▲                 │              the rules, at once                into the pixel's campaign
//	               │                 └─▶ met: gathered until Coalesce ───▶ Decide: one visitor.updated with all
//	               │
//	               ├── Stale: somebody else announced. Take the acquaintance as it is, judge again
//	               ├── Outdated ──▶ Refresh: suppressions have changed. Ask them, judge again
//	               ├── AlreadyDecided: one of them is settled. Judge them one by one
//	               └── unavailable: the same judgement again after a pause. If it was carried out, the store says so
//
// Promises:
//
//   - A first match of (account, lead) is announced once, under one id, whatever crashes: the acquaintance's revision in
//     the store lets one judgement through, and its sighting stays owed until one is. It never waits for Coalesce.
//   - Every sighting is settled once: announced as a first match, part of one update, or let go with a verdict that is
//     counted. What passes no rule costs no commit of its own: it goes with the next judgement, or after Coalesce.
//   - Nothing leaves about somebody who is suppressed by the time of the commit: each judgement names the revision of
//     suppressions that it asked, and the store refuses an older one.
//   - A pixel's frequency cap is not exceeded: it counts what the acquaintance remembers, in the same commit.
//   - Updates leave in the order of their sightings, as far as these come in order. One that was lost on the way and
//     comes back through recovery leaves late rather than not at all; its occurred_at says when it was.
//   - What leaves has one form, the Envelope, with a version. See docs/payload.md and package schema.
//
// It opens no socket, reads no clock and stores nothing.
package delivery
