// Package budget says how late we may be, and how fast we use that up. It reads no clock.
//
//	event owed ── held ──▶ due ── gather ──▶ ── blocked ──▶ it may go ── OURS ──▶ first attempt begins ──▶ answered
//	   an earlier event        others of    the endpoint is paused,                       the receiver's time
//	   of its person           its batch    busy, failing or at its rate
//
// An objective allows a part of all first attempts to begin late: 0.1 % of those to endpoints of tier high. That part is the
// budget, and the burn rate is how fast it goes: 1 uses it up exactly, 14.4 uses up 2 % of a month's in an hour.
// What somebody asked for (replays, tests, attempts by hand), probes and retries are not measured: none of them is an event
// that waits for us.
package budget
