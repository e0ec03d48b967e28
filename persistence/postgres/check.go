package postgres

import (
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/persistence/check"
)

func checkDecision(op string, d *domain.Decision) error {
	ofAssigning := check.Optional
	if d.Verb == domain.Assign {
		ofAssigning = check.Given
	}
	if err := check.Texts(op, check.Given("account", string(d.Lead.Account)), check.Given("lead", string(d.Lead.Lead)),
		check.Optional("source", string(d.Source)), check.Optional("event_id", string(d.EventID)), check.Optional("campaign", string(d.Campaign)),
		ofAssigning("buyer", string(d.Buyer)), ofAssigning("day", d.Day)); err != nil {
		return err
	}
	switch d.Verb {
	case domain.Assign:
	case domain.Update:
		if d.Expect == 0 {
			return domain.FailField(op, "expect", "an update needs a lead")
		}
	case domain.Ignore:
	case domain.Hold:
		if d.Expect != 0 {
			return domain.FailField(op, "expect", "must be 0: there is no lead yet")
		}
	default:
		return domain.FailField(op, "verb", "must be assign, update, hold or ignore")
	}
	if err := check.JSON(op, "contact", d.Contact); err != nil {
		return err
	}
	if err := check.JSON(op, "trace", d.Trace); err != nil {
		return err
	}
	return checkAnnouncements(op, d.Announce)
}
