// Package sse holds buyers' open event streams and writes their feeds to them.
//
//	GET /api/buyer/events ─▶ Serve ─▶ limits ─▶ hijack ─▶ sink ◀── Begin, Push, Resync ── Feeds
//	                                                       │
//	                       heartbeat, stall clock ─▶ pending bytes ─▶ link ─▶ the socket
//
// What it promises:
//
//   - A write never waits. What the socket does not take is kept, up to a bound per stream and
//     per node and for a time; past any the stream is dropped, and its client resumes from its
//     Last-Event-ID. A slow reader costs its siblings nothing.
//   - A client that leaves is noticed at once (FIN, RST) or within half a minute (a dead network).
//   - A stream starts by telling its client where it stands (an id without an event), so a client that
//     never got an event resumes as exactly as one that did.
//   - A place nobody can resume from is answered with "resync", never with an error: a browser gives
//     up for ever on any status but 200.
//   - A stream ends now and then (Config.MaxAge), so that whoever reads it authenticates anew.
//   - Streams per buyer and per node are bounded, and Drain spreads the return of clients over time.
//
// An idle stream costs about 2 KB: the request's goroutine, buffers and context are given back when the
// connection is hijacked. On Linux one epoll watches all connections for their clients' leaving and for
// room to write; elsewhere, and for connections that epoll cannot see, one goroutine reads each. A TLS
// stream is written by a goroutine that lives while bytes are pending, a plain one directly.
//
// The package knows no token, no cookie and no actor: the router authenticates and calls Serve, and
// events come through Feeds.
//
// # The stream
//
// Chunked, one chunk per batch, whatever the request's HTTP version: a proxy that buffers passes chunks
// on where it holds back a body that ends with the connection, and those that speak HTTP/1.0 to us
// (nginx, by default) read chunks all the same.
//
//	retry: 3120                                    once, at the start: see Config.RetryMin
//
//	id: 5f3a01cc-41                                once: the client stands here
//
//	id: 5f3a01cc-42                                "<store epoch>-<sequence>"
//	event: lead.assigned                           or lead.updated
//	data: {"seq":42,"lead":"ghl-x","type":"lead.assigned","campaign":"solar","source":"ghl",
//	       "contact":{...},"received_at":...,"decided_at":...,"committed_at":...,"published_at":...,
//	       "replay":false}                         in one line
//
//	event: resync                                  refetch by GET /api/buyer/leads; events follow
//	id: 5f3a01cc-97                                after this place
//	data: {"head":"5f3a01cc-97"}
//
//	event: owner                                   the buyer lives on that node now: GET /api/buyer/stream
//	data: {"owner":"10.0.0.2:7100"}                says where a stream is best opened; this one goes on
//
//	event: heartbeat                               first thing, and every Config.Heartbeat; a page
//	data: {"every_ms":17000}                       that misses two and a half is cut off
//
// Times are RFC 3339, UTC, with microseconds: a commit takes a fraction of a millisecond, and the marks
// are there to measure it. committed_at is left out of replays, which do not know it. A contact over
// Config.MaxContact is left out and "refetch":true stands in its place.
package sse
