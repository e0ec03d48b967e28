package domain

import "strconv"

// The ids of the product. Each is its own type, so that a buyer's id is never passed for a lead's.
type (
	// AccountID names a tenant. Every key and every query carries it.
	AccountID string
	// SourceID names where verified events come from: "ghl", later "stripe", "twilio", "pixel".
	SourceID string
	// EventID is the source's own id of an event: unique per (account, source), at most 200 bytes.
	EventID string
	// LeadID names a lead within its account: the source's contact id after the source's name
	// and a dash, "ghl-nRyX2mUHa0zPVWkY", so that two sources never share one by accident.
	LeadID string
	// BuyerID names a buyer within its account.
	BuyerID string
	// CampaignID names a campaign within its account.
	CampaignID string
	// NodeID names one run of one process; a restart is a new node.
	NodeID string
)

// BuyerKey is a buyer with the account it belongs to: the key of its feed and of its actor.
type BuyerKey struct {
	Account AccountID
	Buyer   BuyerID
}

// String joins the key for logs and for the identity of the buyer's actor. Ids cannot contain a
// slash (see CheckID), so the join is unambiguous.
func (k BuyerKey) String() string { return string(k.Account) + "/" + string(k.Buyer) }

// LeadKey is a lead with the account it belongs to: the key of its row and of its actor.
type LeadKey struct {
	Account AccountID
	Lead    LeadID
}

// String joins the key as BuyerKey.String does.
func (k LeadKey) String() string { return string(k.Account) + "/" + string(k.Lead) }

// Seq is a place in a buyer's feed: 1, 2, 3, ... without gaps. 0 is before the first.
type Seq int64

// String is the decimal form, as it stands in an SSE id after the store's epoch.
func (s Seq) String() string { return strconv.FormatInt(int64(s), 10) }

// Partitions is how many parts the virtual actors of a cluster are divided into. It is fixed for the
// life of a store: 256 rows are cheap to claim and to check, and 256 parts spread evenly over the
// tens of nodes one cluster may have.
const Partitions = 256

// Partition is one of the 256 parts, 0 to 255.
type Partition uint8

// Fence is the right to commit for a partition. The store raises Epoch whenever a node claims the
// partition; a commit that carries an older epoch is refused whole (ErrFenced).
type Fence struct {
	Partition Partition
	Epoch     int64
}
