// Package outbound posts to customers' endpoints. It is the one place of this program from which a request leaves to
// an address that somebody else has chosen.
//
//	Dispatch ─▶ URL: one way to read it? ─▶ a pooled connection? ──────────────────▶ POST ─▶ answer ─▶ Sent
//	                    │                        │ none                                        │
//	                 refused                     ▼                                  read to 64 KiB, kept to 2 KiB
//	                              look up once ─▶ vet every address ─▶ dial a vetted one
//	                                                   │
//	                                                refused
//
// It promises:
//
//   - Only public addresses are dialled, and none of this node's own: the name is looked up once, all its addresses
//     are judged, and what is dialled is one of those, not the name again. A URL that two programs could read in two
//     ways is refused, never interpreted.
//   - One dispatch is one request to one URL. Redirects are answers and are not followed, there are no cookies, and
//     no proxy of the environment is used.
//   - Every attempt ends within its timeout, whatever the other side does, and costs a bounded amount of memory.
//   - A token is fetched (Tokens) as an event is sent, by the same rules; all that need it share one fetch.
//   - A connection that has shown a client certificate is its endpoint's alone.
//   - What went wrong is said in one word for machines, and in words that can be passed on to whoever runs the
//     endpoint. They name no address of ours, and hold none of what is secret.
//
// Why net/http, and what it costs, is in docs/outbound.md with the figures.
package outbound
