// Package check refuses what no store can keep, before it joins a batch, so that one bad value costs its neighbours
// nothing. Both stores ask it, so that neither takes an id that the other would not. What depends on a store's own
// columns, as the range of a number, that store checks itself.
package check

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
)

// maxText is the longest id or type in bytes: a foreign id behind the name of its source.
const maxText = domain.MaxForeignID + 64 + 1

// Text is a field that goes into a text column.
type Text struct {
	field, value string
	optional     bool
}

// Given is a field that must not be empty.
func Given(field, value string) Text { return Text{field, value, false} }

// Optional is a field that may be empty.
func Optional(field, value string) Text { return Text{field, value, true} }

// Texts refuses what no store can keep as text: bytes that are not UTF-8; NUL, at which SQLite's own functions end a
// text and which PostgreSQL does not take at all; and what is longer than maxText, which would not fit an index row.
func Texts(op string, texts ...Text) error { return TextsUpTo(op, maxText, texts...) }

// TextsUpTo is Texts for what may be longer, or has to be shorter: most bytes.
func TextsUpTo(op string, most int, texts ...Text) error {
	for _, t := range texts {
		switch {
		case t.value == "" && !t.optional:
			return domain.FailField(op, t.field, "must not be empty")
		case len(t.value) > most:
			return domain.FailField(op, t.field, "is too long")
		case !clean(t.value):
			return domain.FailField(op, t.field, "must be UTF-8 without NUL")
		}
	}
	return nil
}

// clean is asked of some ten texts an operation. Nearly all of them are ASCII, so it looks at each byte once.
func clean(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
		if s[i] >= utf8.RuneSelf {
			return utf8.ValidString(s[i:]) && strings.IndexByte(s[i:], 0) < 0
		}
	}
	return true
}

// JSON refuses JSON that could not go back out as UTF-8.
func JSON(op, field string, b []byte) error {
	if !utf8.Valid(b) {
		return domain.FailField(op, field, "must be UTF-8")
	}
	return nil
}

// Legible is s as a text that every store can keep. It is for what a foreign server said: whatever that was, it has to
// be recorded.
func Legible(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

// Event refuses one that has not got what it needs.
func Event(op string, e *domain.Event) error {
	lead := Given
	if e.Effect == domain.Record {
		lead = Optional
	}
	if err := Texts(op,
		Given("account", string(e.Account)), Given("source", string(e.Source)), Given("id", string(e.ID)),
		Optional("type", e.Type), Given("effect", string(e.Effect)), lead("lead", string(e.Lead)), Optional("campaign", string(e.Campaign)),
	); err != nil {
		return err
	}
	return JSON(op, "contact", e.Contact)
}

// Secrets refuses what cannot be an endpoint's secrets: ids name them, so none is given twice.
func Secrets(op string, key domain.EndpointKey, secrets []domain.Secret) error {
	if err := Texts(op, Given("account", string(key.Account)), Given("endpoint", string(key.Endpoint))); err != nil {
		return err
	}
	for _, s := range secrets {
		if err := Texts(op, Given("secret.id", s.ID), Given("secret.kind", string(s.Kind))); err != nil {
			return err
		}
	}
	if ids := domain.SecretIDs(secrets); len(slices.Compact(ids)) != len(secrets) {
		return domain.FailField(op, "secret.id", "is given twice")
	}
	return nil
}

// Stats refuses a row of figures that no range would find.
func Stats(op string, r *domain.StatsRow) error {
	if err := Texts(op,
		Given("account", string(r.Account)), Optional("endpoint", string(r.Endpoint)), Optional("tier", string(r.Tier)), Given("writer", r.Writer),
	); err != nil {
		return err
	}
	return r.Check(op)
}
