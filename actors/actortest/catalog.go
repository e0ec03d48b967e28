package actortest

import "github.com/leadwire/leadwire/actors/domain"

// Catalog is an account "acme" with one campaign "solar" and these buyers, who have no cap.
func Catalog(buyers ...domain.BuyerID) domain.Catalog {
	a := domain.Account{ID: "acme", Name: "Acme", Locations: []domain.Location{{ID: "loc-1", Source: "ghl", Campaign: "solar"}},
		Campaigns: []domain.Campaign{{ID: "solar", Method: "round_robin", Buyers: buyers}}}
	for _, id := range buyers {
		a.Buyers = append(a.Buyers, domain.Buyer{ID: id})
	}
	return domain.Catalog{Sources: []domain.Source{{ID: "ghl", Kind: "ghl"}}, Accounts: []domain.Account{a}}
}

// Contact is an event that opens or changes a lead of "acme".
func Contact(event domain.EventID, lead domain.LeadID) domain.Event {
	return domain.Event{Account: "acme", Source: "ghl", ID: event, Type: "ContactCreate", Effect: domain.Open, Lead: lead,
		Campaign: "solar", Contact: []byte(`{"name":"` + string(lead) + `"}`), Body: []byte(`{}`)}
}
