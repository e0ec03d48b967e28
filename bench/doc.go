// Package bench measures the product from outside, the way a CRM and a buyer's dashboard meet it:
// real HTTP, real signatures, real event streams, and by default a real server process that it starts
// and stops itself.
//
//	            due at its time, whatever the server does
//	pacer ──▶ signed webhook ──▶ ┌────────┐ ──200──▶ ack        (from when it was due)
//	                             │ server │
//	buyers' event streams ◀───── └────────┘ ──row──▶ sse        (from when it was due)
//	        │
//	        └─▶ ledger: every acked event once, on one stream, with consecutive numbers
//
// Three promises:
//
//   - Open loop. A request is due when the plan says so, and its latency counts from that moment: a
//     slow server cannot slow the load down, and cannot hide behind it. How late the harness itself
//     was is a figure of its own.
//   - Cheap. Sender and all streams share one thread and one epoll, because generator, clients and
//     server share the machine that is being measured.
//   - Every figure has one name, one unit and one definition (docs/bench.md), and a requirement on a
//     figure that does not exist is an error before anything starts.
//
// It knows the product only by its HTTP surface and its command line: no store, no actor, no type of
// the server is imported, so it cannot measure by a shortcut. Where actors live no surface tells exactly;
// whoever runs scenario failover hands it a Placement, which decides whom it asks and not what is counted.
package bench
