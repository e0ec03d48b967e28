package identity

import "github.com/leadwire/leadwire/actors/domain"

// LinksOfContact lists what a CRM's lead teaches. graph may be nil.
func LinksOfContact(account domain.AccountID, lead domain.LeadID, contact domain.Contact, clicks []domain.Click, graph Graph) []domain.Link {
	return nil
}
