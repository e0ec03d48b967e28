// Package domain holds the words of the product: its ids, facts, states and errors, and the ports
// through which the pure packages reach the outside (Store, Clock). It imports the standard library
// and nothing else, so every other package may import it.
//
//	Event ──Receive──▶ Pending ──Decide──▶ Lead (assigned to a buyer) + FeedEvent (announces it)
//	                      │
//	                      └──Decide(hold)──▶ Pending, held: no buyer is eligible yet
//
// One idea runs through it: the store is the truth; everything else is a hint. The types here that
// are stored (Event, Lead, FeedEvent) are facts; everything an actor remembers is a copy that may be
// dropped at any moment.
package domain
