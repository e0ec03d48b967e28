package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever runs an endpoint again finds out what it missed, counts it, begins a replay, and thinks better of it. Without a
// node nothing of it goes out meanwhile.
func TestReplays_Story(t *testing.T) {
	data := t.TempDir()
	oweTwo(t, data)
	asks := func(args ...string) (int, string, string) {
		t.Helper()
		return leadwire(t, append(args, "--account", "acme", "--data", data)...)
	}
	does := func(args ...string) string {
		t.Helper()
		code, out, complaint := asks(args...)
		require.Zero(t, code, complaint)
		return out
	}
	const at = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
	does("deliveries", "cancel", "1")
	does("deliveries", "cancel", "2")
	require.Equal(t, "2 events to acme/crm would be sent again (cancelled)\n",
		does("deliveries", "replay", "--endpoint", "crm", "--state", "cancelled", "--dry-run"))
	require.Equal(t, "0 events to acme/crm would be sent again (exhausted or cancelled, until 2026-01-01T00:00:00.000Z)\n",
		does("deliveries", "replay", "--endpoint", "crm", "--state", "exhausted,cancelled", "--until", "2026-01-01T00:00:00Z", "--dry-run"))
	require.Empty(t, does("replays", "list"), "nothing was begun")

	require.Regexp(t, `^replay 1 to acme/crm \(exhausted\): done at `+at+`, 0 of 0 events owed again\n$`, does("deliveries", "replay", "--endpoint", "crm"))
	code, out, complaint := asks("deliveries", "replay", "--endpoint", "crm", "--state", "cancelled", "--since", "2026-01-01T00:00:00Z", "--watch")
	require.Zero(t, code, complaint)
	require.Equal(t, "replay 2 to acme/crm (cancelled, since 2026-01-01T00:00:00.000Z): running, 0 of 2 events owed again\n", out)
	require.Contains(t, complaint, "no node runs")
	code, _, complaint = asks("deliveries", "replay", "--endpoint", "crm", "--state", "cancelled")
	require.Equal(t, exitBroken, code)
	require.Contains(t, complaint, "replay 2 of this endpoint is running")

	require.Regexp(t, `^N +ENDPOINT +STATE +OWED AGAIN +OF +BEGUN +ENDED +BY +WHICH\n`+
		`2 +acme/crm +running +0 +2 events +`+at+` +- +command line +cancelled, since 2026-01-01T00:00:00\.000Z\n`+
		`1 +acme/crm +done +0 +0 events +`+at+` +`+at+` +command line +exhausted\n$`, does("replays", "list"))
	require.Regexp(t, `^\{"n":2,"account":"acme","endpoint":"crm","states":\["cancelled"\],`, does("replays", "show", "2", "--json"))
	require.Regexp(t, `^replay 2 to .*: cancelled at `+at+`, 0 of 2 events owed again\n$`, does("replays", "cancel", "2"))
	require.Contains(t, does("audit"), "replay.cancel")

	for _, args := range [][]string{
		{"deliveries", "replay"}, {"deliveries", "replay", "x"}, {"deliveries", "replay", "1", "--endpoint", "crm"}, {"deliveries", "replay", "1", "--dry-run"},
		{"replays", "show"}, {"replays", "cancel", "0"},
	} {
		code, _, complaint := asks(args...)
		require.Equal(t, exitMisused, code, "%v: %s", args, complaint)
	}
	code, _, complaint = asks("deliveries", "replay", "--endpoint", "crm", "--state", "pending")
	require.Equal(t, exitBroken, code)
	require.Contains(t, complaint, "must be of")
}

// What is offered can be copied.
func TestReplayOffer_Command(t *testing.T) {
	t.Parallel()
	offer := replayOffer{Account: "acme", Endpoint: "crm", States: []string{"exhausted"}, Since: "2026-01-01T00:00:00.000Z", Expected: 100_000}
	require.Equal(t, "leadwire deliveries replay --account acme --endpoint crm --since 2026-01-01T00:00:00.000Z", offer.command())
	require.Equal(t, "100,000+ events", offer.events())
	offer.States, offer.Since, offer.Until = []string{"exhausted", "cancelled"}, "", "2026-02-01T00:00:00.000Z"
	require.Equal(t, "leadwire deliveries replay --account acme --endpoint crm --until 2026-02-01T00:00:00.000Z --state exhausted,cancelled", offer.command())
}
