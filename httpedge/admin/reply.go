package admin

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/leadwire/leadwire/httpedge/source"
)

// Reply is an answer: Body as JSON with Status, or Err as a problem.
type Reply struct {
	Status int // 0: 200, or what Err means
	Body   any // nil: none
	ETag   string
	Wait   time.Duration // Retry-After, where the caller should come again
	Err    error
}

func fail(err error) Reply { return Reply{Err: err} }

// JSON is the body of an answer that is no problem; nil for none.
func (r Reply) JSON() ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	b, err := json.Marshal(r.Body)
	if err != nil {
		return nil, domain.Fail("write answer", domain.Internal, err)
	}
	return b, nil
}

// Problem is what Err means to the caller.
func (r Reply) Problem() problem.Problem {
	p := problem.FromError(r.Err)
	if rule, ok := errors.AsType[source.Rule](r.Err); ok {
		p.Rule = rule.Name
	}
	if why, ok := errors.AsType[lack](r.Err); ok {
		p.Detail, p.RetryAfter = why.Error(), 0
	}
	if r.Wait > 0 {
		p.Status, p.RetryAfter = 429, r.Wait
		if e, ok := errors.AsType[*domain.Error](r.Err); ok && e.Err != nil {
			p.Detail = e.Err.Error()
		}
	}
	return p
}
