package delivery

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
)

// Limits of one judge's memory and patience.
const (
	// MaxWaiting is how many sightings may wait to be judged, and so the most that one judgement settles. A person
	// who reads makes a handful a minute; 256 hold a busy hour, at some 1 KB each. What comes beyond stays in the
	// store, and recovery brings it again.
	MaxWaiting = 256
	// MaxRecent is how many times of announcements an acquaintance remembers: the highest frequency cap there is,
	// whichever of the account's pixels has it.
	MaxRecent = 100
	// DefaultCoalesce and MaxCoalesce bound how long updates are gathered.
	DefaultCoalesce = 5 * time.Second
	MaxCoalesce     = time.Hour

	// maxRemembered is how many settled sightings are recognised when recovery, which listed them a moment ago,
	// hands them on again.
	maxRemembered = 64
	// maxRounds is how often a judgement is made again at once (stale, outdated) before a pause.
	maxRounds = 16
	// contactAge is how old a CRM lead's contact may be when something is announced with it.
	contactAge = 5 * time.Second
	// Pauses between tries of a judgement that the store could not make.
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
)

// JudgeDeps is what a judge looks things up in. All of it is in memory and answers at once.
type JudgeDeps struct {
	Pixel   func(domain.PixelID) *domain.DirectoryPixel
	Record  func(account domain.AccountID, person domain.PersonID) (domain.Person, bool)
	Company func(domain string) (domain.Company, bool)
	// Check says whether a subject is suppressed, and Basis by which revision of suppressions.
	Check func(identity.Subject) (rule string, suppressed bool)
	Basis func() int64
	// Owing lists who is sent what is announced.
	Owing Owing
}

// Judge is the state of one lead's activation, as far as sightings go.
type Judge struct {
	key   domain.LeadKey
	fence domain.Fence
	deps  JudgeDeps

	waiting    []*sighting          // by N; those that are being judged stay until they are settled
	remembered []int64              // newest last
	known      *domain.Acquaintance // as the store last showed it; nil: unknown; Revision 0: does not exist

	turn     int       // rises with every input: what was found out in this one need not be found out again
	trying   *draft    // with the store, or waiting for the end of a pause
	resume   time.Time // the end of a pause; zero: none
	pause    time.Duration
	round    int
	asking   bool      // for a Refresh or a LoadContact
	waking   time.Time // when the earliest Wake ends that was asked for; zero: none
	contact  *domain.Contact
	loadedAt time.Time
	gone     bool // abandoned
}

// sighting is one that waits.
type sighting struct {
	domain.Sighting
	due   time.Time // when it has to be judged, if nothing is sooner
	alone bool      // judged by itself: something in its company could not be settled
	ruled Verdict   // as last found; "": not yet
	turn  int       // of the judge, when it was found
	// pixel as it was when that was found: a catalog may be applied at any moment.
	pixel *domain.Pixel
}

// NewJudge is the judge of a lead that has just been activated.
func NewJudge(key domain.LeadKey, fence domain.Fence, deps JudgeDeps) *Judge {
	return &Judge{key: key, fence: fence, deps: deps, pause: firstPause}
}

// Busy says whether anything is under way; a busy lead stays in memory.
func (j *Judge) Busy() bool { return !j.gone && len(j.waiting) > 0 }

// Sighted takes sightings in, from the visitor's lane or from recovery.
func (j *Judge) Sighted(now time.Time, sightings ...domain.Sighting) []Step {
	if j.gone {
		return nil
	}
	for _, s := range sightings {
		j.add(now, s)
	}
	return j.next(now)
}

// add puts a sighting in its place by N, unless it is known. When there is no room the newest goes: order is kept
// as well as it can be.
func (j *Judge) add(now time.Time, s domain.Sighting) {
	if s.Key() != j.key || slices.Contains(j.remembered, s.N) {
		return
	}
	at, known := slices.BinarySearchFunc(j.waiting, s.N, func(w *sighting, n int64) int { return int(w.N - n) })
	if known || at >= MaxWaiting {
		return
	}
	if len(j.waiting) >= MaxWaiting {
		j.waiting = slices.Delete(j.waiting, MaxWaiting-1, MaxWaiting)
	}
	j.waiting = slices.Insert(j.waiting, at, &sighting{Sighting: s, due: now.Add(j.patience(now, s))})
	j.share(at)
}

// patience is how long a sighting may wait from now: Coalesce from when it was matched, so one that comes late is
// due at once. Clocks that disagree make it neither negative nor longer than Coalesce.
func (j *Judge) patience(now time.Time, s domain.Sighting) time.Duration {
	most := DefaultCoalesce
	if p := j.pixel(s); p != nil && p.Announce.Coalesce > 0 {
		most = min(p.Announce.Coalesce, MaxCoalesce)
	}
	return max(0, min(most, most-now.Sub(s.MatchedAt)))
}

// share lets sightings of one session have one list of pages, the newest: it contains what the older ones say, and
// an hour's gathering would else hold hundreds of copies.
func (j *Judge) share(at int) {
	newest := j.waiting[at]
	for _, w := range j.waiting[:at] {
		if w.Pixel == newest.Pixel && w.Visit.Session == newest.Visit.Session && len(w.Visit.Pages) <= len(newest.Visit.Pages) {
			w.Visit.Pages = newest.Visit.Pages
		}
	}
}

// Due goes on when updates are due or a pause is over.
func (j *Judge) Due(now time.Time) []Step {
	if !now.Before(j.waking) {
		j.waking = time.Time{}
	}
	return j.next(now)
}

// Refreshed goes on after a Refresh. An error is a pause: the next try finds out whether it still matters.
func (j *Judge) Refreshed(now time.Time, err error) []Step {
	if !j.asking {
		return nil
	}
	j.asking = false
	if err != nil {
		return j.later(now)
	}
	for _, w := range j.waiting {
		w.ruled = ""
	}
	return j.next(now)
}

// Contact takes the answer to LoadContact.
func (j *Judge) Contact(now time.Time, c *domain.Contact, err error) []Step {
	if !j.asking {
		return nil
	}
	j.asking = false
	if err != nil {
		return j.later(now)
	}
	if c == nil {
		c = &domain.Contact{}
	}
	j.contact, j.loadedAt = c, now
	return j.next(now)
}

// next makes the next judgement, or asks to be woken for it. Every input ends here.
func (j *Judge) next(now time.Time) []Step {
	if j.gone || j.asking || len(j.waiting) == 0 {
		return nil
	}
	if now.Before(j.resume) {
		return j.wake(now, j.resume)
	}
	if j.trying != nil {
		if j.resume.IsZero() {
			return nil // with the store
		}
		j.resume = time.Time{}
		return []Step{Decide{j.trying.judgement}} // the same again: if it was carried out, the store says so
	}
	j.resume = time.Time{}
	due := slices.MinFunc(j.waiting, func(a, b *sighting) int { return a.due.Compare(b.due) }).due
	ripe := !now.Before(due)
	if (ripe || !j.met()) && j.wantsContact(now) {
		j.asking = true
		return []Step{LoadContact{j.key}}
	}
	j.turn++
	basis := j.deps.Basis() // before anything is asked of it: a newer one would lie, an older one is refused
	batch := j.batch(ripe)
	if batch == nil {
		return j.wake(now, due)
	}
	return j.try(now, basis, batch)
}

// batch chooses what is judged now: what has to be judged alone, or up to the first match, or all that was gathered.
func (j *Judge) batch(ripe bool) []*sighting {
	if i := slices.IndexFunc(j.waiting, func(w *sighting) bool { return w.alone }); i >= 0 {
		return j.waiting[i : i+1]
	}
	if !j.met() {
		for i, w := range j.waiting {
			if w.ruled == "" {
				j.rule(w)
			}
			if w.ruled == passes {
				return j.waiting[:i+1]
			}
		}
	}
	if ripe {
		return j.waiting
	}
	return nil
}

// met says whether the first match was announced, as far as this activation knows.
func (j *Judge) met() bool { return j.known != nil && !j.known.FirstAt.IsZero() }

// wantsContact says whether the lead is a CRM's own, whose contact is not at hand.
func (j *Judge) wantsContact(now time.Time) bool {
	crm := slices.ContainsFunc(j.waiting, func(w *sighting) bool { return w.Person == domain.PersonOfLead(j.key.Lead) })
	return crm && (j.contact == nil || now.Sub(j.loadedAt) > contactAge)
}

// wake asks for a wake-up at a time, unless one at or before it is under way.
func (j *Judge) wake(now, at time.Time) []Step {
	if !j.waking.IsZero() && !at.Before(j.waking) {
		return nil
	}
	j.waking = at
	return []Step{Wake{max(0, at.Sub(now))}}
}

// later pauses.
func (j *Judge) later(now time.Time) []Step {
	j.round = 0
	j.resume = now.Add(j.pause)
	j.pause = min(j.pause*2, longPause)
	return j.wake(now, j.resume)
}
