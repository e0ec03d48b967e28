package postgres

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxValue is the longest value of a key in bytes: advertisers' click ids have a few hundred, and an index row
// takes 2,700.
const maxValue = 1024

func checkObservation(op string, o *domain.Observation) error {
	v := &o.Visit
	if err := check(op, field{"account", string(v.Account), false}, field{"visitor", string(v.Visitor), false}, field{"person", string(v.Person), true}); err != nil {
		return err
	}
	if o.Expect < 0 {
		return domain.FailField(op, "expect", "must not be negative")
	}
	if len(o.Hits) > domain.MaxHits {
		return domain.FailField(op, "hits", fmt.Sprintf("must be at most %d", domain.MaxHits))
	}
	for i := range o.Hits {
		h := &o.Hits[i]
		if h.Account != v.Account || h.Visitor != v.Visitor {
			return domain.FailField(op, "hit", "must be of the visit's visitor")
		}
		if o.HitOf(h.ID) != i {
			return domain.FailField(op, "hits", "must not have an id twice")
		}
		if err := check(op, field{"id", string(h.ID), false}, field{"type", string(h.Type), false}); err != nil {
			return err
		}
	}
	for i := range o.Owed {
		s := &o.Owed[i]
		if s.Account != v.Account {
			return domain.FailField(op, "owed", "must be of the visit's account")
		}
		if err := check(op, field{"lead", string(s.Lead), false}); err != nil {
			return err
		}
	}
	return checkLinks(op, o.Learn)
}

func checkJudgement(op string, j *domain.Judgement) error {
	if err := check(op, field{"account", string(j.Lead.Account), false}, field{"lead", string(j.Lead.Lead), false}); err != nil {
		return err
	}
	if j.After.Key() != j.Lead {
		return domain.FailField(op, "after", "must be the lead's acquaintance")
	}
	if j.Expect < 0 {
		return domain.FailField(op, "expect", "must not be negative")
	}
	if j.Unmet && (len(j.Announce) > 0 || j.Enter != nil) {
		return domain.FailField(op, "unmet", "nobody that is not to be remembered can be announced")
	}
	if j.Enter != nil {
		if err := checkEvent(op, &j.Enter.Event); err != nil {
			return err
		}
	}
	return checkAnnouncements(op, j.Announce)
}

func checkAnnouncements(op string, all []domain.Announcement) error {
	for i := range all {
		a := &all[i]
		if err := check(op, field{"account", string(a.Account), false}, field{"id", string(a.ID), false}, field{"type", string(a.Type), false},
			field{"lead", string(a.Lead), true}, field{"pixel", string(a.Pixel), true}); err != nil {
			return err
		}
		if err := checkJSON(op, "payload", a.Payload); err != nil {
			return err
		}
		if err := checkOwed(op, a.Owed); err != nil {
			return err
		}
	}
	return nil
}

func checkLinks(op string, links []domain.Link) error {
	for i := range links {
		l := &links[i]
		if err := check(op, field{"account", string(l.Account), false}, field{"kind", string(l.Key.Kind), false}, field{"person", string(l.Person), false},
			field{"from", l.From, true}); err != nil {
			return err
		}
		if err := checkUpTo(op, maxValue, field{"value", l.Key.Value, false}); err != nil {
			return err
		}
	}
	return nil
}
