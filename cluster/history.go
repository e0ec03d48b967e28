package cluster

import (
	"slices"
	"sync"
	"time"
)

// Move is something that changed who owns what, as one node saw it.
type Move struct {
	At         time.Time `json:"at"`
	What       MoveKind  `json:"what"`
	Partitions int       `json:"partitions,omitempty"`
	Members    string    `json:"members,omitempty"` // addresses of who joined or left
}

// MoveKind is what happened.
type MoveKind string

const (
	MoveHeld      MoveKind = "held"       // the ledger has granted partitions to this node
	MoveGivenBack MoveKind = "given_back" // it has handed partitions over
	MoveFenced    MoveKind = "fenced"     // others had claimed partitions that it took for its own
	MoveLapsed    MoveKind = "lapsed"     // its lease ran out, and it dropped everything
	MoveJoined    MoveKind = "joined"     // members came
	MoveLeft      MoveKind = "left"       // members went
	MoveWithdrew  MoveKind = "withdrew"   // a member has handed its share over, or is about to
	MoveReturned  MoveKind = "returned"   // and takes it again
)

// historyKept is how many moves a node remembers: a rolling restart of ten nodes is some fifty.
const historyKept = 128

// history is the last moves, oldest first.
type history struct {
	mu    sync.Mutex
	moves []Move
}

func (h *history) add(at time.Time, what MoveKind, partitions int, members string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.moves) == historyKept {
		h.moves = slices.Delete(h.moves, 0, 1)
	}
	h.moves = append(h.moves, Move{At: at.UTC().Round(0), What: what, Partitions: partitions, Members: members})
}

func (h *history) list() []Move {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.moves)
}
