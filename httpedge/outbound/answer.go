package outbound

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/leadwire/leadwire/actors/domain"
)

const (
	// maxDrained is how much of an answer is read so that its connection can be used again. What is longer costs a
	// new connection, which is cheaper than reading on for somebody who does not stop.
	maxDrained = 64 << 10
	// maxHeaders bounds what is kept of the headers, and maxValue each of them, in bytes.
	maxHeaders = 2 << 10
	maxValue   = 256
	// maxRetryAfter: whoever asks for more means never.
	maxRetryAfter = 30 * 24 * time.Hour
)

// keptHeaders are those that help somebody find the request again on their side, or tell who it was that answered.
// What is first is kept first when there is not room for all. Cookies are not among them.
var keptHeaders = []string{
	"Content-Type", "Retry-After", "Location", "Server", "Date", "Content-Length", "X-Request-Id", "X-Correlation-Id", "Request-Id", "Cf-Ray",
	"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amz-Cf-Id", "X-Amzn-Trace-Id", "X-Azure-Ref", "X-Cloud-Trace-Context", "Traceresponse", "X-Vercel-Id",
	"Fly-Request-Id", "X-Served-By", "X-Cache", "Via", "Allow", "Www-Authenticate", "Content-Encoding", "X-Ratelimit-Limit", "X-Ratelimit-Remaining",
	"X-Ratelimit-Reset", "Ratelimit", "Ratelimit-Policy", "Cf-Mitigated", "X-Envoy-Upstream-Service-Time", "X-Runtime",
}

// common picks from an answer's headers.
func common(all http.Header) domain.Header {
	kept, room := domain.Header{}, maxHeaders
	for _, name := range keptHeaders {
		value := all.Get(name)
		if value == "" {
			continue
		}
		value = cut(value, maxValue)
		if room -= len(name) + len(value); room < 0 {
			break
		}
		kept[name] = []string{value}
	}
	return kept
}

// read takes an answer in: at most so much is kept of it, and whether there was more. It stops after maxDrained; the
// body's Close then ends the connection.
func read(body io.Reader, most int64) (excerpt []byte, truncated bool, err error) {
	excerpt, err = io.ReadAll(io.LimitReader(body, most))
	if err != nil || int64(len(excerpt)) < most {
		return excerpt, false, err
	}
	// What is beyond maxDrained is not read, and so not known; an error there is nobody's.
	more, err := io.Copy(io.Discard, io.LimitReader(body, maxDrained-most))
	return excerpt, more > 0, err
}

// status judges an answer that was read: 2xx is success and nothing else is.
func status(resp *http.Response) (domain.ErrorClass, string) {
	said := named(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299:
		return "", ""
	case code >= 300 && code <= 399:
		if to := resp.Header.Get("Location"); to != "" {
			said = fmt.Sprintf("%d to %s", code, cut(to, maxQuoted))
		}
		return domain.ErrorRedirect, "answered " + said + ": redirects are not followed"
	default:
		return domain.ErrorStatus, "answered " + said
	}
}

// named is a status with its name: not the server's own words.
func named(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// retryAfter is when an endpoint asked to be tried again: in seconds, or as a date. Zero: it did not, or not so that
// it can be read.
func retryAfter(h http.Header, now time.Time) time.Time {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return time.Time{}
	}
	latest := now.Add(maxRetryAfter)
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(maxRetryAfter/time.Second) {
			return latest
		}
		return now.Add(time.Duration(seconds) * time.Second)
	}
	at, err := http.ParseTime(value)
	switch {
	case err != nil:
		return time.Time{}
	case at.After(latest):
		return latest
	default:
		return at.UTC()
	}
}

// cut makes another side's text fit for a receipt: valid UTF-8, without control characters, of a bounded length.
func cut(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most] + "..."
}
