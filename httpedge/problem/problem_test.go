package problem_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// A caller learns what it can mend, and nothing of what it cannot.
func TestFromError(t *testing.T) {
	t.Parallel()
	inside := errors.New("10.0.0.7 refused")
	for _, row := range []struct {
		why    string
		err    error
		status int
		body   string
	}{
		{"a field to mend", fmt.Errorf("list leads: %w", domain.FailField("read page query", "limit", "must be small")), 400,
			`{"type":"urn:leadwire:invalid","title":"Bad Request","status":400,"code":"invalid","detail":"must be small","field":"limit"}`},
		{"no good token", domain.Fail("verify", domain.Unverified, errors.New("expired")), 401,
			`{"type":"urn:leadwire:unverified","title":"Unauthorized","status":401,"code":"unverified","detail":"expired"}`},
		{"not theirs", domain.Fail("read", domain.Forbidden, nil), 403,
			`{"type":"urn:leadwire:forbidden","title":"Forbidden","status":403,"code":"forbidden"}`},
		{"someone was first", domain.Fail("apply", domain.Conflict, nil), 409,
			`{"type":"urn:leadwire:conflict","title":"Conflict","status":409,"code":"conflict"}`},
		{"the store is away", domain.Fail("read", domain.Unavailable, inside), 503,
			`{"type":"urn:leadwire:unavailable","title":"Service Unavailable","status":503,"code":"unavailable"}`},
		{"who owns what is our business", domain.ErrFenced, 503,
			`{"type":"urn:leadwire:unavailable","title":"Service Unavailable","status":503,"code":"unavailable"}`},
		{"a bug", inside, 500,
			`{"type":"urn:leadwire:internal","title":"Internal Server Error","status":500,"code":"internal"}`},
	} {
		var ctx fasthttp.RequestCtx
		ctx.SetBodyString("half an answer")
		problem.FromError(row.err).Write(&ctx)
		require.Equal(t, row.status, ctx.Response.StatusCode(), row.why)
		require.JSONEq(t, row.body, string(ctx.Response.Body()), row.why)
		require.Equal(t, problem.ContentType, string(ctx.Response.Header.ContentType()))
		require.Equal(t, row.status == 503, len(ctx.Response.Header.Peek("Retry-After")) > 0, row.why)
	}
}

// Seconds are rounded up: a caller that comes a moment early would only be refused again.
func TestWrite_RoundsRetryAfterUp(t *testing.T) {
	t.Parallel()
	var ctx fasthttp.RequestCtx
	problem.Problem{Status: 429, RetryAfter: 1001 * time.Millisecond}.Write(&ctx)
	require.Equal(t, "2", string(ctx.Response.Header.Peek("Retry-After")))
	require.Contains(t, string(ctx.Response.Body()), `"type":"about:blank"`)
}
