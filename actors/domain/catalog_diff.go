package domain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Op is what happens to one thing of a catalog.
type Op string

const (
	Add    Op = "+"
	Remove Op = "-"
	Alter  Op = "~"
)

// Change is one difference between two catalogs. An added or removed thing is one Change, and one for
// each thing inside it; an altered one is a Change per field.
type Change struct {
	Op Op `json:"op"`
	// Entity says which thing, from the outside in: "account acme / buyer ada / token phone".
	Entity string `json:"entity"`
	Field  string `json:"field,omitempty"` // of Alter
	From   string `json:"from,omitempty"`  // JSON; empty: was not set
	To     string `json:"to,omitempty"`    // JSON; for Add all the fields: "daily_cap=10 name=\"Ada\""
}

// String is a line of a diff: "~ account acme / buyer ada: daily_cap 10 -> 20".
func (c Change) String() string {
	switch {
	case c.Op == Alter:
		return fmt.Sprintf("%s %s: %s %s -> %s", c.Op, c.Entity, c.Field, orUnset(c.From), orUnset(c.To))
	case c.To != "":
		return fmt.Sprintf("%s %s: %s", c.Op, c.Entity, c.To)
	default:
		return fmt.Sprintf("%s %s", c.Op, c.Entity)
	}
}

func orUnset(v string) string {
	if v == "" {
		return "(unset)"
	}
	return v
}

// Diff lists what has to change in c to become next, by entity and field; empty when they say the
// same. The order of entities does not matter, the order of a campaign's buyers (their turns) does.
func (c Catalog) Diff(next Catalog) []Change {
	from, to := c.flatten(), next.flatten()
	names := map[string]bool{}
	for name := range from {
		names[name] = true
	}
	for name := range to {
		names[name] = true
	}
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, had := from[name]
		is, has := to[name]
		switch {
		case !had:
			changes = append(changes, Change{Op: Add, Entity: name, To: is.String()})
		case !has:
			changes = append(changes, Change{Op: Remove, Entity: name})
		default:
			changes = append(changes, was.alter(name, is)...)
		}
	}
	return changes
}

// fields of one thing, as JSON by their names; those that are not set are left out.
type fields map[string]string

func (f fields) String() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(f)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + "=" + f[name])
	}
	return b.String()
}

func (f fields) alter(entity string, to fields) []Change {
	names := maps.Clone(f)
	maps.Copy(names, to)
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if f[name] != to[name] {
			changes = append(changes, Change{Op: Alter, Entity: entity, Field: name, From: f[name], To: to[name]})
		}
	}
	return changes
}

// flatten gives every thing of the catalog a name and its fields. The names sort an account before
// what is in it.
func (c Catalog) flatten() map[string]fields {
	all := map[string]fields{}
	if c.Graph != "" {
		all["graph"] = fields{}.with("path", c.Graph)
	}
	flattenSuppressions(all, "", c.Suppress)
	for _, s := range c.Sources {
		all["source "+string(s.ID)] = fields{}.
			with("kind", s.Kind).with("public_keys", s.PublicKeys).with("legacy", s.Legacy).
			with("legacy_keys", s.LegacyKeys).with("max_body", s.MaxBody)
	}
	for _, a := range c.Accounts {
		name := "account " + string(a.ID)
		all[name] = fields{}.with("name", a.Name).with("announce", a.Announce).with("operations", a.Operations)
		a.flattenInto(all, name)
	}
	return all
}

func (a Account) flattenInto(all map[string]fields, name string) {
	for _, l := range a.Locations {
		all[name+" / location "+string(l.Source)+"/"+l.ID] = fields{}.with("campaign", l.Campaign)
	}
	for _, c := range a.Campaigns {
		all[name+" / campaign "+string(c.ID)] = fields{}.
			with("name", c.Name).with("method", c.Method).with("buyers", c.Buyers)
	}
	for _, b := range a.Buyers {
		buyer := name + " / buyer " + string(b.ID)
		all[buyer] = fields{}.with("name", b.Name).with("paused", b.Paused).
			with("daily_cap", b.DailyCap).with("timezone", b.Timezone)
		for _, t := range b.Tokens {
			all[buyer+" / token "+t.ID] = fields{}.with("expires_at", t.ExpiresAt.UTC())
		}
	}
	for _, p := range a.Pixels {
		all[name+" / pixel "+string(p.ID)] = p.flatten()
	}
	flattenSuppressions(all, name+" / ", a.Suppress)
	for _, s := range a.Shapes {
		all[name+" / shape "+s.ID] = fields{}.with("preset", s.Preset).with("fields", s.Fields).with("omit", s.Omit)
	}
	for _, e := range a.Endpoints {
		all[name+" / endpoint "+string(e.ID)] = e.flatten()
	}
}

func (e Endpoint) flatten() fields {
	pauses := make([]string, len(e.Schedule))
	for i, p := range e.Schedule {
		pauses[i] = p.String()
	}
	return fields{}.
		with("name", e.Name).with("url", e.URL).with("events", e.Events).with("pixels", e.Pixels).with("shape", e.Shape).
		with("omit", e.Omit).with("tier", e.Tier).with("paused", e.Paused).with("headers", e.Headers).
		with("concurrency", e.Concurrency).with("rate", e.Rate).withDuration("timeout", e.Timeout).
		with("batch.count", e.Batch.Count).with("batch.bytes", e.Batch.Bytes).withDuration("batch.delay", e.Batch.Delay).
		with("schedule", pauses).withDuration("terminal", e.Terminal).withDuration("hold", e.Hold).
		withDuration("disable_after", e.DisableAfter)
}

func (p Pixel) flatten() fields {
	a := p.Announce
	return fields{}.
		with("name", p.Name).with("origins", p.Origins).with("paused", p.Paused).with("allow", p.Allow).with("deny", p.Deny).
		with("consent", p.Consent).withDuration("session_idle", p.SessionIdle).with("rate", p.Rate).
		with("rate_per_address", p.RatePerAddress).with("campaign", p.Campaign).
		with("announce.first_only", a.FirstOnly).with("announce.companies", a.Companies).with("announce.types", a.Types).
		with("announce.pages", a.Pages).withDuration("announce.min_duration", a.MinDuration).
		with("announce.frequency.max", a.Frequency.Max).withDuration("announce.frequency.per", a.Frequency.Per).
		with("announce.segments", a.Segments).withDuration("announce.coalesce", a.Coalesce)
}

// flattenSuppressions names each by its key, because it has no id. It is as it stands in the operator's own file.
func flattenSuppressions(all map[string]fields, within string, suppress []CatalogSuppression) {
	for _, s := range suppress {
		kind, value := s.Key()
		name := within + "suppress " + string(kind) + " " + value
		if s.Pixel != "" {
			name += " on pixel " + string(s.Pixel)
		}
		all[name] = fields{}.with("reason", s.Reason)
	}
}

// with adds a field, unless it is zero.
func (f fields) with(name string, value any) fields {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a diff is read at a terminal
	text := fmt.Sprint(value)
	if e.Encode(value) == nil { // fails for times beyond year 9999 only
		text = strings.TrimSpace(b.String())
	}
	switch text {
	case `""`, `0`, `false`, `null`, `[]`, `{}`:
	default:
		f[name] = text
	}
	return f
}

// withDuration adds one as an operator writes it, "30m0s".
func (f fields) withDuration(name string, d time.Duration) fields {
	if d == 0 {
		return f
	}
	return f.with(name, d.String())
}
