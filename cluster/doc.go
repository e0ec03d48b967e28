// Package cluster runs virtual actors on one node or many. An actor is named by a kind and an id; it
// comes to life on the node that holds its partition when the first message for it arrives, and
// leaves memory when it has been idle.
//
//	Ask/Tell ──▶ owner of the partition? ──here──▶ held? ──▶ alive? ──▶ its mailbox ──▶ Receive
//	                     │                                     └─no─▶ activate
//	                     └──elsewhere──▶ that node's inbox ──▶ the same again
//
// It promises:
//
//   - Only a partition that the ledger has granted to this run of this process is activated in, and
//     every activation knows the epoch of that grant (Identity.Fence).
//   - On one node an identity is never alive twice: a successor starts after its predecessor has
//     stopped, and takes over the messages it left.
//   - A sender never blocks, and a message that was asked is answered: by the actor, or by a refusal
//     that says why not.
//   - A panic costs the message it happened on and nobody else.
//
// It knows the actor runtime and the gossip protocol, and neither a lead nor a buyer: kinds come in
// through Deps, and the store is seen only as a Ledger. DESIGN.md tells the whole story.
package cluster
