package visit

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Limits of one visitor's memory. A lane that hits them answers Unavailable, which makes its sender try again.
const (
	// MaxWaiting is how many hits may wait. A page sends a few a minute; a script gone wild, or an afternoon
	// offline that is reported at once, sends hundreds, and 256 of 1 KB are what one may hold.
	MaxWaiting = 256
	// MaxRemembered is how many event ids the dedupe cache holds: a request that is repeated comes within a few
	// events of its first, and has at most domain.MaxHits.
	MaxRemembered = 64
	// maxWaiters is how many askers may wait for the same hits.
	maxWaiters = 16
	// maxRounds is how often hits are observed again (row stale, suppressions outdated, some of them known)
	// before their sender is told to come back.
	maxRounds = 16
	// maxLateTries is how often a late identification is tried while the store is away; then the next hit asks
	// again. With the pauses below: some 20 seconds.
	maxLateTries = 8
)

// Pauses between tries of a late identification.
const (
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
)

// ErrTooMany is behind an Unavailable answer when one of the limits above is met.
var ErrTooMany = errors.New("too many hits of this visitor are waiting")

// errCount is behind one that no request of the edge can get.
var errCount = errors.New("hits come in groups of 1 to " + strconv.Itoa(domain.MaxHits))

// errRounds is behind one that gives up on a row which others keep changing.
var errRounds = errors.New("the visit or the suppressions changed at every try")

// Deps are what a lane looks things up in: all of it is in memory and answers at once.
type Deps struct {
	Pixel   func(domain.PixelID) *domain.DirectoryPixel
	Match   func(identity.Evidence) identity.Resolution
	Check   func(identity.Subject) (rule string, suppressed bool)
	Basis   func() int64 // revision of the suppressions that Check knows at least
	Actor   func(domain.LeadKey) domain.Partition
	HasSlow bool // there is a slow tier to ask: what it finds, Match knows afterwards
}

// Lane is the state of one visitor's activation.
type Lane struct {
	key   domain.VisitorKey
	fence domain.Fence
	deps  Deps

	// waiting are being handled from the front. A late identification goes before them.
	waiting []*arrival
	held    int // hits in waiting
	late    *late
	doing   doing
	sent    work // behind the Observe that is with the store
	forLate bool // what is being done is for the late identification, and not for waiting
	alone   bool // waiting[0] shares its step with none: one of those that it shared with was Invalid
	round   int  // tries of what is being handled

	visit      *domain.Visit // as the store last showed it; nil: unknown; Revision 0: does not exist
	remembered []domain.EventID

	asking bool         // the slow tier is being asked
	asked  []domain.Key // what it was asked last
	wanted []domain.Key // what it should be asked, by the newest hit that brought a key
	wanter *domain.Hit  // that hit, without its body
	named  bool         // a hit that wanted it was an identify call
}

// doing is what the lane waits for.
type doing uint8

const (
	nothing doing = iota
	loading
	observing
	refreshing
)

// late is an answer of the slow tier, which matching knows by now, that has not been observed yet.
type late struct {
	hit     domain.Hit // which brought the keys that it was asked for; it stands for the views before
	named   bool       // one of those that brought keys was an identify call
	tries   int
	pause   time.Duration
	pausing bool // the store could not take it; hits go on meanwhile
}

// New is a visitor that has just been activated, with the right to commit that its partition gives it.
func New(key domain.VisitorKey, fence domain.Fence, deps Deps) *Lane {
	return &Lane{key: key, fence: fence, deps: deps}
}

// Busy says whether anything is under way; a busy visitor stays in memory.
func (l *Lane) Busy() bool { return l.doing != nothing || l.asking || l.late != nil }

// Hits takes hits in that came together, in their order. They are answered together.
func (l *Lane) Hits(now time.Time, hits []domain.Hit, to Ticket) []Step {
	if len(hits) == 0 || len(hits) > domain.MaxHits {
		return []Step{Answer{To: to, Err: domain.Fail("keep hits", domain.Invalid, errCount)}}
	}
	a := l.arrive(hits, to)
	if a.open == 0 {
		return []Step{Answer{To: to, Received: a.got}}
	}
	for _, w := range l.waiting {
		if !sameHits(w.hits, hits) {
			continue
		}
		if len(w.askers) >= maxWaiters {
			return []Step{refuse(to)}
		}
		w.askers = append(w.askers, to)
		return nil
	}
	if l.held+len(hits) > MaxWaiting {
		return []Step{refuse(to)}
	}
	l.waiting, l.held = append(l.waiting, a), l.held+len(hits)
	return l.pump(now)
}

// pump goes on with what comes next, unless something is under way.
func (l *Lane) pump(now time.Time) (steps []Step) {
	for l.doing == nothing && (l.lateNext() || len(l.waiting) > 0) {
		l.forLate = l.lateNext()
		switch {
		case l.visit != nil:
		case !l.forLate && l.waiting[0].hits[0].Fresh && len(l.remembered) == 0:
			l.visit = &domain.Visit{} // the edge has just made the id; if the row exists, the store shows it
		default:
			l.doing = loading
			return append(steps, Load{l.key})
		}
		if l.round++; l.round > maxRounds {
			steps = append(steps, l.failed(domain.Fail("keep hits", domain.Unavailable, errRounds), nil)...)
			continue
		}
		var w work
		if !l.forLate {
			w = l.draftHits(now, l.gather())
		} else if w = l.draftLate(now); !w.worth {
			l.settleLate()
			if w.suppressed != "" {
				steps = append(steps, Resolved{Suppressed: w.suppressed, Late: true})
			}
			continue
		}
		l.doing, l.sent = observing, w
		steps = append(steps, Observe{w.observation})
	}
	return steps
}

// lateNext says whether a late identification comes before the hits that wait.
func (l *Lane) lateNext() bool { return l.late != nil && !l.late.pausing }

// Loaded takes the store's answer to Load; a visitor that is not there is a zero visit.
func (l *Lane) Loaded(now time.Time, v domain.Visit, err error) []Step {
	if l.doing != loading {
		return nil
	}
	l.doing = nothing
	if err != nil {
		return append(l.failed(err, nil), l.pump(now)...)
	}
	l.visit = &v
	return l.pump(now)
}

// Refreshed is called when the newest suppressions are in force, or could not be read.
func (l *Lane) Refreshed(now time.Time, err error) []Step {
	if l.doing != refreshing {
		return nil
	}
	l.doing = nothing
	if err != nil {
		return append(l.failed(err, nil), l.pump(now)...)
	}
	return l.pump(now)
}

// Observed takes the store's answer to o.
func (l *Lane) Observed(now time.Time, o domain.Observation, r domain.Observed, err error) []Step {
	if l.doing != observing || !same(o, l.sent.observation) {
		return nil // an earlier incarnation's
	}
	w := l.sent
	l.doing, l.sent = nothing, work{}
	switch {
	case domain.CodeOf(err) == domain.Fenced:
		return l.abandon()
	case domain.CodeOf(err) == domain.Invalid && l.shared(o.Hits):
		l.alone = true // nothing was written, and only one of the groups is to blame
		return l.pump(now)
	case err != nil:
		l.visit = nil // the outcome is unknown
		return append(l.failed(err, o.Hits), l.pump(now)...)
	}
	switch r.Outcome {
	case domain.Outdated:
		l.doing = refreshing
		return []Step{Refresh{}}
	case domain.Stale:
		l.visit = &r.Visit
		return l.pump(now)
	case domain.Duplicated:
		for i, known := range r.Known {
			if known {
				l.end(o.Hits[i].ID, domain.Received{Duplicate: true})
			}
		}
		return append(l.answered(), l.pump(now)...)
	}
	return append(l.done(w, r), l.pump(now)...)
}

// done takes over what was committed.
func (l *Lane) done(w work, r domain.Observed) []Step {
	l.visit = &r.Visit
	hits, owed := w.observation.Hits, w.observation.Owed
	var steps []Step
	if len(hits) == 0 {
		l.settleLate()
	} else {
		l.round = 0
		for i, h := range hits {
			l.end(h.ID, domain.Received{Seq: r.Seqs[i]})
		}
		steps = l.answered()
	}
	if len(r.Links) > 0 {
		steps = append(steps, Learned{r.Links})
	}
	if len(owed) > 0 {
		for i := range owed {
			owed[i].N, owed[i].EventSeq, owed[i].Visit = r.Owed[i], r.Visit.EventSeq, r.Visit
			if len(hits) > 0 {
				owed[i].EventSeq = r.Seqs[w.owes[i]]
			}
		}
		steps = append(steps, Sight{owed})
	}
	for _, said := range w.said {
		steps = append(steps, said)
	}
	return append(steps, l.want(w)...)
}

// want takes down what the slow tier is worth asking for, and asks it: once for the same keys, one question at a
// time.
func (l *Lane) want(w work) []Step {
	if !l.deps.HasSlow || len(w.asks) == 0 {
		return nil
	}
	for _, a := range w.asks {
		if slices.Equal(a.keys, l.wanted) {
			continue
		}
		h := w.observation.Hits[a.hit]
		h.Body = nil
		l.wanted, l.wanter, l.named = a.keys, &h, l.named || identifies(&h)
	}
	return l.ask()
}

func (l *Lane) ask() []Step {
	if l.asking || slices.Equal(l.wanted, l.asked) {
		return nil
	}
	l.asking, l.asked = true, l.wanted
	return []Step{Ask{l.asked}}
}

// Found is called when the slow tier has answered, or could not: what it said, Match knows by now. It is
// matched again in any case, because somebody who identified itself is somebody even if no tier knows more.
// After a failure the next hit asks again.
func (l *Lane) Found(now time.Time, err error) []Step {
	if !l.asking {
		return nil
	}
	l.asking = false
	if steps := l.ask(); steps != nil { // later hits knew more; the answer to that is worth waiting for
		return steps
	}
	if err != nil {
		l.asked, l.wanted = nil, nil
	}
	if l.late == nil {
		l.late = &late{hit: *l.wanter, named: l.named, pause: firstPause}
		l.named = false
	}
	return l.pump(now)
}

// Retry goes on with a late identification after a pause.
func (l *Lane) Retry(now time.Time) []Step {
	if l.late != nil {
		l.late.pausing = false
	}
	return l.pump(now)
}

// failed ends what was being handled: the sender of hits tries again, a late identification does after a pause.
// hits are those that were with the store.
func (l *Lane) failed(err error, hits []domain.Hit) []Step {
	l.round = 0
	if !l.forLate {
		return l.fail(err, hits)
	}
	l.late.tries++
	if l.late.tries >= maxLateTries || domain.CodeOf(err) == domain.Invalid {
		l.asked, l.wanted = nil, nil
		l.settleLate()
		return nil
	}
	after := l.late.pause
	l.late.pause, l.late.pausing = min(after*2, longPause), true
	return []Step{Retry{after}}
}

func (l *Lane) settleLate() { l.late, l.round = nil, 0 }

func (l *Lane) abandon() []Step {
	steps := []Step{Abandon{}}
	for len(l.waiting) > 0 {
		steps = append(steps, l.finish(domain.ErrFenced)...)
	}
	l.doing, l.visit, l.asking = nothing, nil, false
	l.settleLate()
	return steps
}

func refuse(to Ticket) Step {
	return Answer{To: to, Err: domain.Fail("keep hits", domain.Unavailable, ErrTooMany)}
}

// same says whether two observations are of the same hits, or both of none.
func same(a, b domain.Observation) bool { return sameHits(a.Hits, b.Hits) }

func sameHits(a, b []domain.Hit) bool {
	return slices.EqualFunc(a, b, func(x, y domain.Hit) bool { return x.ID == y.ID })
}
