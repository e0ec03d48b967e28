package budget

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// Budget is what is promised to a tier: Objective of its first attempts begin Within.
type Budget struct {
	Within    time.Duration
	Objective float64 // 0 to 1
}

// Of is a tier's. The reasons for the numbers are in docs/priorities.md.
func Of(t domain.Tier) Budget {
	switch t {
	case domain.TierHigh:
		return Budget{250 * time.Millisecond, .999}
	case domain.TierLow:
		return Budget{10 * time.Second, .99}
	case domain.TierStandard:
	}
	return Budget{time.Second, .99}
}

// Late says whether a wait is one that the budget has to pay for.
func (b Budget) Late(wait time.Duration) bool { return wait > b.Within }

// Wait is how long an event waited for us until its first attempt began; that it was to wait for others of its batch is the
// wish of the endpoint's owner. ok is false when an attempt is none that is measured.
func Wait(r *domain.Receipt, owedAt time.Time) (wait time.Duration, ok bool) {
	if r.Number != 1 || r.Trigger != domain.TriggerFirst || owedAt.IsZero() {
		return 0, false
	}
	return max(0, r.At.Sub(owedAt)-r.Phases.Held-r.Phases.Gather-r.Phases.Blocked), true
}
