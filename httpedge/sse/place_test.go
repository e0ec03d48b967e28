package sse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/httpedge/sse"
	"github.com/leadwire/leadwire/httpedge/sse/ssetest"
)

// Wherever a client says it stands, it gets a stream: from there, from now, or after a refetch.
func TestServe_Place(t *testing.T) {
	t.Parallel()
	e := start(t, sse.Config{PerBuyer: 100}, false)
	e.Feeds.Publish(ada, leads(5)...)
	for name, row := range map[string]struct {
		query, header string
		events        int  // replayed
		resync        bool // told to refetch, and to go on from 5
	}{
		"a first visit begins at the head":                 {},
		"an empty last is a first visit":                   {query: "?last="},
		"the header resumes":                               {header: id(3), events: 2},
		"the query resumes":                                {query: "?last=" + id(1), events: 4},
		"the header is newer than the query":               {query: "?last=" + id(1), header: id(4), events: 1},
		"0 is the beginning":                               {header: id(0), events: 5},
		"at the head there is nothing to replay":           {header: id(5)},
		"ahead of the head is another history":             {header: id(6), resync: true},
		"another epoch is another history":                 {header: "00000000-3", resync: true},
		"an epoch that begins like ours is another":        {header: epoch + "0-3", resync: true},
		"a number alone names no history":                  {header: "3", resync: true},
		"no number is no place":                            {header: epoch + "-", resync: true},
		"a negative number is no place":                    {header: epoch + "--3", resync: true},
		"a sign is no digit":                               {query: "?last=" + epoch + "-%2B3", resync: true},
		"more than 63 bits are no place":                   {header: epoch + "-9223372036854775808", resync: true},
		"a header nobody can read wins over a good query":  {header: "junk", query: "?last=" + id(1), resync: true},
		"bytes that are no text are no place, and no harm": {header: "\xff\xfe-1", resync: true},
	} {
		t.Run(name, func(t *testing.T) {
			var headers []string
			if row.header != "" {
				headers = []string{"Last-Event-ID", row.header}
			}
			page := e.dial(t, "/acme/ada"+row.query, headers...)
			state := page.WaitID(t, id(5))
			require.Len(t, state.Feed(), row.events+btoi(row.resync))
			if row.resync {
				require.Equal(t, "resync", state.Feed()[0].Type)
				require.JSONEq(t, `{"head":"`+id(5)+`"}`, state.Feed()[0].Data)
			}
			page.Close()
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// What retention has removed cannot be replayed; a feed lost from under a page says so as well.
func TestServe_Resync(t *testing.T) {
	t.Parallel()
	e := start(t, sse.Config{}, false)
	e.Feeds.Publish(ada, leads(5)...)
	e.Feeds.Forget(ada)
	page := e.dial(t, "/acme/ada", "Last-Event-ID", id(2))
	require.Len(t, page.WaitID(t, id(5)).Feed(), 1)
	e.Feeds.Publish(ada, lead(6))
	page.WaitID(t, id(6))
	e.Feeds.Resync(ada)
	page.Wait(t, "second resync", func(p *ssetest.Parser) bool { return p.Of("resync") == 2 })
	require.EqualValues(t, 2, e.metric(t, "resyncs_total", ""))
}

// A replay that the stream could not hold is not begun: the page refetches, and goes on from there.
func TestServe_ReplayTooBig(t *testing.T) {
	t.Parallel()
	ways(t, func(t *testing.T, start func(sse.Config) *edge) {
		e := start(sse.Config{MaxBurst: 64 << 10})
		e.Feeds.Publish(ada, leads(400)...)
		page := e.dial(t, "/acme/ada?last="+id(0))
		state := page.WaitID(t, id(400))
		require.Len(t, state.Feed(), 1)
		require.Equal(t, "resync", state.Feed()[0].Type)
		e.Feeds.Publish(ada, lead(401))
		page.WaitID(t, id(401))
	})
}
