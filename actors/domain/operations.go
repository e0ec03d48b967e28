package domain

// What is said of an account's endpoints themselves, to its operations endpoint and to no other.
const (
	EndpointFailingEvent   AnnouncementType = "endpoint.failing"   // it has begun to fail, or is nearer to being disabled for it
	EndpointRecoveredEvent AnnouncementType = "endpoint.recovered" // the first success after that
	EndpointDisabledEvent  AnnouncementType = "endpoint.disabled"  // nothing is sent to it until somebody enables it
	DeliveryExhaustedEvent AnnouncementType = "delivery.exhausted" // one was given up
)

// OperationalTypes lists these.
func OperationalTypes() []AnnouncementType {
	return []AnnouncementType{EndpointFailingEvent, EndpointRecoveredEvent, EndpointDisabledEvent, DeliveryExhaustedEvent}
}

// Operational says whether it is about an endpoint, and not about a person.
func (t AnnouncementType) Operational() bool {
	return contains(OperationalTypes(), t)
}

// Sends says whether an announcement goes to one of the account's endpoints. The operations endpoint gets all that is
// operational, and of the rest only what its Events list: who is woken at night does not want every lead as well.
func (a *Account) Sends(e *Endpoint, t AnnouncementType, pixel PixelID) bool {
	operations := e.ID == a.Operations
	if t.Operational() || operations && len(e.Events) == 0 {
		return operations && t.Operational()
	}
	return e.Wants(t, pixel)
}

// LeadOfEndpoint stands for the lead in announcements about an endpoint: they arrive in order, like those of a person.
func LeadOfEndpoint(e EndpointID) LeadID { return LeadID("endpoint-" + string(e)) }

// Told is what was announced last of an endpoint's condition: that it is well, that it fails, how much of its
// DisableAfter is over (a rung of the Ladder), or that it is disabled.
type Told int16

const (
	ToldWell     Told = 0
	ToldFailing  Told = 1
	ToldDisabled Told = 100
)

// Ladder lists how much of DisableAfter is over, in percent, when it is said again that an endpoint fails.
func Ladder() []Told { return []Told{50, 70, 90} }

// Telling moves EndpointState.Told, along with the announcement that says so. None does when they are equal.
type Telling struct{ From, To Told }
