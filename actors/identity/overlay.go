package identity

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leadwire/leadwire/actors/domain"
)

// OverlayConfig bounds an overlay.
type OverlayConfig struct {
	Max int
}

// Overlay holds the links that accounts have learned.
type Overlay struct{}

// NewOverlay builds an empty one.
func NewOverlay(cfg OverlayConfig, reg prometheus.Registerer) *Overlay { return &Overlay{} }

// Put takes a page of the store's Links, in their order, and moves After on to its end.
func (o *Overlay) Put(links []domain.Link) {}

// Learned takes links that this node's own commit has just made (Observed.Links): they count at once. It does
// not move After: another node's links may have smaller numbers and not be read yet.
func (o *Overlay) Learned(links []domain.Link) {}

// Person finds whom a key belongs to in an account.
func (o *Overlay) Person(account domain.AccountID, key domain.Key) (domain.PersonID, bool) {
	return "", false
}

// After is the number of the newest link that Put has taken: read the store's Links from here on.
func (o *Overlay) After() int64 { return 0 }
