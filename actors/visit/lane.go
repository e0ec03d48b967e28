package visit

import (
	"errors"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Limits of one visitor's memory. A lane that hits them answers Unavailable, which makes its sender try again.
const (
	// MaxHits is how many different hits may wait. A page sends a few a minute; a script gone wild, or an
	// afternoon offline that is reported at once, sends hundreds, and 256 of 1 KB are what one may hold.
	MaxHits = 256
	// MaxRemembered is how many event ids the dedupe cache holds: a beacon that is repeated comes within a few
	// events of its first.
	MaxRemembered = 32
	// maxWaiters is how many askers may wait for one hit.
	maxWaiters = 16
	// maxRounds is how often one hit is observed again (row stale, suppressions outdated) before its sender is
	// told to come back.
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

	// waiting[0] is being handled, the rest wait for it. A late identification goes before them.
	waiting []*arrival
	late    *late
	doing   doing
	sent    work // behind the Observe that is with the store
	forLate bool // what is being done is for the late identification, and not for waiting[0]
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

type arrival struct {
	hit    domain.Hit
	askers []Ticket
}

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

// Hit takes a hit in.
func (l *Lane) Hit(now time.Time, h domain.Hit, to Ticket) []Step {
	if slices.Contains(l.remembered, h.ID) {
		return []Step{Answer{To: to, Received: domain.Received{Duplicate: true}}}
	}
	for _, a := range l.waiting {
		if a.hit.ID != h.ID {
			continue
		}
		if len(a.askers) >= maxWaiters {
			return []Step{refuse(to)}
		}
		a.askers = append(a.askers, to)
		return nil
	}
	if len(l.waiting) >= MaxHits {
		return []Step{refuse(to)}
	}
	l.waiting = append(l.waiting, &arrival{hit: h, askers: []Ticket{to}})
	return l.pump(now)
}

// pump goes on with what comes next, unless something is under way.
func (l *Lane) pump(now time.Time) (steps []Step) {
	for l.doing == nothing && (l.lateNext() || len(l.waiting) > 0) {
		l.forLate = l.lateNext()
		switch {
		case l.visit != nil:
		case !l.forLate && l.waiting[0].hit.Fresh && len(l.remembered) == 0:
			l.visit = &domain.Visit{} // the edge has just made the id; if the row exists, the store shows it
		default:
			l.doing = loading
			return append(steps, Load{l.key})
		}
		if l.round++; l.round > maxRounds {
			steps = append(steps, l.failed(domain.Fail("keep hit", domain.Unavailable, errRounds))...)
			continue
		}
		var w work
		if !l.forLate {
			w = l.draftHit(now, l.waiting[0].hit)
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
		return append(l.failed(err), l.pump(now)...)
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
		return append(l.failed(err), l.pump(now)...)
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
	case err != nil:
		l.visit = nil // the outcome is unknown
		return append(l.failed(err), l.pump(now)...)
	}
	switch r.Outcome {
	case domain.Outdated:
		l.doing = refreshing
		return []Step{Refresh{}}
	case domain.Stale:
		l.visit = &r.Visit
		return l.pump(now)
	case domain.Duplicated:
		steps := l.finish(domain.Received{Duplicate: true}, nil)
		return append(steps, l.pump(now)...)
	}
	return append(l.done(w, r), l.pump(now)...)
}

// done takes over what was committed.
func (l *Lane) done(w work, r domain.Observed) []Step {
	l.visit = &r.Visit
	var steps []Step
	if w.observation.Hit == nil {
		l.settleLate()
	} else {
		steps = l.finish(domain.Received{Seq: r.Seq}, nil)
	}
	if len(r.Links) > 0 {
		steps = append(steps, Learned{r.Links})
	}
	if s := w.observation.Owed; s != nil {
		sighting := *s
		sighting.N, sighting.EventSeq, sighting.Visit = r.Owed, r.Visit.EventSeq, r.Visit
		steps = append(steps, Sight{sighting})
	}
	steps = append(steps, Resolved{Match: w.match, Suppressed: w.suppressed, Late: w.observation.Hit == nil, Upgraded: w.upgraded})
	return append(steps, l.want(w)...)
}

// want takes down what the slow tier is worth asking for, and asks it: once for the same keys, one question at a
// time.
func (l *Lane) want(w work) []Step {
	if !l.deps.HasSlow || len(w.ask) == 0 || w.observation.Hit == nil {
		return nil
	}
	if !slices.Equal(w.ask, l.wanted) {
		h := *w.observation.Hit
		h.Body = nil
		l.wanted, l.wanter, l.named = w.ask, &h, l.named || identifies(h)
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

// failed ends what was being handled: the sender of a hit tries again, a late identification does after a
// pause.
func (l *Lane) failed(err error) []Step {
	l.round = 0
	if !l.forLate {
		return l.finish(domain.Received{}, err)
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

// finish answers everybody who waits for the first hit, and takes it off. Only one of them is told that it is
// new.
func (l *Lane) finish(r domain.Received, err error) []Step {
	if len(l.waiting) == 0 {
		return nil
	}
	a := l.waiting[0]
	l.waiting[0] = nil
	if l.waiting = l.waiting[1:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	l.round = 0
	steps := make([]Step, 0, len(a.askers)+4)
	for i, to := range a.askers {
		answer := Answer{To: to, Received: r, Err: err}
		if i > 0 && err == nil {
			answer.Received = domain.Received{Duplicate: true}
		}
		steps = append(steps, answer)
	}
	if err == nil {
		l.remember(a.hit.ID)
	}
	return steps
}

func (l *Lane) abandon() []Step {
	steps := []Step{Abandon{}}
	for len(l.waiting) > 0 {
		steps = append(steps, l.finish(domain.Received{}, domain.ErrFenced)...)
	}
	l.doing, l.visit, l.asking = nothing, nil, false
	l.settleLate()
	return steps
}

func (l *Lane) remember(id domain.EventID) {
	if len(l.remembered) == MaxRemembered {
		l.remembered = slices.Delete(l.remembered, 0, 1)
	}
	l.remembered = append(l.remembered, id)
}

func refuse(to Ticket) Step {
	return Answer{To: to, Err: domain.Fail("keep hit", domain.Unavailable, ErrTooMany)}
}

// same says whether two observations are of the same hit, or both of none.
func same(a, b domain.Observation) bool {
	if a.Hit == nil || b.Hit == nil {
		return a.Hit == b.Hit
	}
	return a.Hit.ID == b.Hit.ID
}
