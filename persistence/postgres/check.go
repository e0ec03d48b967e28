package postgres

import (
	"strings"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxText is the longest id or type in bytes: a foreign id behind the name of its source.
const maxText = domain.MaxForeignID + 64 + 1

// field is a value that goes into a text column.
type field struct {
	name, value string
	optional    bool
}

// check refuses what PostgreSQL does not take as text (NUL, bytes that are not UTF-8) or what would not
// fit an index row. It comes before an op joins a batch, so that one bad value costs its neighbours
// nothing.
func check(op string, fields ...field) error { return checkUpTo(op, maxText, fields...) }

func checkUpTo(op string, most int, fields ...field) error {
	for _, f := range fields {
		switch {
		case f.value == "" && !f.optional:
			return domain.FailField(op, f.name, "must not be empty")
		case len(f.value) > most:
			return domain.FailField(op, f.name, "is too long")
		case !utf8.ValidString(f.value) || strings.IndexByte(f.value, 0) >= 0:
			return domain.FailField(op, f.name, "must be UTF-8 without NUL")
		}
	}
	return nil
}

// checkJSON refuses JSON that could not go back out as UTF-8.
func checkJSON(op, name string, b []byte) error {
	if !utf8.Valid(b) {
		return domain.FailField(op, name, "must be UTF-8")
	}
	return nil
}

func checkEvent(op string, e *domain.Event) error {
	if err := check(op, field{"account", string(e.Account), false}, field{"source", string(e.Source), false}, field{"id", string(e.ID), false},
		field{"type", e.Type, true}, field{"effect", string(e.Effect), false}, field{"lead", string(e.Lead), e.Effect == domain.Record},
		field{"campaign", string(e.Campaign), true}); err != nil {
		return err
	}
	return checkJSON(op, "contact", e.Contact)
}

func checkDecision(op string, d *domain.Decision) error {
	assign := d.Verb == domain.Assign
	if err := check(op, field{"account", string(d.Lead.Account), false}, field{"lead", string(d.Lead.Lead), false},
		field{"source", string(d.Source), true}, field{"event_id", string(d.EventID), true}, field{"campaign", string(d.Campaign), true},
		field{"buyer", string(d.Buyer), !assign}, field{"day", d.Day, !assign}); err != nil {
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
	if err := checkJSON(op, "contact", d.Contact); err != nil {
		return err
	}
	if err := checkJSON(op, "trace", d.Trace); err != nil {
		return err
	}
	return checkAnnouncements(op, d.Announce)
}
