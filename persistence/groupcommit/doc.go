// Package groupcommit lets many callers share one commit. Each caller hands over one operation and
// waits for its own answer; one goroutine takes whatever has gathered and commits it as a batch.
//
//	Do ─┐
//	Do ─┼─▶ queue ──take all that waits──▶ commit ──▶ every caller its own result
//	Do ─┘     ▲                              │
//	          └── gathers while it is in flight
//
// An idle writer commits a lone operation at once, and a busy one finds a full batch by the time its last
// commit returns. So latency is at most two commits, and the batch grows with the load by itself. Where
// commits are so quick that next to nothing gathers meanwhile, Config.Spacing sets them apart: an operation
// that comes right behind a commit waits that long at most.
//
// What it promises:
//
//   - Every accepted operation is answered exactly once, even if commit panics or Close comes first.
//   - One poisoned operation (Code Invalid) does not fail its neighbours: the batch is halved until it
//     stands alone.
//   - The queue has a limit in operations and in bytes. At the limit Do answers Unavailable at once.
//   - A caller that stops waiting withdraws its operation if no commit has taken it up: it is never written then, and counted
//     as withdrawn. Else it goes on, whole, and its outcome is unknown to the caller.
//
// It knows nothing of SQL, leads or buyers: the store brings the operation's type and the commit.
package groupcommit
