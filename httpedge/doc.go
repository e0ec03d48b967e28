// Package httpedge is the rim where HTTP meets the product: webhooks come in, a buyer's dashboard reads
// its feed, and the platform asks how we are.
//
//	POST /leads/webhook/{source}   cap ─▶ verify ─▶ parse ─▶ whose? ─▶ Leads.Ingest ─▶ 200 once durable
//	GET  /api/buyer/events         token ─▶ Stream
//	GET  /api/buyer/leads[/{id}]   token ─▶ Reader, with ETag and cursor
//	POST /api/buyer/seen           token ─▶ Reader.RecordSeen, Telemetry
//	GET  /healthz /readyz /metrics /api/status
//
// What it promises:
//
//   - A webhook's 200 leaves only after the event is durable; a repeat's 200 costs one look-up.
//   - Nothing is parsed before its signature holds, and nothing reaches the actors before it is known whose
//     it is. Every refusal is counted by source, scheme, outcome and reason, from zero.
//   - When we cannot keep a genuine event, for whatever reason of ours, the answer is 429 and never 5xx: Go
//     High Level tries again after a 429 and after nothing else, so any other code loses the lead. An answer
//     given before a body was read reaches a sender that is still sending it.
//   - A buyer sees its own feed. Every read is keyed by its token's buyer; what is another's is not there.
//   - Bodies, connections, their time, requests in flight and the bytes they hold are bounded, each with a gauge.
//
// It knows no actor runtime and no SQL: what it needs of them are the small interfaces in deps.go.
package httpedge
