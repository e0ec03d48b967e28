package identity

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// NewSuppression reads what somebody wrote and makes a suppression of it.
func NewSuppression(scope domain.SuppressionScope, account domain.AccountID, pixel domain.PixelID, kind domain.SuppressionKind,
	value, reason string, now time.Time,
) (domain.Suppression, error) {
	return domain.Suppression{}, nil
}

// CheckCatalog says whether everything that a catalog suppresses can be read; the error names the field, as
// in "accounts[0].suppress[2].email".
func CheckCatalog(c domain.Catalog) error { return nil }
