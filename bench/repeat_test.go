package bench

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRepeat(t *testing.T) {
	t.Parallel()
	specs := []Spec{{Name: "p95", Unit: Seconds}, {Name: "lost", Fault: true}, {Name: "rss", Unit: Bytes}}
	reports := func(cut int, p95, lost []float64) func() (*Report, error) {
		k := -1
		return func() (*Report, error) {
			k++
			r := newReport("crm", specs)
			r.set("p95", p95[k])
			r.set("lost", lost[k])
			r.note("the same every time")
			r.Cut = k == cut
			return r, nil
		}
	}
	r, err := Repeat(5, reports(-1, []float64{5, 1, 4, 2, 3}, []float64{0, 0, 7, 0, 0}))
	require.NoError(t, err)
	require.Equal(t, 3.0, value(t, r, "p95"), "the median")
	require.Equal(t, 7.0, value(t, r, "lost"), "one bad run out of five is not outvoted")
	require.False(t, r.Figures[2].Known, "what no run measured is not measured")
	require.Len(t, r.Notes, 2, "notes are not repeated")

	r, err = Repeat(5, reports(1, []float64{1, 9, 9, 9, 9}, []float64{0, 0, 0, 0, 0}))
	require.NoError(t, err)
	require.True(t, r.Cut, "an interrupted run ends the series")

	r, err = Repeat(1, reports(-1, []float64{5}, []float64{0}))
	require.NoError(t, err)
	require.Len(t, r.Notes, 1, "one run is reported as it is")

	broken := errors.New("no server")
	_, err = Repeat(3, func() (*Report, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
}
