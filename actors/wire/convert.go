package wire

import (
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// FromEvent is e as it travels. Slices are shared with e, which must not be changed afterwards.
func FromEvent(e domain.Event) *Event {
	return &Event{
		Account: string(e.Account), Source: string(e.Source), Id: string(e.ID), WeakId: e.WeakID,
		Type: e.Type, Effect: string(e.Effect), Lead: string(e.Lead), Campaign: string(e.Campaign),
		Contact: e.Contact, Body: e.Body,
		OccurredAt: nanos(e.OccurredAt), ReceivedAt: nanos(e.ReceivedAt),
	}
}

// Domain is the event as the core knows it.
func (m *Event) Domain() domain.Event {
	return domain.Event{
		Account: domain.AccountID(m.GetAccount()), Source: domain.SourceID(m.GetSource()), ID: domain.EventID(m.GetId()),
		WeakID: m.GetWeakId(), Type: m.GetType(), Effect: domain.Effect(m.GetEffect()), Lead: domain.LeadID(m.GetLead()),
		Campaign: domain.CampaignID(m.GetCampaign()), Contact: m.GetContact(), Body: m.GetBody(),
		OccurredAt: instant(m.GetOccurredAt()), ReceivedAt: instant(m.GetReceivedAt()),
	}
}

// FromPending is p as it travels.
func FromPending(p domain.Pending) *Pending {
	return &Pending{Seq: p.Seq, Held: p.Held, Event: FromEvent(p.Event)}
}

// Domain is the pending event as the core knows it.
func (m *Pending) Domain() domain.Pending {
	return domain.Pending{Seq: m.GetSeq(), Held: m.GetHeld(), Event: m.GetEvent().Domain()}
}

// FromFeedEvent is e as it travels.
func FromFeedEvent(e domain.FeedEvent) *FeedEvent {
	return &FeedEvent{
		Account: string(e.Account), Buyer: string(e.Buyer), Seq: int64(e.Seq), Type: string(e.Type),
		Lead: string(e.Lead), Campaign: string(e.Campaign), Source: string(e.Source), EventId: string(e.EventID),
		Contact:    e.Contact,
		ReceivedAt: nanos(e.ReceivedAt), DecidedAt: nanos(e.DecidedAt), CommittedAt: nanos(e.CommittedAt),
	}
}

// Domain is the feed event as the core knows it.
func (m *FeedEvent) Domain() domain.FeedEvent {
	return domain.FeedEvent{
		Account: domain.AccountID(m.GetAccount()), Buyer: domain.BuyerID(m.GetBuyer()), Seq: domain.Seq(m.GetSeq()),
		Type: domain.FeedType(m.GetType()), Lead: domain.LeadID(m.GetLead()), Campaign: domain.CampaignID(m.GetCampaign()),
		Source: domain.SourceID(m.GetSource()), EventID: domain.EventID(m.GetEventId()), Contact: m.GetContact(),
		ReceivedAt: instant(m.GetReceivedAt()), DecidedAt: instant(m.GetDecidedAt()), CommittedAt: instant(m.GetCommittedAt()),
	}
}

// nanos and instant are how times travel: nanoseconds since 1970 UTC, 0 for none.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
