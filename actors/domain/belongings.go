package domain

// Belongings is what an account keeps of somebody, as found by one key: an answer to "what do you know of me",
// and what an erasure takes away.
type Belongings struct {
	Persons  []PersonID  `json:"persons"` // whom the key names: the graph's, the account's own, a CRM's lead
	Records  []Person    `json:"records"` // what the graph says of them, unless they objected
	Keys     []Key       `json:"keys"`    // what they are found by
	Visitors []VisitorID `json:"visitors"`
	Leads    []LeadID    `json:"leads"`
	Links    int         `json:"links"` // learned ones
	// Suppressed is the rule that keeps the person from being identified; empty: none.
	Suppressed string `json:"suppressed,omitempty"`
}
