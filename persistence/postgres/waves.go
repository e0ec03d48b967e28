package postgres

import "github.com/leadwire/leadwire/actors/domain"

// waves orders a batch into runs that can each be one set-based statement. A statement sees the tables
// as they were when it began, so two ops that touch the same thing must not share one: the second has
// to see what the first did. All waves of a batch are in the same pipeline and transaction, so a second
// wave costs statements and no round trip.
//
//	same event key twice           the second comes a wave later and finds the first: a duplicate
//	same lead or pending twice     likewise: stale, or already decided
//	many assignments to one buyer  share a wave: the statement ranks them against the cap,
//	... with another cap or day    a wave later: the rank holds for one cap and one day
//	the same mark seen twice       the unique key drops the second (see seenBatch)
//	same visitor or event twice    stale, or a duplicate
//	same acquaintance or sighting  stale, or already decided
//	same link twice                the later person counts
//	same line of deliveries twice  the second finds who is at its head after the first
//	attempts at one endpoint       share a wave, or go in their order: the statement tells when it last succeeded
//	... that both tell how it is   the second finds what the first has told
//	what an attempt owes           an attempt of that line comes a wave later, or earlier, as with every line
//
// An actor sends one op per lead at a time, so nearly every batch has one wave.
func waves(ops []op) [][]int {
	w := planner{}
	for i, o := range ops {
		switch {
		case o.admits(): // the statement for events runs before the one for decisions
			w.putDecision(i, o.decide, o.receive.key)
		case o.receive != nil:
			w.put(i, w.free(o.receive.key), o.receive.key)
		case o.decide != nil:
			w.putDecision(i, o.decide, pendingKey(o.decide.EventSeq))
		case o.observe != nil:
			w.putAll(i, o.observe.touches())
		case o.judge != nil:
			w.putAll(i, o.judge.touches())
		case o.learn != nil:
			w.putAll(i, touchesOf(o.learn.Links))
		case o.attempt != nil:
			w.putAttempt(i, o.attempt)
		default:
			w.put(i, 0)
		}
	}
	return w.waves
}

type planner struct {
	waves [][]int
	last  map[any]int         // the last wave that touches a thing
	caps  map[capKey]capEntry // the last wave that assigns to a buyer, and against what
}

type (
	pendingKey      int64
	sightingKey     int64
	acquaintanceKey domain.LeadKey
	linkKey         struct {
		account domain.AccountID
		key     domain.Key
	}
	lineKey struct {
		endpoint domain.EndpointKey
		lead     domain.LeadID
	}
	toldKey  domain.EndpointKey
	capKey   domain.BuyerKey
	capEntry struct {
		wave, cap int
		day       string
	}
)

// free is the first wave in which none of the things has been touched.
func (w *planner) free(things ...any) int {
	wave := 0
	for _, thing := range things {
		if last, ok := w.last[thing]; ok {
			wave = max(wave, last+1)
		}
	}
	return wave
}

func (w *planner) put(i, wave int, things ...any) {
	for len(w.waves) <= wave {
		w.waves = append(w.waves, nil)
	}
	w.waves[wave] = append(w.waves[wave], i)
	if w.last == nil {
		w.last, w.caps = map[any]int{}, map[capKey]capEntry{}
	}
	for _, thing := range things {
		w.last[thing] = wave
	}
}

func (w *planner) putAll(i int, things []any) { w.put(i, w.free(things...), things...) }

// putDecision places a decision on an event, which is one that waits or one that comes with it.
func (w *planner) putDecision(i int, d *domain.Decision, event any) {
	lead := d.Lead
	wave := w.free(lead, event)
	if d.Verb != domain.Assign {
		w.put(i, wave, lead, event)
		return
	}
	buyer := capKey{d.Lead.Account, d.Buyer}
	if c, ok := w.caps[buyer]; ok {
		wave = max(wave, c.wave)
		if wave == c.wave && (c.cap != d.Cap || c.day != d.Day) {
			wave++
		}
	}
	w.put(i, wave, lead, event)
	w.caps[buyer] = capEntry{wave, d.Cap, d.Day}
}

// putAttempt places an attempt: no earlier than the ones before it at its endpoint.
func (w *planner) putAttempt(i int, a *attemptOp) {
	things := []any{lineKey{a.Key, a.Lead}}
	if a.Told.From != a.Told.To {
		things = append(things, toldKey(a.Key))
	}
	for _, said := range a.Announce {
		for _, owed := range said.Owed {
			things = append(things, lineKey{domain.EndpointKey{Account: said.Account, Endpoint: owed.Endpoint}, said.Lead})
		}
	}
	w.put(i, max(w.free(things...), w.last[a.Key]), append(things, a.Key)...)
}
