package delivery

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// draft is a judgement with what it means to those who count.
type draft struct {
	judgement domain.Judgement
	verdicts  []Settled
}

func (d *draft) count(v Verdict, n int) {
	for i := range d.verdicts {
		if d.verdicts[i].Verdict == v {
			d.verdicts[i].N += n
			return
		}
	}
	d.verdicts = append(d.verdicts, Settled{v, n})
}

// try judges a batch. What was found out about it before may be an hour old, so the rules are tried again.
func (j *Judge) try(now time.Time, basis int64, batch []*sighting) []Step {
	if j.round++; j.round > maxRounds {
		return j.later(now)
	}
	for _, w := range batch {
		if w.turn != j.turn {
			j.rule(w)
		}
	}
	d, err := j.draft(now, basis, batch)
	if err != nil { // only an envelope that cannot be written; its neighbours should not wait
		return j.drop(now, batch[len(batch)-1].N, err)
	}
	j.trying = d
	return []Step{Decide{d.judgement}}
}

// draft says what should become of a batch, as far as this activation knows its lead. With a first match in it,
// what comes after that is left for later: it is an update.
func (j *Judge) draft(now time.Time, basis int64, batch []*sighting) (*draft, error) {
	first := -1
	if !j.met() {
		first = slices.IndexFunc(batch, func(w *sighting) bool { return w.ruled == passes })
	}
	if first >= 0 {
		batch = batch[:first+1]
	}
	d := &draft{judgement: domain.Judgement{
		Fence: j.fence, Lead: j.key, Basis: basis, Expect: j.expect(), After: j.after(batch), Unmet: !slices.ContainsFunc(batch, memorable),
	}}
	for _, w := range batch {
		d.judgement.Settle = append(d.judgement.Settle, w.N)
		if w.ruled != passes {
			d.count(w.ruled, 1)
		}
	}
	if first >= 0 {
		return d, j.announceFirst(now, d, batch[first])
	}
	return d, j.announceUpdates(now, d, batch)
}

func (j *Judge) expect() int64 {
	if j.known == nil {
		return 0 // if there is one after all, the store answers Stale and shows it
	}
	return j.known.Revision
}

// after is the acquaintance with a batch of sightings, not announced yet. Of those who are suppressed it learns
// nothing that the lead's id does not say.
func (j *Judge) after(batch []*sighting) domain.Acquaintance {
	a := domain.Acquaintance{Account: j.key.Account, Lead: j.key.Lead}
	if j.known != nil && j.known.Revision > 0 {
		a = *j.known
		a.Recent = slices.Clone(a.Recent)
	}
	for _, w := range batch {
		a.Sightings++
		a.EventSeq = max(a.EventSeq, w.EventSeq)
		if w.ReceivedAt.After(a.LastAt) {
			a.LastAt = w.ReceivedAt
		}
		if memorable(w) {
			a.Person, a.Company = w.Person, w.Company
		}
	}
	return a
}

// memorable says whether a sighting may be remembered. A batch without one leaves no trace: the id of its lead
// alone would say who it was.
func memorable(w *sighting) bool { return w.ruled != Suppressed && w.ruled != NoPixel }

// announceFirst adds the first match, and the visitor's way into the pixel's campaign.
func (j *Judge) announceFirst(now time.Time, d *draft, w *sighting) error {
	a := &d.judgement.After
	a.FirstAt = now.UTC().Round(0)
	id, err := j.announce(now, d, domain.VisitorIdentifiedEvent, &w.Sighting, 1)
	if err != nil {
		return err
	}
	a.FirstID = id
	d.count(First, 1)
	d.judgement.Enter = j.entry(w.pixel, &w.Sighting)
	return nil
}

// announceUpdates adds one update for each pixel that has any, about its newest sighting, in the order of these.
func (j *Judge) announceUpdates(now time.Time, d *draft, batch []*sighting) error {
	counts, newest := map[domain.PixelID]int{}, []*sighting(nil)
	for _, w := range slices.Backward(batch) {
		if w.ruled != passes {
			continue
		}
		if counts[w.Pixel]++; counts[w.Pixel] == 1 {
			newest = append(newest, w)
		}
	}
	for _, w := range slices.Backward(newest) {
		rules := &w.pixel.Announce
		switch n := counts[w.Pixel]; {
		case rules.FirstOnly:
			d.count(FirstOnly, n)
		case !allowed(rules.Frequency, d.judgement.After.Recent, now):
			d.count(TooOften, n)
		default:
			d.count(Update, n)
			if _, err := j.announce(now, d, domain.VisitorUpdatedEvent, &w.Sighting, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce adds one announcement and counts it. Its id follows from the sighting, which is settled once.
func (j *Judge) announce(now time.Time, d *draft, t domain.AnnouncementType, s *domain.Sighting, sightings int) (domain.EventID, error) {
	a := &d.judgement.After
	a.Announced++
	a.Recent = append(a.Recent, now.UTC().Round(0))
	a.Recent = a.Recent[max(0, len(a.Recent)-MaxRecent):]
	e := j.envelope(s)
	e.ID = announcementID(s.Account, s.Lead, t, string(s.EventID), strconv.FormatInt(s.N, 10))
	e.Type, e.CreatedAt, e.Sightings = t, stamp(now), sightings
	e.Event.Trigger, e.Event.Count = EveryUpdate, a.Announced
	if t == domain.VisitorIdentifiedEvent {
		e.Event.Trigger = FirstMatch
	}
	e.Lead.FirstIdentifiedAt = stamp(a.FirstAt)
	payload, err := e.JSON()
	if err != nil {
		return "", err
	}
	d.judgement.Announce = append(d.judgement.Announce, domain.Announcement{
		ID: e.ID, Account: s.Account, Type: t, Lead: s.Lead, Pixel: s.Pixel, Payload: payload, At: now.UTC().Round(0),
		Owed: j.deps.Owing.of(s.Account, t, s.Pixel),
	})
	return e.ID, nil
}

// Judged takes the store's answer to Decide. An answer to somebody else's, an earlier incarnation's of this lead,
// says nothing about the judgement that is being made now.
func (j *Judge) Judged(now time.Time, d domain.Judgement, r domain.Judged, err error) []Step {
	if j.gone || j.trying == nil || !j.resume.IsZero() || !slices.Equal(j.trying.judgement.Settle, d.Settle) {
		return nil
	}
	if err != nil {
		return j.unjudged(now, d, err)
	}
	done := j.trying
	j.trying = nil
	switch r.Outcome {
	case domain.Stale:
		j.know(r.Acquaintance)
		return j.next(now)
	case domain.Outdated:
		j.asking = true
		return []Step{Refresh{}}
	case domain.AlreadyDecided:
		j.known = nil // whoever settled it changed the acquaintance
		if len(d.Settle) == 1 {
			j.forget(d.Settle)
		} else { // which of them it is about is not said
			j.part(d.Settle)
		}
		j.settled()
		return j.next(now)
	}
	if !d.Unmet {
		j.know(r.Acquaintance)
	}
	j.forget(d.Settle)
	j.settled()
	return append(done.report(r), j.next(now)...)
}

// report tells what a committed judgement did.
func (d *draft) report(r domain.Judged) []Step {
	var steps []Step
	for _, v := range d.verdicts {
		steps = append(steps, v)
	}
	if len(r.Announced) > 0 {
		steps = append(steps, Announced{r.Announced})
	}
	if d.judgement.Enter != nil {
		steps = append(steps, Enter{*d.judgement.Enter})
	}
	return steps
}

func (j *Judge) unjudged(now time.Time, d domain.Judgement, err error) []Step {
	switch domain.CodeOf(err) {
	case domain.Fenced:
		*j = Judge{key: j.key, fence: j.fence, deps: j.deps, gone: true}
		return []Step{Abandon{}}
	case domain.Invalid: // trying again cannot help
		j.trying = nil
		if len(d.Settle) == 1 {
			return j.drop(now, d.Settle[0], err)
		}
		j.part(d.Settle)
		return j.next(now)
	default: // perhaps it was carried out: the same again finds out
		return j.later(now)
	}
}

// drop gives up on a sighting. It is not remembered: recovery may bring it again.
func (j *Judge) drop(now time.Time, n int64, err error) []Step {
	j.waiting = slices.DeleteFunc(j.waiting, func(w *sighting) bool { return w.N == n })
	j.settled()
	return append([]Step{Dropped{n, err}}, j.next(now)...)
}

// part has sightings judged one by one.
func (j *Judge) part(settle []int64) {
	for _, w := range j.waiting {
		w.alone = w.alone || slices.Contains(settle, w.N)
	}
}

// forget lets go of sightings that are settled.
func (j *Judge) forget(settle []int64) {
	j.waiting = slices.DeleteFunc(j.waiting, func(w *sighting) bool { return slices.Contains(settle, w.N) })
	j.remembered = append(j.remembered, settle...)
	j.remembered = slices.Clone(j.remembered[max(0, len(j.remembered)-maxRemembered):])
}

// know remembers the acquaintance as the store has shown it.
func (j *Judge) know(a domain.Acquaintance) { j.known = &a }

// settled starts over with rounds and pauses.
func (j *Judge) settled() { j.round, j.pause = 0, firstPause }

// entry is the visitor's way into the pixel's campaign, at its first match and only then: who is routed stays with
// its buyer. Companies and leads of the account's own CRM, which have their campaign, do not enter.
func (j *Judge) entry(pixel *domain.Pixel, s *domain.Sighting) *domain.Pending {
	if pixel.Campaign == "" || s.Person == "" || s.Person == domain.PersonOfLead(s.Lead) {
		return nil
	}
	return &domain.Pending{Seq: s.EventSeq, Event: domain.Event{
		Account: s.Account, Source: domain.PixelSource, ID: s.EventID,
		Type: string(domain.VisitorIdentifiedEvent), Effect: domain.Open,
		Lead: s.Lead, Campaign: pixel.Campaign, Contact: json.RawMessage(j.contactOf(s).JSON()),
		OccurredAt: s.OccurredAt, ReceivedAt: s.ReceivedAt,
	}}
}
