package domain

import (
	"context"
	"time"
)

// ReplayStore is the part of Store that replays of many deliveries need. They go beside the traffic: a look reads as
// much as it finds, and a commit is ReplayBite deliveries long.
type ReplayStore interface {
	// CountReplay counts what a replay would owe now, at most QueueLimit. Tests are never replayed.
	CountReplay(ctx context.Context, key EndpointKey, f ReplayFilter) (int, error)
	// StartReplay begins a replay, with its audit entry. r has the Account, the Endpoint, the Filter, MadeAt and By;
	// the rest is answered. One that finds nothing is done at once. Conflict while another of the endpoint runs: two
	// would take turns, and nobody could say in which order the events of a lead arrive.
	StartReplay(ctx context.Context, r Replay, audit AuditEntry) (Replay, error)
	// AdvanceReplay owes the next deliveries that the filter finds once more, at most limit, by N, each as Replay
	// does, and moves the cursor behind them in the same commit; with the last of them the replay is done. r is the
	// replay as the caller knows it. If it has moved on since, or has ended, nothing happens: whoever repeats this
	// after a lost answer, or on another node, owes nothing twice. The answer is how it stands.
	AdvanceReplay(ctx context.Context, r Replay, limit int, at time.Time) (Replay, error)
	// CancelReplay ends a replay that runs; Conflict when it has ended, NotFound when the account has none with that
	// number. What was owed again until then stays owed.
	CancelReplay(ctx context.Context, account AccountID, n int64, at time.Time, audit AuditEntry) (Replay, error)

	// FindReplay reads one; NotFound as with CancelReplay.
	FindReplay(ctx context.Context, account AccountID, n int64) (Replay, error)
	// Replays lists an account's with N < before (0: from the newest), newest first, at most limit; of one endpoint, or
	// of all ("").
	Replays(ctx context.Context, account AccountID, endpoint EndpointID, before int64, limit int) ([]Replay, error)
	// Replaying lists those that run, of endpoints of the given partitions, with N over after, by N, at most limit.
	Replaying(ctx context.Context, partitions []Partition, after int64, limit int) ([]Replaying, error)
}
