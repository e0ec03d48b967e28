package delivery

import (
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// LeadEvents are the announcements of a decision, for Decision.Announce: those of its types that the account lets
// out, and those that an endpoint wants. before is the lead as it stood, nil or of Revision 0 when there was none; e is the event that is decided.
//
//	a lead comes into being   lead.received, and lead.assigned when it has a buyer at once
//	a waiting one finds one   lead.assigned
//	its contact changes       lead.updated
func LeadEvents(out []domain.AnnouncementType, owing Owing, d domain.Decision, before *domain.Lead, e domain.Event) ([]domain.Announcement, error) {
	var types []domain.AnnouncementType
	switch {
	case d.Verb == domain.Hold:
		types = []domain.AnnouncementType{domain.LeadReceivedEvent}
	case d.Verb == domain.Assign && d.Expect == 0:
		types = []domain.AnnouncementType{domain.LeadReceivedEvent, domain.LeadAssignedEvent}
	case d.Verb == domain.Assign:
		types = []domain.AnnouncementType{domain.LeadAssignedEvent}
	case d.Verb == domain.Update:
		types = []domain.AnnouncementType{domain.LeadUpdatedEvent}
	}
	var all []domain.Announcement
	for _, t := range types {
		owed := owing.of(d.Lead.Account, t, "")
		if len(owed) == 0 && !slices.Contains(out, t) {
			continue
		}
		a, err := LeadEnvelope(t, d, before, e)
		if err != nil {
			return nil, err
		}
		a.Owed = owed
		all = append(all, a)
	}
	return all, nil
}

// LeadEnvelope is one announcement of a decision about a lead. Its id follows from the lead, the type and the event,
// which is decided once for each: made again after a lost answer it is the same.
func LeadEnvelope(t domain.AnnouncementType, d domain.Decision, before *domain.Lead, e domain.Event) (domain.Announcement, error) {
	envelope := Envelope{
		ID:   announcementID(d.Lead.Account, d.Lead.Lead, t, string(d.Source), string(d.EventID)),
		Type: t, Version: Version, Account: d.Lead.Account,
		OccurredAt: stamp(e.OccurredAt), CreatedAt: stamp(d.At),
		Event:   Event{ID: d.EventID, Source: d.Source, Type: e.Type},
		Lead:    leadOf(d, before),
		Contact: d.Contact,
	}
	if e.OccurredAt.IsZero() {
		envelope.OccurredAt = stamp(d.ReceivedAt)
	}
	payload, err := envelope.JSON()
	if err != nil {
		return domain.Announcement{}, err
	}
	return domain.Announcement{
		ID: envelope.ID, Account: d.Lead.Account, Type: t, Lead: d.Lead.Lead, Payload: payload, At: d.At,
	}, nil
}

// leadOf is the lead as the decision leaves it.
func leadOf(d domain.Decision, before *domain.Lead) Lead {
	l := Lead{ID: d.Lead.Lead, State: domain.Waiting, Revision: d.Expect + 1, Campaign: d.Campaign, ReceivedAt: stamp(d.ReceivedAt)}
	if before != nil && before.Revision > 0 {
		l.State, l.Buyer = before.State, before.Buyer
		l.ReceivedAt, l.AssignedAt = stamp(before.ReceivedAt), stamp(before.AssignedAt)
	}
	if d.Verb == domain.Assign {
		l.State, l.Buyer, l.AssignedAt = domain.Assigned, d.Buyer, stamp(d.At)
	}
	return l
}

// testLead is in the place of a lead in a test event.
const testLead domain.LeadID = "test"

// TestEnvelope is a test event for an endpoint, with a contact who does not exist.
func TestEnvelope(account domain.AccountID, id domain.EventID, now time.Time, to domain.Owed) (domain.Announcement, error) {
	e := Envelope{
		ID: id, Type: domain.TestEvent, Version: Version, Account: account, OccurredAt: stamp(now), CreatedAt: stamp(now),
		Event:   Event{ID: id, Source: ownSource, Type: "test"},
		Lead:    Lead{ID: testLead},
		Contact: domain.Contact{FirstName: "Test", LastName: "Lead", Email: "test@example.com"}.JSON(),
	}
	payload, err := e.JSON()
	if err != nil {
		return domain.Announcement{}, err
	}
	return domain.Announcement{
		ID: id, Account: account, Type: domain.TestEvent, Lead: testLead, Payload: payload, At: now.UTC(), Owed: []domain.Owed{to},
	}, nil
}
