package domain

import (
	"encoding/json"
	"time"
)

// FeedType is what a feed event announces.
type FeedType string

const (
	LeadAssigned FeedType = "lead.assigned"
	LeadUpdated  FeedType = "lead.updated"
)

// FeedEvent is one announcement in a buyer's feed.
type FeedEvent struct {
	Account    AccountID
	Buyer      BuyerID
	Seq        Seq
	Type       FeedType
	Lead       LeadID
	Campaign   CampaignID
	Source     SourceID
	EventID    EventID         // the inbound event that caused it
	Contact    json.RawMessage // the row: JSON of Contact after the change
	ReceivedAt time.Time       // of the inbound event, at the edge
	DecidedAt  time.Time       // Decision.At
	// CommittedAt is when the decision's commit was known to be durable. The store cannot write it
	// into the commit it describes, so an event read back has it zero.
	CommittedAt time.Time
}

// Key is the key of the feed the event belongs to.
func (e FeedEvent) Key() BuyerKey { return BuyerKey{e.Account, e.Buyer} }

// Head is how far a feed goes. Floor is the newest sequence that retention has removed (0: none);
// a reader whose last sequence is below Floor or above Seq has to refetch.
type Head struct {
	Seq   Seq
	Floor Seq
}

// Seen is what a dashboard reports of one feed event: when its bytes arrived, and when its row was
// on the screen. Times are the client's, already shifted to the server's clock.
type Seen struct {
	Account          AccountID
	Buyer            BuyerID
	Seq              Seq
	ClientReceivedAt time.Time
	RenderedAt       time.Time
	ReportedAt       time.Time
}

// Owner is the node that a buyer's feed lives on, as another node knows it.
type Owner struct {
	Node  string // host:port of its actor messages; empty: there is none now
	URL   string // where browsers reach it, without a slash at its end; empty: not known
	Local bool   // it is the node that answers
}
