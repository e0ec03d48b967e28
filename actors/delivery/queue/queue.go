package queue

import (
	"time"

	"github.com/leadwire/leadwire/actors/delivery/schedule"
	"github.com/leadwire/leadwire/actors/domain"
)

// Limits of one endpoint's memory and patience.
const (
	// PerClass is how many deliveries of each class wait in memory: 64 of 4 KB in 4 classes are 1 MB. What is in flight
	// comes on top: domain.MaxInFlight at most, and maxRecording that are being recorded, or one request's more.
	PerClass = 64
	// refill is how few of a class may be left when more of it is loaded.
	refill = 32
	// maxRecording is how many attempts may wait for their record before nothing more is sent.
	maxRecording = 256
	// maxSettled is how many deliveries are remembered when a hint or a Load shows them as they were.
	maxSettled = 512

	// firstLimit is how many attempts are made at once to an endpoint that nothing is known of.
	firstLimit = 4
	// repeatShare: one in so many of the places is for retries and replays while first attempts wait.
	repeatShare = 4

	// openAfter is how many failures of the endpoint in a row open the circuit.
	openAfter = 5
	// Distances of probes, and what part of them is added at most: 5 s to 60 s.
	firstProbe  = 5 * time.Second
	longProbe   = 50 * time.Second
	probeSpread = 5
	// lastChance is how long a delivery that is past its terminal time already waits for an open circuit.
	lastChance = time.Hour

	// Pauses after a 429 or 503 without Retry-After, and the most that a Retry-After is believed.
	firstSlow = time.Second
	longSlow  = time.Minute
	maxSlow   = time.Hour

	// Pauses between tries of what the store could not do, and of what it will not.
	firstPause = 100 * time.Millisecond
	longPause  = 5 * time.Second
	stuckPause = time.Minute
	// look is how far apart Loads are that look for what has become due meanwhile: most of it is here already.
	look = time.Second
)

// Queue is the state of one endpoint's activation.
type Queue struct {
	key      domain.EndpointKey
	fence    domain.Fence
	config   domain.Endpoint
	paused   bool
	revision int64 // of the catalog
	schedule schedule.Schedule

	window  window
	pace    pace
	circuit circuit
	room    room
	turn    int

	asked     [domain.Classes]int // rights that were asked for, and did not come
	flying    int
	repeats   int // of them
	recording int
	troubled  int // records that the store could not take
	resting   int // records that are not with the store, and wait to be tried again: hardly ever any, and then they are looked for
	tells     teller

	state     domain.EndpointState // as the store last showed it, and as records have changed it since
	disabled  bool                 // one of these records has disabled it
	succeeded time.Time            // the last success that is known here
	failed    time.Time            // since when it fails, or failed last
	loaded    bool                 // once at least: before that nothing is known
	loading   *Load                // under way
	loads     int64                // how many were made
	wanted    bool                 // another Load
	lookAt    time.Time            // no Load that looks for what has become due before
	restAt    time.Time            // no Load at all before
	rest      time.Duration
	waking    time.Time // when the earliest Wake ends that was asked for; zero: none
	gone      bool      // abandoned
}

// New is the queue of an endpoint that has just been activated, with the right to commit that its partition gives it.
// What operators are to know goes to announce; nil: nobody is told. Start it.
func New(key domain.EndpointKey, fence domain.Fence, e domain.Endpoint, paused bool, revision int64, announce Announcer) *Queue {
	q := &Queue{key: key, fence: fence, window: newWindow(), rest: firstPause, tells: teller{announce: announce}}
	q.configure(e, paused, revision)
	q.pace.begin(firstLimit)
	return q
}

// Start loads what is due.
func (q *Queue) Start(now time.Time) []Step {
	q.wanted = q.wanted || q.loading == nil // whoever configured it a moment ago has begun already
	return q.next(now)
}

// Busy says whether anything is under way; a busy endpoint stays in memory.
func (q *Queue) Busy() bool {
	return !q.gone && (len(q.window.rows) > 0 || q.loading != nil || !q.waking.IsZero())
}

// Settled says whether no attempt is under way, and none waits for its record. While the queue is paused it stays so.
func (q *Queue) Settled() bool { return q.gone || q.flying == 0 && q.recording == 0 }

// Empty says whether no delivery is in memory, and none on its way from the store.
func (q *Queue) Empty() bool { return len(q.window.rows) == 0 && q.loading == nil }

// Figures describe what a queue does, for gauges.
type Figures struct {
	Waiting   [domain.Classes]int // in memory
	Flying    int
	Recording int
	Limit     int // of Flying, as it is now
	Open      bool
	SlowUntil time.Time // the endpoint asked for a pause, or has got one; zero or past: it has not
}

// Figures of this moment.
func (q *Queue) Figures() Figures {
	return Figures{
		Waiting: q.window.waiting, Flying: q.flying, Recording: q.recording, Limit: q.pace.limit, Open: q.circuit.open,
		SlowUntil: q.pace.slowUntil,
	}
}

// Configure is called when the endpoint's configuration may have changed. paused says whether it is to be sent nothing,
// for whatever reason; revision is the catalog's.
func (q *Queue) Configure(now time.Time, e domain.Endpoint, paused bool, revision int64) []Step {
	resumes := q.paused && !paused
	q.room.known = true
	q.configure(e, paused, revision)
	var steps []Step
	if resumes {
		steps = q.resume()
	}
	return append(steps, q.next(now)...)
}

func (q *Queue) configure(e domain.Endpoint, paused bool, revision int64) {
	q.config, q.paused, q.revision = e.WithDefaults(), paused, revision
	q.schedule = schedule.Of(e)
	q.pace.configure(q.config)
}

// resume begins again after nothing was sent for a while: whatever has piled up is not sent all at once.
func (q *Queue) resume() (steps []Step) {
	q.wanted = true
	if !q.loaded { // it was paused until now because something about it was not known yet
		return nil
	}
	q.pace.begin(1)
	if q.circuit.succeeded() {
		steps = append(steps, Noted{Notice: Closed})
	}
	return steps
}

// stopped says whether nothing is to be sent, and nothing kept in memory.
func (q *Queue) stopped() bool { return q.paused || !q.state.DisabledAt.IsZero() }

// Changed is a hint that the endpoint's state was changed by somebody: enabled, that is.
func (q *Queue) Changed(now time.Time, s domain.EndpointState) []Step {
	return append(q.adopt(s), q.next(now)...)
}

// adopt takes over the state as the store shows it, unless it is older than what is known.
func (q *Queue) adopt(s domain.EndpointState) (steps []Step) {
	if s.Revision < q.state.Revision || q.disabling() {
		return nil
	}
	was := q.state
	q.state = s
	switch {
	case !was.DisabledAt.IsZero() && s.DisabledAt.IsZero():
		q.disabled = false
		steps = q.resume()
	case s.Revision == was.Revision && s.FailingSince.IsZero(): // what happened since is not recorded yet
		q.state.FailingSince = was.FailingSince
	case !s.FailingSince.After(q.succeeded):
		q.state.FailingSince = time.Time{}
	}
	return steps
}

// disabling says whether a record is under way that disables the endpoint.
func (q *Queue) disabling() bool {
	if q.state.DisabledAt.IsZero() {
		return false
	}
	for _, r := range q.window.rows {
		if r.place == recording && r.record.Disable != "" {
			return true
		}
	}
	return false
}

// Owed is a hint: deliveries, with their payloads, that were just committed. Without any it says only that the store may
// know more than this queue does.
func (q *Queue) Owed(now time.Time, deliveries ...domain.Delivery) []Step {
	q.wanted = q.wanted || len(deliveries) == 0
	for _, d := range deliveries {
		switch {
		case d.Key() != q.key || q.stopped() || !q.window.news(d) || q.window.rows[d.N] != nil:
		case q.window.more[d.Class]: // those in the store are older
		default:
			q.window.add(now, &row{Delivery: d, load: q.loads, hinted: true})
		}
	}
	return q.next(now)
}

// Hastened is a hint: somebody asked for a delivery before it is due. It has its payload.
func (q *Queue) Hastened(now time.Time, d domain.Delivery) []Step {
	r := q.window.rows[d.N]
	if d.Key() != q.key || q.stopped() || !q.window.news(d) || r != nil && (r.place != waiting || r.Revision > d.Revision) {
		return q.next(now)
	}
	if r != nil {
		q.window.remove(r)
	}
	q.window.add(now, &row{Delivery: d, load: q.loads, hastened: true})
	q.circuit.probeAt = time.Time{}
	return q.next(now)
}

// Ended is a hint: somebody has cancelled a delivery. Those behind it come back from the store.
func (q *Queue) Ended(now time.Time, n int64) []Step {
	r := q.window.rows[n]
	if r != nil && r.place != waiting {
		return q.next(now) // its record will say so
	}
	q.window.settle(n, ended)
	if r != nil {
		q.drop(r)
	}
	q.wanted = true
	return q.next(now)
}

// drop takes a delivery out of memory that is not what it was thought to be, and those of its lead that wait for it.
func (q *Queue) drop(r *row) {
	l := q.window.lines[r.Lead]
	q.window.remove(r)
	for _, o := range append([]*row(nil), l.rows...) {
		if o.place == waiting && o.Behind && q.window.rows[o.N] == o {
			q.window.remove(o)
		}
	}
	q.wanted = true
}

// Loaded takes the store's answer to Load.
func (q *Queue) Loaded(now time.Time, due domain.Due, err error) []Step {
	if q.loading == nil {
		return nil
	}
	load := *q.loading
	q.loading = nil
	if err != nil {
		q.wanted, q.restAt = true, now.Add(q.rest)
		q.rest = min(2*q.rest, longPause)
		return q.next(now)
	}
	q.rest = firstPause
	steps := q.adopt(due.State)
	q.tells.learn(due.State.Told, q.loads)
	if !q.loaded {
		q.loaded = true
		if !q.state.FailingSince.IsZero() { // whoever had it before has found it failing: begin with care
			q.pace.begin(1)
			q.circuit.failures = openAfter - 1
		}
	}
	if !q.stopped() && !q.window.merge(now, due, load, q.loads) && q.window.more != [domain.Classes]bool{} {
		q.restAt = now.Add(firstPause) // there is more, and none of it is of use: not again at once
	}
	return append(steps, q.next(now)...)
}

// Granted is called when the node lets it make one attempt that it has asked for.
func (q *Queue) Granted(now time.Time) []Step {
	if q.gone {
		return []Step{Release{}}
	}
	for c := range q.asked { // the node serves the better classes first
		if q.asked[c] > 0 {
			q.asked[c]--
			break
		}
	}
	steps := []Step{Release{}}
	q.refresh(now)
	if rows := q.pick(now); len(rows) > 0 {
		steps = []Step{q.depart(now, rows)}
	}
	return append(steps, q.next(now)...)
}

// pick is what is sent now, in one request; none: nothing.
func (q *Queue) pick(now time.Time) []*row {
	if q.blocked(now) || q.flying >= q.pace.limit || q.pace.allowed(1) == 0 {
		return nil
	}
	s := q.window.survey(now, q.config.Batch)
	if q.circuit.open {
		if s.head == nil || !q.circuit.mayProbe(now) {
			return nil
		}
		return []*row{s.head}
	}
	q.gather(now, &s)
	r := q.choose(&s)
	switch {
	case r == nil:
		return nil
	case len(s.together) > 0 && r == s.together[0]:
		return q.batch(s.together)
	}
	return []*row{r}
}

// blocked says whether nothing may be sent, whatever there is.
func (q *Queue) blocked(now time.Time) bool {
	return q.stopped() || !q.loaded || q.troubled > 0 || q.recording >= maxRecording || now.Before(q.pace.slowUntil)
}

// depart sends deliveries, in one request.
func (q *Queue) depart(now time.Time, rows []*row) Step {
	q.flying++
	if q.pace.rate > 0 {
		q.pace.tokens--
	}
	if len(rows) == 1 {
		return q.leave(now, rows[0])
	}
	var batch SendBatch
	for _, r := range rows {
		batch.Sends = append(batch.Sends, q.leave(now, r))
	}
	return batch
}

// leave takes a delivery out of those that wait.
func (q *Queue) leave(now time.Time, r *row) Send {
	r.send = Send{Delivery: r.Delivery, Trigger: q.trigger(r), ScheduledAt: r.DueAt, Gather: q.gathered(now, r), OutOfOrder: r.Behind, Hinted: r.hinted}
	r.send.Queue = now.Sub(r.DueAt) - r.send.Gather
	r.send.Blocked = q.room.blocked(now, r.DueAt.Add(r.send.Gather))
	if r.FirstAt.IsZero() && !r.hastened {
		r.send.Held = max(0, r.DueAt.Sub(r.OwedAt))
	}
	r.sentAt, r.revision, r.repeat = now, q.revision, isRepeat(r.Class)
	q.window.depart(r, flying)
	if r.repeat {
		q.repeats++
	}
	if q.circuit.open {
		q.circuit.probing = r.N
	}
	return r.send
}

func (q *Queue) trigger(r *row) domain.Trigger {
	switch {
	case r.hastened:
		return domain.TriggerManual
	case q.circuit.open:
		return domain.TriggerProbe
	case r.Attempts > 0:
		return domain.TriggerRetry
	case r.Replay:
		return domain.TriggerReplay
	}
	return domain.TriggerFirst
}

// Due goes on when something is due, or a pause is over.
func (q *Queue) Due(now time.Time) []Step {
	if !now.Before(q.waking) {
		q.waking = time.Time{}
	}
	return q.next(now)
}
