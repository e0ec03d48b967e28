package identity

import "github.com/leadwire/leadwire/actors/domain"

// FromCRM is where a link came from that a CRM's lead taught; the other is FromIdentify.
const FromCRM = "crm"

// LinksOfContact lists what a CRM's lead teaches: its e-mail in every variant, its phone, and the clicks that
// brought it lead to whom the graph knows by the same e-mail or phone; if it knows nobody, to the lead itself.
// graph may be nil. At is the caller's to set, and so is it to ask whether the contact is suppressed.
func LinksOfContact(account domain.AccountID, lead domain.LeadID, contact domain.Contact, clicks []domain.Click, graph Graph) []domain.Link {
	phone, _ := PhoneHash(contact.Phone)
	keys := KeysOf("", HEMs(contact.Email), phone, clicks)
	if len(keys) == 0 {
		return nil
	}
	who := domain.PersonOfLead(lead)
	if graph != nil {
		// A click says which visit a lead came from, not who it is: somebody else may have shared the link.
		if found := findIn(graph, KeysOf("", HEMs(contact.Email), phone, nil)); found.person != "" {
			who = found.person
		}
	}
	links := make([]domain.Link, 0, len(keys))
	for _, k := range keys {
		links = append(links, domain.Link{Account: account, Key: k, Person: who, From: FromCRM})
	}
	return links
}
