// Package intake decides what happens to the events of one lead. It only decides: it is told what
// happened and answers with the steps to take, so a whole life of a lead is a table, and a simulator
// can replay it from a seed.
//
//	Ingest ──choose──▶ Keep, with its decision ──kept?──▶ Answer (the source has its 200)
//	                                                │
//	                    ┌── decided with it ────────┤
//	                    ▼                           ▼ pending, in order
//	                 Announce ◀── decided? ◀── Decide ◀── choose
//	                (the buyer's feed)  │                   ▲
//	                                    ├── stale, cap ─────┤
//	                                    └── outdated: Refresh
//
// Promises:
//
//   - One event is being kept and one is being decided at a time, each in the order they came in, so
//     a lead's events take effect in order. The usual event is kept and decided in one commit. When
//     that cannot be, keeping does not wait for deciding: a source gets its answer as soon as its
//     event is durable.
//   - An event is answered once per asker, and only after the store has answered.
//   - Whom a pixel has identified is asked about again with every decision, also after days of waiting. Who has
//     objected meanwhile gets no buyer: the event is settled, and of a lead that waits nothing stays but "suppressed"
//     and the rule. Lifting the suppression brings nobody back.
//   - What this package remembers is a shortcut. A repeated event is recognised here to save a commit;
//     what decides is the store's key, and the pending event that a decision takes with it.
//
// It opens no socket, reads no clock and stores nothing.
package intake
