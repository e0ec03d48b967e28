package domain

// TestEvent is the type of an event that somebody sends an endpoint to see whether it takes events. It is about nobody: no
// reader of announcements is shown it, no replay finds it, and no figure counts it.
const TestEvent AnnouncementType = "endpoint.test"

// Tested is what came of a test event.
type Tested struct {
	Sent
	// Delivery is the N under which its receipt is kept; 0: it is not, as far as is known, and Unkept says why.
	Delivery int64
	Unkept   error
}

// CheckTest says whether KeepTest may be given an announcement and the receipt of its attempt.
func CheckTest(op string, a *Announcement, r *Receipt) error {
	switch {
	case a.Type != TestEvent:
		return FailField(op, "announce.type", "must be "+string(TestEvent))
	case len(a.Owed) != 1:
		return FailField(op, "announce.owed", "must be one endpoint")
	case r.Trigger != TriggerTest:
		return FailField(op, "receipt.trigger", "must be "+string(TriggerTest))
	case r.Number != 1:
		return FailField(op, "receipt.number", "must be 1: a test is sent once")
	}
	return nil
}

// TestState is how the delivery of a test has ended.
func TestState(r *Receipt) DeliveryState {
	if r.Error == "" {
		return DeliveryDelivered
	}
	return DeliveryExhausted
}
