// Package problem writes errors as RFC 9457 problem details, so that every route of the edge refuses in
// the same words: what can the caller do (code), which field, which rule.
//
//	{"type":"urn:leadwire:invalid","title":"Bad Request","status":400,
//	 "code":"invalid","detail":"must be 1 to 200","field":"limit","rule":"range"}
package problem

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/valyala/fasthttp"
)

// ContentType is the media type of problem details.
const ContentType = "application/problem+json"

// Problem is a refusal. Zero members but Status are left out or follow from it.
type Problem struct {
	Status int         // HTTP status
	Code   domain.Code // what the caller can do
	Detail string      // for a person
	Field  string      // the field at fault, as a path
	Rule   string      // the rule it broke, from a fixed vocabulary
	// RetryAfter asks the caller to come back no sooner; whole seconds, rounded up. 0: not said.
	RetryAfter time.Duration
}

type body struct {
	Type   string      `json:"type"`
	Title  string      `json:"title"`
	Status int         `json:"status"`
	Code   domain.Code `json:"code,omitempty"`
	Detail string      `json:"detail,omitempty"`
	Field  string      `json:"field,omitempty"`
	Rule   string      `json:"rule,omitempty"`
}

// JSON is the problem's body.
func (p Problem) JSON() []byte {
	kind := "about:blank"
	if p.Code != "" {
		kind = "urn:leadwire:" + string(p.Code)
	}
	b, err := json.Marshal(body{kind, fasthttp.StatusMessage(p.Status), p.Status, p.Code, p.Detail, p.Field, p.Rule})
	if err != nil { // strings and a number always marshal
		b = []byte(`{}`)
	}
	return b
}

// Write answers ctx with the problem, in place of whatever body it had. Headers already set stay.
func (p Problem) Write(ctx *fasthttp.RequestCtx) {
	ctx.Response.ResetBody()
	ctx.SetStatusCode(p.Status)
	ctx.SetContentType(ContentType)
	ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	if p.RetryAfter > 0 {
		seconds := int((p.RetryAfter + time.Second - 1) / time.Second)
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	ctx.SetBody(p.JSON())
}

// FromError says what an error means to a caller of the API. What is not the caller's to mend says no
// more than its code: the whole of it belongs in the log.
func FromError(err error) Problem {
	code := domain.CodeOf(err)
	p := Problem{Status: statusOf(code), Code: code}
	var e *domain.Error
	switch code {
	case domain.Fenced:
		p.Code = domain.Unavailable // who owns what is our business; the caller just tries again
		p.RetryAfter = retryAfter
	case domain.Unavailable:
		p.RetryAfter = retryAfter
	case domain.Internal:
	default:
		if errors.As(err, &e) && e.Err != nil {
			p.Field, p.Detail = e.Field, e.Err.Error()
		}
	}
	return p
}

// retryAfter for reads: a store that restarts is back within seconds, and dashboards are few.
const retryAfter = 2 * time.Second

func statusOf(code domain.Code) int {
	switch code {
	case domain.Invalid:
		return fasthttp.StatusBadRequest
	case domain.Unverified:
		return fasthttp.StatusUnauthorized
	case domain.Forbidden:
		return fasthttp.StatusForbidden
	case domain.NotFound:
		return fasthttp.StatusNotFound
	case domain.Conflict:
		return fasthttp.StatusConflict
	case domain.Fenced, domain.Unavailable:
		return fasthttp.StatusServiceUnavailable
	default:
		return fasthttp.StatusInternalServerError
	}
}
