package ghl

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// record is an event in either shape: the envelope has what every event has, the data what its type adds.
// In the flat shape both are the same object.
type record struct {
	envelope, data strictjson.Value
	nested         bool
}

func newRecord(root strictjson.Value) record {
	if data := root.Get("data"); data.Kind() == strictjson.Object {
		return record{root, data, true}
	}
	return record{root, root, false}
}

// common finds a field of the envelope, wherever it stands.
func (r record) common(key string) strictjson.Value {
	v := r.envelope.Get(key)
	if r.nested && v.Kind() == strictjson.Absent {
		return r.data.Get(key)
	}
	return v
}

// read turns a record into a draft.
func (s *Source) read(r record, body []byte) (source.Draft, error) {
	kind, err := word("type", r.common("type"))
	if err != nil {
		return source.Draft{}, err
	}
	if kind, err = typeName(kind); err != nil {
		return source.Draft{}, err
	}
	tenant, err := tenantOf(r)
	if err != nil {
		return source.Draft{}, err
	}
	d := source.Draft{Tenant: tenant, Event: domain.Event{
		Source: s.id, Type: kind, Effect: effectOf(kind), Body: body, OccurredAt: occurred(r),
	}}
	if d.ID, d.WeakID, err = eventID(r, kind, tenant, body); err != nil {
		return source.Draft{}, err
	}
	if d.Effect == domain.Record {
		d.Contact = nothing()
		return d, nil
	}
	contact, err := s.leadOf(r, kind, &d)
	if err != nil {
		return source.Draft{}, err
	}
	d.Contact = contact
	return d, nil
}

// tenantOf is the location, or for an agency's own events (INSTALL) the company.
func tenantOf(r record) (string, error) {
	tenant, err := optional("locationId", r.common("locationId"))
	if err != nil || tenant != "" {
		return tenant, err
	}
	if tenant, err = optional("companyId", r.common("companyId")); err != nil || tenant != "" {
		return tenant, err
	}
	return "", source.Refuse(op, "locationId", source.Required, "must say whose event it is")
}

// word is a needed text field.
func word(field string, v strictjson.Value) (string, error) {
	text, err := optional(field, v)
	if err == nil && text == "" {
		err = source.Refuse(op, field, source.Required, "must not be missing or empty")
	}
	return text, err
}

// optional is a text field that may be missing, empty or null, but not of another type: a number where an
// id was means that the format has changed, and guessing would file leads under the wrong key.
func optional(field string, v strictjson.Value) (string, error) {
	switch v.Kind() {
	case strictjson.String:
		return v.Text(), nil
	case strictjson.Absent, strictjson.Null:
		return "", nil
	default:
		return "", source.Refuse(op, field, source.Type, "must be a string, is "+v.Kind().String())
	}
}

// Times outside of these years are a sender's mistake, and some cannot be told in nanoseconds.
const minYear, maxYear = 2000, 2200

// occurred is the source's own time of the event, zero when it gives none that can be read. It is never a
// reason to refuse: a retry may be hours old.
func occurred(r record) time.Time {
	for _, key := range [...]string{"timestamp", "dateUpdated"} {
		v := r.common(key)
		if v.Kind() != strictjson.String {
			continue
		}
		if t, err := time.Parse(time.RFC3339, v.Text()); err == nil && t.Year() >= minYear && t.Year() < maxYear {
			return t.UTC()
		}
	}
	return time.Time{}
}
