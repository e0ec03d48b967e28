package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A request belongs where it was due or under way, and to the calm only if that was nowhere.
func TestSortByWindow(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	windows := []window{{from: 100 * ms, until: 200 * ms}, {from: 300 * ms, until: 400 * ms, control: true}}
	for story, row := range map[string]struct {
		request
		done, control, calm int64
	}{
		"over before the first":                 {request: request{50 * ms, 49 * ms}, calm: 1},
		"under way when it began":               {request: request{50 * ms, 50 * ms}, done: 1},
		"due in it":                             {request: request{150 * ms, ms}, done: 1},
		"due at its very end":                   {request: request{200 * ms, ms}, done: 1},
		"between the two":                       {request: request{201 * ms, 98 * ms}, calm: 1},
		"in the control":                        {request: request{350 * ms, 9 * ms}, control: 1},
		"so slow that it counts against both":   {request: request{150 * ms, time.Second}, done: 1, control: 1},
		"after the last, and slow for nothing":  {request: request{401 * ms, time.Second}, calm: 1},
		"so slow that it was due before either": {request: request{0, time.Second}, done: 1, control: 1},
	} {
		s := sortByWindow(windows, time.Hour, slices.Values([]request{row.request}))
		require.Equal(t, []int64{row.done, row.control, row.calm}, []int64{s.done.Count(), s.control.Count(), s.calm.Count()}, story)
	}
}

func TestSortByWindow_Worst(t *testing.T) {
	t.Parallel()
	windows := []window{{from: 10, until: 20}, {from: 30, until: 40, control: true}, {from: 50, until: 60}, {from: 70, until: 80, control: true}}
	s := sortByWindow(windows, 3, slices.Values([]request{{11, 3}, {12, 9}, {13, 1}, {35, 2}, {55, 7}, {75, 4}, {76, 5}}))
	require.Equal(t, []time.Duration{9, 2, 7, 5}, s.worst)
	require.Equal(t, []int64{2, 2}, []int64{s.doneSlow, s.controlSlow}, "over 3, and not 3 itself")
	done, control := pairs(windows, s.worst)
	require.Equal(t, []time.Duration{9, 7}, done)
	require.Equal(t, []time.Duration{2, 5}, control)
	require.EqualValues(t, 9, middle(done), "of two the larger")
	done, control = pairs(windows[:3], s.worst[:3])
	require.Equal(t, [][]time.Duration{{9}, {2}}, [][]time.Duration{done, control}, "what was cut off before its control has none")
}
