// Package admin is /api/v1: what programs and operators do with pixels, people and keys. It is the same for
// all who come in: over HTTP with a key, over a node's control socket, or on a store without a node.
//
//	edge ────────── Authorization: Bearer lwk_... ─▶ Authenticate ─▶ Caller ─┐
//	control socket ─ the owner of the machine ─▶ Local ─▶ Caller ────────────┼─▶ API.Serve: scope ▸ account ▸ handler ─▶ Reply
//	command line without a node ───────────────▶ Local ─▶ Caller ────────────┘
//
// What it promises:
//
//   - A caller does what its scopes say, in the account it belongs to, and what is another's is not there.
//   - Every change is in the audit log with who made it. Subjects are ids or hashes; nothing in it is an
//     e-mail or a phone.
//   - A secret is in one answer, once.
//   - What is said twice is done once: suppressions and events have ids that follow from what they say, an
//     erasure may be repeated.
//   - Bodies, pages, lists, requests in flight and their time are bounded; see the limits beside each route.
//   - A key that asks too much waits by itself: its calls and its events have rates of their own (rates.go).
//
// It knows no HTTP library, no actor and no SQL: what it needs of them are the small interfaces in deps.go.
package admin
