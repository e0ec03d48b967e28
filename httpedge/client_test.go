package httpedge_test

import (
	"net/netip"
	"testing"

	"github.com/leadwire/leadwire/httpedge"
	"github.com/stretchr/testify/require"
)

// Whatever a client writes into X-Forwarded-For, it is an address that comes out: the nearest that no trusted proxy has, so
// that nobody can take another's name who does not sit behind one.
func FuzzForwardedFor(f *testing.F) {
	f.Add("203.0.113.7, 10.0.0.2", "10.0.0.1")
	f.Add("[2001:db8::1]:443, 10.0.0.9", "")
	f.Add("unknown, , ::ffff:10.1.1.1, fe80::1%eth0", "198.51.100.1")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	nearest := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, outer, inner string) {
		got := httpedge.ForwardedFor(nearest, trusted, outer, inner)
		require.True(t, got.IsValid())
		require.Empty(t, got.Zone())
		require.Equal(t, got, got.Unmap())
		again := httpedge.ForwardedFor(nearest, trusted, "192.0.2.99", outer, inner)
		if !trusted[0].Contains(got) {
			require.Equal(t, got, again, "what stands beyond the client is its own invention")
		}
	})
}
