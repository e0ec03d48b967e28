// Package control is how the command line talks to a node on the same machine whose embedded store it
// cannot open, because the node holds it: HTTP over a unix socket in the node's data folder.
//
//	leadwire apply ──▶ <data>/control.sock ──▶ POST /apply    provision.Request ─▶ Answer
//	                                           GET  /status   Status
//	leadwire suppress, ... ───────────────────▶ /api/v1/...    the API, as the command line (see admin.Local)
//
// Whoever may open the socket may do everything: it is the owner's alone (mode 0600, in a folder of mode
// 0700). The package carries questions and answers; what they mean is decided by the Node it serves.
package control

import (
	"path/filepath"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cmd/leadwire/provision"
)

// Socket is where the control socket of a data folder is.
func Socket(data string) string { return filepath.Join(data, "control.sock") }

// Status is what a node says of itself.
type Status struct {
	Node     domain.NodeID `json:"node"`
	Address  string        `json:"address"`
	Version  string        `json:"version"`
	Started  time.Time     `json:"started"`
	Revision int64         `json:"catalog_revision"` // in force on this node
}

// Answer is the reply to POST /apply: an outcome, an error, or for a conflict both.
type Answer struct {
	Outcome provision.Outcome `json:"outcome"`
	Error   string            `json:"error,omitempty"`
	Code    domain.Code       `json:"code,omitempty"`
}
