package ghl

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/leadwire/leadwire/httpedge/strictjson"
)

// Limits of what is taken into the row a buyer sees. Together they keep one event's share of a
// row at 54 KiB before JSON's escapes, so that a row stays a frame and never a file; the body in the store
// has what was cut.
const (
	maxText   = 512 // bytes of one field: no name or address is longer
	maxTags   = 64  // per contact
	maxTag    = 128 // bytes
	maxFields = 64  // custom fields per contact
	maxName   = 64  // bytes of a custom field's id; GHL's have 20
)

func nothing() json.RawMessage { return json.RawMessage(`{}`) }

// leadOf names the event's lead in d and returns what the event says of its contact.
func (s *Source) leadOf(r record, kind string, d *source.Draft) (json.RawMessage, error) {
	field := "id"
	if isOpportunity(kind) {
		field = "contactId"
	}
	id, err := word(field, r.data.Get(field))
	if err != nil {
		return nil, err
	}
	d.Lead = s.leadID(id)
	read := reader{from: r.data}
	switch {
	case kind == "OpportunityDelete":
		return nothing(), nil
	case isOpportunity(kind):
		read.opportunity()
	default:
		read.contact()
		if kind == "ContactDelete" {
			read.to.Status = "deleted"
		}
	}
	d.Cut = read.cut
	return read.to.JSON(), nil
}

// reader copies fields into a contact and counts what it cannot take whole.
type reader struct {
	from strictjson.Value
	to   domain.Contact
	cut  int
}

func (r *reader) contact() {
	c := &r.to
	c.FirstName, c.LastName, c.Name = r.text("firstName"), r.text("lastName"), r.text("name")
	c.Email, c.Phone, c.Company = r.text("email"), r.text("phone"), r.text("companyName")
	c.Address, c.City, c.State = r.text("address1"), r.text("city"), r.text("state")
	c.PostalCode, c.Country = r.text("postalCode"), r.text("country")
	c.Website, c.Channel = r.text("website"), r.text("source")
	c.Tags = r.tags()
	r.fields()
}

func (r *reader) opportunity() {
	r.to.Opportunity, r.to.Status, r.to.Channel = r.text("name"), r.text("status"), r.text("source")
	v := r.from.Get("monetaryValue")
	switch v.Kind() {
	case strictjson.Absent, strictjson.Null:
	case strictjson.Number, strictjson.String:
		n, err := strconv.ParseFloat(v.Text(), 64) // an error for what overflows, so never an infinity
		if err != nil || n-n != 0 {                // "NaN" and "Inf" parse too, from a string
			r.cut++
			return
		}
		r.to.Value = n
	default:
		r.cut++
	}
}

// text takes a field as text: a number as it is written, anything else but a string not at all.
func (r *reader) text(key string) string { return r.clean(r.from.Get(key), maxText) }

func (r *reader) clean(v strictjson.Value, most int) string {
	switch v.Kind() {
	case strictjson.String, strictjson.Number:
	case strictjson.Absent, strictjson.Null:
		return ""
	default:
		r.cut++
		return ""
	}
	text, whole := cut(strings.TrimSpace(v.Text()), most)
	if !whole {
		r.cut++
	}
	return text
}

// tags takes the full list; nil when the event has none, which leaves a lead's tags as they are.
func (r *reader) tags() []string {
	list := r.from.Get("tags")
	if list.Kind() != strictjson.Array {
		return nil
	}
	tags := make([]string, 0, 4)
	for v := range list.Children() {
		if len(tags) == maxTags {
			r.cut++
			break
		}
		if tag := r.clean(v, maxTag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}

// fields takes custom fields, [{"id":...,"value":...}]. A value that is no plain one is kept as its JSON.
func (r *reader) fields() {
	list := r.from.Get("customFields")
	if list.Kind() != strictjson.Array {
		return
	}
	for f := range list.Children() {
		if len(r.to.Fields) == maxFields {
			r.cut++
			return
		}
		id := r.clean(f.Get("id"), maxName)
		if id == "" {
			r.cut++
			continue
		}
		if r.to.Fields == nil {
			r.to.Fields = make(map[string]string, 8)
		}
		r.to.Fields[id] = r.fieldValue(f.Get("value"))
	}
}

func (r *reader) fieldValue(v strictjson.Value) string {
	if v.Kind() == strictjson.Null {
		return "" // emptied in the CRM
	}
	text, whole := cut(v.Text(), maxText)
	if !whole {
		r.cut++
	}
	return text
}

// cut shortens text to at most most bytes, at a character's boundary, and says whether it was whole. A NUL
// becomes U+FFFD: Postgres keeps none, and one field must not fail the batch it is stored with.
func cut(text string, most int) (short string, whole bool) {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	if len(text) <= most {
		return text, true
	}
	const more = "…"
	end := most - len(more)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more, false
}
