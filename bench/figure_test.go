package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFigure_String(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit  Unit
		value float64
		want  string
	}{
		{Seconds, 0.0012345, "1.234ms"},
		{Seconds, 0.025, "25ms"},
		{Seconds, 0.1234, "123.4ms"},
		{Seconds, 12.3456, "12.35s"},
		{Seconds, 0.000074, "74µs"},
		{Seconds, 0, "0µs"},
		{Bytes, 8 << 10, "8KiB"},
		{Bytes, 3.5 * (1 << 20), "3.5MiB"},
		{Bytes, 512, "512B"},
		{Fraction, 0.155, "15.5%"},
		{PerSecond, 999.83, "999.8/s"},
		{Number, 60000, "60000"},
		{Number, 0.333333, "0.333"},
	} {
		require.Equal(t, c.want, Figure{Spec: Spec{Unit: c.unit}, Value: c.value, Known: true}.String())
	}
	require.Equal(t, "unmeasured", Figure{}.String(), "what was not measured is not a zero")
}
