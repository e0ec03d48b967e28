package domain

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// RoundRobin gives leads to a campaign's buyers in turn. It is the one routing method so far.
const RoundRobin = "round_robin"

// Validate answers with every fault of the catalog at once, so that an operator mends a file in one
// go: an errors.Join of Invalid errors, each with the path of its field and the rule it broke. source
// checks what only the verifiers know of a source (its kind, its keys); nil skips that.
func (c Catalog) Validate(source func(Source) error) error {
	k := &catalogCheck{sources: unique{}, pixels: unique{}, places: map[locationKey]string{}}
	k.graph(c.Graph)
	k.suppressions("suppress", c.Suppress, nil)
	for i, s := range c.Sources {
		k.source(fmt.Sprintf("sources[%d]", i), s, source)
	}
	accounts := unique{}
	for i, a := range c.Accounts {
		path := fmt.Sprintf("accounts[%d]", i)
		k.id(path+".id", string(a.ID), accounts)
		k.account(path, a)
	}
	return errors.Join(k.faults...)
}

// catalogCheck gathers faults, and what is unique across accounts.
type catalogCheck struct {
	faults  []error
	sources unique
	pixels  unique
	places  map[locationKey]string // to the path of the location that has it already
}

// unique holds the ids that were there already.
type unique map[string]bool

func (k *catalogCheck) fault(field, rule string, args ...any) {
	k.faults = append(k.faults, FailField("validate catalog", field, fmt.Sprintf(rule, args...)))
}

// id checks an id and that it is not among seen, to which it is added.
func (k *catalogCheck) id(field, id string, seen unique) {
	switch {
	case !CheckID(id):
		k.fault(field, "%q must be 1 to 64 of a-z A-Z 0-9 . _ -", id)
	case seen[id]:
		k.fault(field, "%q is there twice", id)
	}
	seen[id] = true
}

func (k *catalogCheck) source(path string, s Source, more func(Source) error) {
	k.id(path+".id", string(s.ID), k.sources)
	if s.Kind == "" {
		k.fault(path+".kind", "must be given")
	}
	if s.MaxBody < 0 || s.MaxBody > MaxSourceBody {
		k.fault(path+".max_body", "%d must be from 0 (the default) to %d", s.MaxBody, MaxSourceBody)
	}
	if len(s.LegacyKeys) > 0 && !s.Legacy {
		k.fault(path+".legacy_keys", "are of no use while legacy is off")
	}
	if more == nil || s.Kind == "" {
		return
	}
	if err := more(s); err != nil {
		k.faults = append(k.faults, under(path, err))
	}
}

// under puts a fault that was found inside of something at the path of that thing.
func under(path string, err error) error {
	fault := &Error{Op: "validate catalog", Code: Invalid, Field: path, Err: err}
	var inner *Error
	if errors.As(err, &inner) && inner.Field != "" {
		fault.Field, fault.Err = path+"."+inner.Field, inner.Err
	}
	return fault
}

func (k *catalogCheck) account(path string, a Account) {
	buyers, campaigns := unique{}, unique{}
	for i, b := range a.Buyers {
		k.buyer(fmt.Sprintf("%s.buyers[%d]", path, i), b, buyers)
	}
	for i, c := range a.Campaigns {
		k.campaign(fmt.Sprintf("%s.campaigns[%d]", path, i), c, campaigns, buyers)
	}
	for i, l := range a.Locations {
		k.location(fmt.Sprintf("%s.locations[%d]", path, i), l, campaigns)
	}
	k.pixelParts(path, a, campaigns)
}

func (k *catalogCheck) buyer(path string, b Buyer, seen unique) {
	k.id(path+".id", string(b.ID), seen)
	if b.DailyCap < 0 {
		k.fault(path+".daily_cap", "%d must be 0 (no cap) or more", b.DailyCap)
	}
	// "Local" loads, and is another zone on every machine.
	if _, err := time.LoadLocation(b.Timezone); err != nil || b.Timezone == "Local" {
		k.fault(path+".timezone", "%q must be an IANA time zone, as \"Europe/Berlin\"", b.Timezone)
	}
	tokens := unique{}
	for i, t := range b.Tokens {
		field := fmt.Sprintf("%s.tokens[%d]", path, i)
		k.id(field+".id", t.ID, tokens)
		if t.ExpiresAt.IsZero() {
			k.fault(field+".expires_at", "must be given: a token without an end cannot be forgotten")
		}
	}
}

func (k *catalogCheck) campaign(path string, c Campaign, seen, buyers unique) {
	k.id(path+".id", string(c.ID), seen)
	if c.Method != RoundRobin {
		k.fault(path+".method", "%q must be one of: %s", c.Method, RoundRobin)
	}
	for i, b := range c.Buyers {
		field := fmt.Sprintf("%s.buyers[%d]", path, i)
		switch {
		case !buyers[string(b)]:
			k.fault(field, "%q is not a buyer of this account", b)
		case slices.Index(c.Buyers, b) < i:
			k.fault(field, "%q is there twice", b)
		}
	}
}

// location checks that a source's location leads to one account only: whose lead it is must never
// depend on which account was read first.
func (k *catalogCheck) location(path string, l Location, campaigns unique) {
	if !CheckForeignID(l.ID) {
		k.fault(path+".id", "%q must be 1 to %d of a-z A-Z 0-9 . _ -", l.ID, MaxForeignID)
	}
	if !k.sources[string(l.Source)] {
		k.fault(path+".source", "%q is not one of the sources", l.Source)
	}
	if !campaigns[string(l.Campaign)] {
		k.fault(path+".campaign", "%q is not a campaign of this account", l.Campaign)
	}
	key := locationKey{l.Source, l.ID}
	if other, taken := k.places[key]; taken {
		k.fault(path+".id", "%q of source %q is taken by %s", l.ID, l.Source, other)
		return
	}
	k.places[key] = path
}
