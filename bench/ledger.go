package bench

import "slices"

// ledger is what the run knows of every request and of every stream: the proof that nothing was lost.
//
//	request n:  sent ─▶ acked | refused | failed        and how often its lead was seen, on which stream
//	stream k:   the last sequence number
//
// It is pure bookkeeping: two bytes per request and a number per stream.
type ledger struct {
	answers []answer
	seen    []uint8
	last    []int64 // by stream

	acked, refused, failed int64
	duplicates             int64
	gaps                   int64
	strangers              int64 // events of somebody else's leads (a server that was not ours alone)
	missing                int64 // acked and not seen yet
}

type answer uint8

const (
	unanswered answer = iota
	wasAcked
	wasRefused
	wasFailed
)

func newLedger(requests int64, streams int) *ledger {
	return &ledger{
		answers: make([]answer, requests),
		seen:    make([]uint8, requests),
		last:    slices.Repeat([]int64{-1}, streams),
	}
}

// grow makes room for one more request.
func (l *ledger) grow() {
	l.answers, l.seen = append(l.answers, unanswered), append(l.seen, 0)
}

// answered notes what became of a request. Only a 200 promises anything.
func (l *ledger) answered(n int64, a answer) {
	l.answers[n] = a
	switch a {
	case wasAcked:
		l.acked++
		if l.seen[n] == 0 {
			l.missing++
		}
	case wasRefused:
		l.refused++
	case wasFailed:
		l.failed++
	}
}

// place notes where a stream stands, as the server says on connecting.
func (l *ledger) place(stream int, seq int64) {
	if l.last[stream] < 0 {
		l.last[stream] = seq
	}
}

// numbered notes an event's sequence number on its stream, and says whether it is news: a number that
// the stream has had already is a duplicate, a number that skips others leaves a gap.
func (l *ledger) numbered(stream int, seq int64) bool {
	last := l.last[stream]
	switch {
	case last >= 0 && seq <= last:
		l.duplicates++
		return false
	case last >= 0 && seq > last+1:
		l.gaps += seq - last - 1
	}
	l.last[stream] = seq
	return true
}

// arrived notes that request n's lead was seen, and says whether for the first time. A second time,
// on whatever stream, is a duplicate: one lead has one buyer.
func (l *ledger) arrived(n int64) bool {
	if n >= int64(len(l.seen)) {
		l.strangers++
		return false
	}
	if l.seen[n] > 0 {
		l.duplicates++
		l.seen[n] = 2
		return false
	}
	l.seen[n] = 1
	if l.answers[n] == wasAcked {
		l.missing--
	}
	return true
}

// lost is how many acked requests no stream has shown.
func (l *ledger) lost() int64 { return l.missing }

// unacked is how many leads were seen whose request was not acked: kept by the server, with the answer
// refused, failed or cut off. Not a fault: the sender would send them again, and they would be repeats.
func (l *ledger) unacked() int64 {
	var count int64
	for n, seen := range l.seen {
		if seen > 0 && l.answers[n] != wasAcked {
			count++
		}
	}
	return count
}
