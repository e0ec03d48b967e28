package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Time{
		"":                                 {},
		"120":                              now.Add(2 * time.Minute),
		" 0 ":                              now,
		"-5":                               {},
		"1.5":                              {},
		"soon":                             {},
		"+5":                               {},
		"99999999999":                      now.Add(maxRetryAfter),
		"9999999999999999999999999":        now.Add(maxRetryAfter),
		"Thu, 26 Nov 2026 09:00:00 GMT":    now.Add(time.Hour),
		"Thursday, 26-Nov-26 09:00:00 GMT": now.Add(time.Hour),
		"Thu Nov 26 09:00:00 2026":         now.Add(time.Hour),
		"Thu, 26 Nov 2020 09:00:00 GMT":    time.Date(2020, 11, 26, 9, 0, 0, 0, time.UTC), // past: at once
		"Thu, 26 Nov 2099 09:00:00 GMT":    now.Add(maxRetryAfter),
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}, now), "%q", value)
	}
	require.Zero(t, retryAfter(http.Header{}, now))
}

// What is kept of the headers fits a receipt, whatever came.
func TestCommon_IsBounded(t *testing.T) {
	t.Parallel()
	all := http.Header{"Set-Cookie": {"a=b"}, "X-Secret": {"x"}}
	for _, name := range keptHeaders {
		require.Equal(t, http.CanonicalHeaderKey(name), name)
		all[name] = []string{strings.Repeat("\u00e9", 500), "second"}
	}
	kept, size := common(all), 0
	for name, values := range kept {
		require.Len(t, values, 1)
		require.True(t, utf8.ValidString(values[0]))
		size += len(name) + len(values[0])
	}
	require.LessOrEqual(t, size, maxHeaders)
	require.Contains(t, kept, "Content-Type")
	require.NotContains(t, kept, "Set-Cookie")
	require.Empty(t, common(http.Header{}))
}

func TestCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":           "plain",
		"a\x00b\r\nc\x7f": "a?b??c?",
		"\xff\xfe":        "??",
		"123456789":       "12345678...",
		"1234567é":        "1234567...",
	} {
		require.Equal(t, want, cut(text, 8))
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Thu, 26 Nov 2026 09:00:00 GMT")
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value string) {
		at := retryAfter(http.Header{"Retry-After": {value}}, now)
		require.False(t, at.After(now.Add(maxRetryAfter)))
	})
}
