package domain

import (
	"encoding/json"
	"maps"
	"slices"
)

// Contact is what is known of a lead's person: the row a buyer sees. Unknown fields are empty and
// left out of the JSON. Strings are UTF-8, at most what the source's parser allows.
type Contact struct {
	FirstName   string            `json:"first_name,omitempty"`
	LastName    string            `json:"last_name,omitempty"`
	Name        string            `json:"name,omitempty"`
	Email       string            `json:"email,omitempty"`
	Phone       string            `json:"phone,omitempty"` // E.164 where the source gives it
	Company     string            `json:"company,omitempty"`
	Address     string            `json:"address,omitempty"`
	City        string            `json:"city,omitempty"`
	State       string            `json:"state,omitempty"`
	PostalCode  string            `json:"postal_code,omitempty"`
	Country     string            `json:"country,omitempty"`
	Website     string            `json:"website,omitempty"`
	Channel     string            `json:"channel,omitempty"` // where the CRM says the lead came from
	Tags        []string          `json:"tags,omitzero"`     // the whole list; empty: the last was taken away; nil: not said
	Status      string            `json:"status,omitempty"`  // of the opportunity: "open", "won"; or "deleted"
	Opportunity string            `json:"opportunity,omitempty"`
	Value       float64           `json:"value,omitempty"`  // monetary value of the opportunity
	Fields      map[string]string `json:"fields,omitempty"` // the source's custom fields
}

// Merge returns c with every non-empty field of newer laid over it. Tags are replaced as a whole
// (a CRM sends the full list), custom fields one by one. Neither argument is changed.
func (c Contact) Merge(newer Contact) Contact {
	for _, f := range []struct{ to, from *string }{
		{&c.FirstName, &newer.FirstName}, {&c.LastName, &newer.LastName}, {&c.Name, &newer.Name},
		{&c.Email, &newer.Email}, {&c.Phone, &newer.Phone}, {&c.Company, &newer.Company},
		{&c.Address, &newer.Address}, {&c.City, &newer.City}, {&c.State, &newer.State},
		{&c.PostalCode, &newer.PostalCode}, {&c.Country, &newer.Country}, {&c.Website, &newer.Website},
		{&c.Channel, &newer.Channel}, {&c.Status, &newer.Status}, {&c.Opportunity, &newer.Opportunity},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	if newer.Value != 0 {
		c.Value = newer.Value
	}
	if newer.Tags != nil {
		c.Tags = slices.Clone(newer.Tags)
	}
	if len(newer.Fields) > 0 {
		merged := make(map[string]string, len(c.Fields)+len(newer.Fields))
		maps.Copy(merged, c.Fields)
		maps.Copy(merged, newer.Fields)
		c.Fields = merged
	}
	return c
}

// JSON is the stored and transmitted form.
func (c Contact) JSON() json.RawMessage {
	b, err := json.Marshal(c)
	if err != nil { // strings, numbers and a map of strings: only a NaN could fail, and no parser lets one in
		return json.RawMessage(`{}`)
	}
	return b
}

// ParseContact reads the stored form.
func ParseContact(b json.RawMessage) (Contact, error) {
	var c Contact
	if err := json.Unmarshal(b, &c); err != nil {
		return Contact{}, Fail("parse contact", Internal, err)
	}
	return c, nil
}
