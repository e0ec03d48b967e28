package stats

// Limit makes a ledger as small as a test needs it.
func (l *Ledger) Limit(slots int) { l.limit = slots }
