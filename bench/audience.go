package bench

import "time"

// audience is the streams of a run's buyers, and the proof of what they have shown.
type audience struct {
	streams *streams
	ledger  *ledger
	prefix  []byte // what this run's leads can be told by
	resyncs int64
	// seen hears of a lead that is shown for the first time.
	seen func(stream int, n int64, at time.Time, data []byte)
}

// event takes one block of a stream.
func (a *audience) event(stream int, at time.Time, m message) {
	seq, numbered := seqOf(m.ID)
	switch {
	case string(m.Type) == "resync":
		a.resyncs++
		if numbered {
			a.ledger.last[stream] = seq
		}
		return
	case !m.HasID || !numbered:
		return // a heartbeat
	case len(m.Data) == 0:
		a.ledger.place(stream, seq)
		return
	case !a.ledger.numbered(stream, seq):
		return
	case string(m.Type) != "lead.assigned":
		return // of a lead that was shown before
	}
	n, ours := number(m.Data, a.prefix)
	if !ours {
		a.ledger.strangers++
		return
	}
	if a.ledger.arrived(n) {
		a.seen(stream, n, at, m.Data)
	}
}
