package rate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// A bucket gives its burst at once, then its rate; what does not fit takes nothing, and is told when it will.
func TestBucket_Take(t *testing.T) {
	t.Parallel()
	limit := Limit{PerSecond: 100, Burst: 150}
	b, wait := Bucket(0).Take(noon, 150, limit)
	require.Zero(t, wait)
	same, wait := b.Take(noon, 1, limit)
	require.Equal(t, 10*time.Millisecond, wait)
	require.Equal(t, b, same)
	_, wait = b.Take(noon, 50, limit)
	require.Equal(t, 500*time.Millisecond, wait, "50 of them take half a second")
	_, wait = b.Take(noon.Add(wait-1), 50, limit)
	require.Equal(t, time.Duration(1), wait, "never early")
	_, wait = b.Take(noon.Add(500*time.Millisecond), 50, limit)
	require.Zero(t, wait)
	require.False(t, b.Empty(noon.Add(1500*time.Millisecond-1)))
	require.True(t, b.Empty(noon.Add(1500*time.Millisecond)), "a second and a half of quiet, and it is a new one")
}

// What is charged has to be waited for, however much it was.
func TestBucket_Charge(t *testing.T) {
	t.Parallel()
	limit := Limit{PerSecond: 10, Burst: 10}
	b := Bucket(0).Charge(noon, 40, limit)
	_, wait := b.Take(noon, 1, limit)
	require.Equal(t, 3100*time.Millisecond, wait)
	faster := Limit{PerSecond: 1000, Burst: 1000}
	_, wait = b.Take(noon.Add(3*time.Second+time.Millisecond), 1, faster)
	require.Zero(t, wait, "a limit that is raised counts at once")
}
