package delivery

import (
	"strconv"
	"strings"

	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
)

// Operations announces what happens to an account's endpoints to the one that its operators watch. It says nothing of
// that one itself, or each of its failures would owe it another event.
func Operations(account *domain.Account, owing Owing, o queue.Occurrence) *domain.Announcement {
	if account == nil || account.Operations == "" || account.Operations == o.Endpoint.Endpoint {
		return nil
	}
	owed := owing.of(account.ID, o.Type, "")
	if len(owed) == 0 {
		return nil
	}
	lead := lineOf(&o)
	e := Envelope{
		ID:   announcementID(account.ID, lead, o.Type, strconv.FormatInt(o.Delivery.N, 10), strconv.FormatInt(o.Delivery.Revision, 10)),
		Type: o.Type, Version: Version, Account: account.ID, OccurredAt: stamp(o.At), CreatedAt: stamp(o.At),
		Event:    Event{ID: o.Delivery.Event, Source: ownSource, Type: string(o.Delivery.Type)},
		Endpoint: endpointOf(account, &o), Delivery: deliveryOf(&o),
	}
	payload, err := e.JSON()
	if err != nil {
		return nil // it is texts and numbers
	}
	return &domain.Announcement{ID: e.ID, Account: account.ID, Type: o.Type, Lead: lead, Payload: payload, At: o.At.UTC().Round(0), Owed: owed}
}

// ownSource is the source of what nobody sent us.
const ownSource = "leadwire"

// lineOf is the line in which it arrives: what is said of an endpoint's condition in its order, and of deliveries that end
// beside each other. There may be a hundred thousand of these, and a recovery must not wait behind them.
func lineOf(o *queue.Occurrence) domain.LeadID {
	lead := domain.LeadOfEndpoint(o.Endpoint.Endpoint)
	if o.Type == domain.DeliveryExhaustedEvent {
		lead += domain.LeadID("-" + strconv.FormatInt(o.Delivery.N, 10))
	}
	return lead
}

// Endpoint is one of the account's endpoints, and how it does.
type Endpoint struct {
	ID           domain.EndpointID `json:"id"`
	Name         string            `json:"name,omitempty"`
	FailingSince Time              `json:"failing_since,omitempty"`
	DisablesAt   Time              `json:"disables_at,omitempty"`
	Percent      int               `json:"percent,omitempty"`
	Reason       string            `json:"reason,omitempty"`
	NextAt       Time              `json:"next_attempt_at,omitempty"`
	Pending      int               `json:"pending"`
}

func endpointOf(account *domain.Account, o *queue.Occurrence) *Endpoint {
	e := &Endpoint{
		ID: o.Endpoint.Endpoint, FailingSince: stamp(o.Since), Percent: int(o.Percent), Reason: legible(o.Reason), NextAt: stamp(o.NextAt), Pending: o.Pending,
	}
	for i := range account.Endpoints {
		if account.Endpoints[i].ID == e.ID {
			e.Name = account.Endpoints[i].Name
		}
	}
	if o.Type == domain.EndpointFailingEvent {
		e.DisablesAt = stamp(o.Since.Add(o.Patience))
	}
	return e
}

// Delivery is the one whose attempt, or whose end, is the occasion. Whom it is about is not said: operators need the
// number to look it up, and an alarm is read by more people than a lead is.
type Delivery struct {
	N        int64             `json:"n"`
	State    string            `json:"state"`
	Attempts int               `json:"attempts"`
	OwedAt   Time              `json:"owed_at,omitempty"`
	FirstAt  Time              `json:"first_attempt_at,omitempty"`
	Status   int               `json:"status,omitempty"`
	Error    domain.ErrorClass `json:"error,omitempty"`
	Reason   string            `json:"reason,omitempty"`
}

func deliveryOf(o *queue.Occurrence) *Delivery {
	d, r := &o.Delivery, &o.Receipt
	out := &Delivery{
		N: d.N, State: string(o.State), Attempts: max(d.Attempts, r.Number), OwedAt: stamp(d.OwedAt), FirstAt: stamp(d.FirstAt), Status: r.Status, Error: r.Error,
		Reason: legible(r.Reason),
	}
	if out.FirstAt == "" && r.Number > 0 {
		out.FirstAt = stamp(r.At)
	}
	return out
}

// legible is what a foreign server has said, as a text that every store and every receiver can keep.
func legible(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}
