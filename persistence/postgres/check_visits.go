package postgres

import (
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

// maxValue is the longest value of a key in bytes: advertisers' click ids have a few hundred, and an index row
// takes 2,700.
const maxValue = 1024

func checkObservation(op string, o *domain.Observation) error {
	v := &o.Visit
	if err := check.Texts(op, check.Given("account", string(v.Account)), check.Given("visitor", string(v.Visitor)), check.Optional("person", string(v.Person))); err != nil {
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
		if err := check.Texts(op, check.Given("id", string(h.ID)), check.Given("type", string(h.Type))); err != nil {
			return err
		}
	}
	for i := range o.Owed {
		s := &o.Owed[i]
		if s.Account != v.Account {
			return domain.FailField(op, "owed", "must be of the visit's account")
		}
		if err := check.Texts(op, check.Given("lead", string(s.Lead))); err != nil {
			return err
		}
	}
	return checkLinks(op, o.Learn)
}

func checkJudgement(op string, j *domain.Judgement) error {
	if err := check.Texts(op, check.Given("account", string(j.Lead.Account)), check.Given("lead", string(j.Lead.Lead))); err != nil {
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
		if err := check.Event(op, &j.Enter.Event); err != nil {
			return err
		}
	}
	return checkAnnouncements(op, j.Announce)
}

func checkAnnouncements(op string, all []domain.Announcement) error {
	for i := range all {
		a := &all[i]
		if err := check.Texts(op, check.Given("account", string(a.Account)), check.Given("id", string(a.ID)), check.Given("type", string(a.Type)),
			check.Optional("lead", string(a.Lead)), check.Optional("pixel", string(a.Pixel))); err != nil {
			return err
		}
		if err := check.JSON(op, "payload", a.Payload); err != nil {
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
		if err := check.Texts(op, check.Given("account", string(l.Account)), check.Given("kind", string(l.Key.Kind)), check.Given("person", string(l.Person)),
			check.Optional("from", l.From)); err != nil {
			return err
		}
		if err := check.TextsUpTo(op, maxValue, check.Given("value", l.Key.Value)); err != nil {
			return err
		}
	}
	return nil
}
