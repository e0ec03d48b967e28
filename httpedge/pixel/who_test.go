package pixel

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
)

// Who is taken for a program, and who must not be.
func TestDrop(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                         "",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": "",
		"Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                 "",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 355.0":           "",
		"":                        ByNobody,
		"curl/8.10.1":             ByBot,
		"python-requests/2.32":    ByBot,
		"facebookexternalhit/1.1": ByBot,
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":                                                                         ByBot,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)":                                          ByBot,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36":                                   ByBot,
		"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142 Mobile Safari/537.36 (compatible; Googlebot/2.1)": ByBot,
		"Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse":    ByBot,
		"Mozilla/5.0 (Linux; Android 13; CUBOT P80; compatible; Googlebot/2.1)":                                                                           ByBot,
	} {
		require.Equal(t, want, Drop(agent), agent)
	}
	require.Equal(t, ByPrefetch, Drop("Firefox", []byte("prefetch;prerender"), nil))
	require.Equal(t, ByPrefetch, Drop("Firefox", nil, []byte("preview")), "Safari's")
	require.Empty(t, Drop("Firefox", nil, []byte("")))
}

// A place that is none is refused; one that says "unknown" says nothing.
func TestPlaces(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"de": "DE", "": "", "XX": "", "T1": ""} {
		got, ok := Country(text)
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"D", "DEU", "1A", "Ä"} {
		_, ok := Country(text)
		require.False(t, ok, text)
	}
	state, ok := State("ca")
	require.True(t, ok)
	require.Equal(t, "CA", state)
	_, ok = State("US-CA")
	require.False(t, ok)
}

// However many addresses come, a bounded number is remembered, and one that goes on sending stays.
func TestRates_AreBounded(t *testing.T) {
	t.Parallel()
	rates := NewRates(100)
	p := &domain.Pixel{ID: "shop", Rate: 1e6, RatePerAddress: 50}
	flood := netip.MustParseAddr("203.0.113.1")
	for range 50 {
		limit, _ := rates.Take(noon, p, flood)
		require.Equal(t, NoLimit, limit)
	}
	for i := range 10_000 {
		limit, _ := rates.Take(noon, p, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		require.Equal(t, NoLimit, limit)
		require.LessOrEqual(t, rates.Addresses(), 100)
		if i%40 == 0 {
			rates.Charge(noon, p, flood, 1)
		}
	}
	limit, wait := rates.Take(noon, p, flood)
	require.Equal(t, AddressLimit, limit, "it was not forgotten")
	require.Positive(t, wait)
}

// What came along is charged, what a rate was changed to counts at once, and IPv6 counts by /64.
func TestRates(t *testing.T) {
	t.Parallel()
	rates := NewRates(100)
	p := &domain.Pixel{ID: "shop", RatePerAddress: 100}
	home := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i+1)) }
	limit, _ := rates.Take(noon, p, home(0))
	require.Equal(t, NoLimit, limit)
	rates.Charge(noon, p, home(1), 149)
	limit, wait := rates.Take(noon, p, home(2))
	require.Equal(t, AddressLimit, limit, "a /64 is one address")
	require.Equal(t, 510*time.Millisecond, wait, "51 over, at 100 a second")
	limit, _ = rates.Take(noon.Add(wait), p, home(3))
	require.Equal(t, NoLimit, limit, "what it says is when there is room")
	limit, _ = rates.Take(noon.Add(wait+5*time.Millisecond), p, home(3))
	require.Equal(t, AddressLimit, limit, "the next one has to wait 10 ms")
	p.RatePerAddress = 1000
	limit, _ = rates.Take(noon.Add(wait+15*time.Millisecond), p, home(2))
	require.Equal(t, NoLimit, limit)
	limit, _ = rates.Take(noon.Add(wait+16*time.Millisecond), p, home(2))
	require.Equal(t, NoLimit, limit, "1 ms, now")
}

// A request that is counted long after it came, behind others that came later, finds the room that there is.
func TestRates_CountsLate(t *testing.T) {
	t.Parallel()
	rates := NewRates(100)
	p := &domain.Pixel{ID: "shop", Rate: 1000, RatePerAddress: 1000}
	from := netip.MustParseAddr("203.0.113.1")
	limit, _ := rates.Take(noon.Add(5*time.Second), p, from)
	require.Equal(t, NoLimit, limit)
	limit, _ = rates.Take(noon, p, from)
	require.Equal(t, NoLimit, limit)
	rates.Charge(noon, p, from, 997)
	limit, _ = rates.Take(noon, p, from)
	require.Equal(t, NoLimit, limit, "the thousandth of this second")
	limit, wait := rates.Take(noon, p, from)
	require.NotEqual(t, NoLimit, limit, "and no more")
	require.Positive(t, wait)
}
