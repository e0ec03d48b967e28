// Package ssetest is the outside of an event stream, for tests: a feed with a history (Feeds), a client
// that keeps every byte it got (Client), the browser's reading of those bytes (Parser), and a network that
// can be cut and frozen (Proxy).
//
//	Feeds ──▶ sse.Server ──▶ Proxy ──▶ Client ──▶ Parser ──▶ Event
//
// It knows nothing of how streams are held, so the same tests judge every way.
package ssetest
