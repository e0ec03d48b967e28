package plan_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/cmd/leadwire/e2e/chaos/plan"
)

var update = flag.Bool("update", false, "write the golden file")

const golden = "testdata/seed17.golden"

// A seed means the same today as when somebody wrote it down.
func TestDraw_IsAFunctionOfItsSeed(t *testing.T) {
	t.Parallel()
	got := plan.Draw(17, 0, time.Minute).String()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
	require.NotEqual(t, plan.Draw(17, 0, time.Minute).Events, plan.Draw(18, 0, time.Minute).Events)
}

// What holds for every plan: faults are in order and within the round, on places that exist; a process has one fault at
// a time; and within a minute nothing is left out.
func TestDraw_Rules(t *testing.T) {
	t.Parallel()
	sizes := map[int]bool{}
	for seed := range uint64(500) {
		p := plan.Draw(seed, 0, time.Minute)
		sizes[p.Nodes] = true
		require.Len(t, p.Skews, p.Nodes)
		places := []plan.Place{plan.Store, plan.Outside}
		for i := range p.Nodes {
			places = append(places, plan.Node(i))
		}
		kinds, busy := map[plan.Kind]int{}, map[plan.Place]time.Duration{}
		var last time.Duration
		for _, e := range p.Events {
			kinds[e.Kind]++
			require.GreaterOrEqual(t, e.At, last)
			last = e.At
			require.Positive(t, e.For)
			require.LessOrEqual(t, e.At+e.For, p.Length)
			for _, l := range e.Links {
				require.NotEqual(t, l.From, l.To)
				require.Subset(t, places, []plan.Place{l.From, l.To})
			}
			process := e.Node
			switch e.Kind {
			case plan.Restart:
				process = plan.Store
			case plan.Kill, plan.Stop, plan.Pause:
				require.Contains(t, places, process)
			default:
				require.NotEmpty(t, e.Links, e)
				continue
			}
			require.GreaterOrEqual(t, e.At, busy[process], "seed %d: %s", seed, e)
			busy[process] = e.At + e.For
		}
		for _, kind := range []plan.Kind{plan.Kill, plan.Pause, plan.OneWay, plan.Isolate, plan.Split, plan.Lossy, plan.Slow} {
			require.Positive(t, kinds[kind], "seed %d has no %s", seed, kind)
		}
	}
	require.Len(t, sizes, 3, "three, four and five nodes")
}

// The words that a history begins with.
func TestEvent_String(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		e    plan.Event
		want string
	}{
		{plan.Event{At: 1500 * time.Millisecond, For: time.Second, Kind: plan.Kill, Node: "n2", Skew: -2 * time.Second}, "kill n2 for 1.000s, back with a clock wrong by -2s"},
		{plan.Event{For: time.Second, Kind: plan.OneWay, Links: []plan.Link{{"n1", "store"}}}, "cut-one-way n1>store for 1.000s"},
		{plan.Event{For: time.Second, Kind: plan.Lossy, Loss: 0.25, Links: []plan.Link{{"n2", "n1"}, {"n1", "n2"}}}, "lossy n1-n2 by 25% for 1.000s"},
		{plan.Event{For: time.Second, Kind: plan.Isolate, Node: "n1", Links: []plan.Link{{"n1", "n2"}, {"n2", "n1"}, {"n1", "store"}, {"store", "n1"}}}, "isolate n1 from n2 store for 1.000s"},
		{plan.Event{For: time.Second, Kind: plan.Restart, How: "kill"}, "restart-store kill for 1.000s"},
	} {
		_, got, _ := strings.Cut(strings.TrimSpace(row.e.String()), " ")
		require.Equal(t, row.want, got)
	}
	require.True(t, slices.IsSortedFunc(plan.Draw(1, 3, time.Minute).Events, func(a, b plan.Event) int { return int(a.At - b.At) }))
}
