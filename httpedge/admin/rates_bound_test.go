package admin

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However many keys are made and revoked, a bounded number is remembered, and a busy one stays while quiet ones
// can go.
func TestRates_AreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	r := rates{keys: map[string]used{}}
	for n := range 3 * maxBuckets {
		for range CallsPerSecond / 10 {
			r.takeCall(now, "busy")
		}
		r.takeCall(now, strconv.Itoa(n))
		require.LessOrEqual(t, r.remembered(), maxBuckets)
		now = now.Add(time.Millisecond)
	}
	r.takeCall(now, "busy")
	require.Positive(t, r.takeCall(now, "busy"), "forgotten, it would have a second's worth")

	for n := range maxBuckets {
		r.takeCall(now, "at once "+strconv.Itoa(n))
	}
	require.LessOrEqual(t, r.remembered(), maxBuckets, "all of them are busy, and it is bounded all the same")
}
