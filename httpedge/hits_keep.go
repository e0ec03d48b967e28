package httpedge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/glob"
	"github.com/leadwire/leadwire/httpedge/pixel"
	"github.com/valyala/fasthttp"
)

// hitOutcome is what became of one hit.
type hitOutcome struct {
	ID      domain.EventID `json:"id,omitempty"`
	Outcome outcome        `json:"outcome"`
	*pixel.Refusal
}

// keepHits keeps the hits of a request, one after the other: they are one visitor's, and their order is
// what the visitor did. After one that has to wait the others wait too.
func (s *Server) keepHits(v *visitRequest, items []pixel.Item) []hitOutcome {
	ctx, cancel := context.WithTimeout(s.base, s.cfg.IngestTimeout)
	defer cancel()
	out := make([]hitOutcome, len(items))
	waits := ""
	for i := range items {
		one, reason := s.keepHit(ctx, v, &items[i], waits)
		if one.Outcome == deferred && waits == "" {
			waits = reasonBehind
		}
		out[i] = one
		s.metrics.pixel.items.WithLabelValues(string(one.Outcome), reason).Inc()
	}
	return out
}

func (s *Server) keepHit(ctx context.Context, v *visitRequest, item *pixel.Item, waits string) (hitOutcome, string) {
	one := hitOutcome{ID: item.Hit.ID}
	switch {
	case item.Refusal != nil:
		one.Outcome, one.Refusal = refused, item.Refusal
		return one, item.Refusal.Rule
	case !reports(&v.pixel.Pixel, item.Hit.Page.Path):
		one.Outcome = dropped
		return one, reasonPath
	case waits != "":
		one.Outcome = deferred
		return one, waits
	}
	s.metrics.pixel.read(item)
	got, err := s.deps.Visitors.Hit(ctx, item.Hit)
	switch {
	case err != nil:
		var reason string
		if one.Outcome, reason = s.whyNotKept(err); one.Outcome == refused {
			one.Refusal = &pixel.Refusal{Rule: reason}
		}
		return one, reason
	case got.Duplicate:
		one.Outcome = duplicate
	default:
		one.Outcome = kept
	}
	return one, ""
}

// reports says whether the pixel's lists let a page be reported. The script asks the same before it sends;
// images and old copies of the script do not.
func reports(p *domain.Pixel, path string) bool {
	return (len(p.Allow) == 0 || glob.MatchAny(p.Allow, path)) && !glob.MatchAny(p.Deny, path)
}

// whyNotKept judges an error as refuseIngest does.
func (s *Server) whyNotKept(err error) (outcome, string) {
	code := domain.CodeOf(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return deferred, reasonTimeout
	case code == domain.Fenced:
		return deferred, reasonFenced
	case code == domain.Unavailable:
		return deferred, reasonUnavailable
	case code == domain.Invalid:
		s.deps.Log.Error("a hit that was checked was rejected", "error", err)
		return refused, reasonRejected
	default:
		s.deps.Log.Error("a hit was not kept", "error", err)
		return deferred, reasonInternal
	}
}

// answerHits answers 204 when every hit is kept, known or left out on purpose, 429 when all have to come
// again, and otherwise 200 with what became of each.
func (s *Server) answerHits(v *visitRequest, out []hitOutcome) {
	well, waiting := 0, 0
	for _, one := range out {
		switch one.Outcome {
		case kept, duplicate, dropped:
			well++
		case deferred:
			waiting++
		}
	}
	switch {
	case waiting == len(out):
		s.putOffHits(v, reasonUnavailable, s.cfg.RetryAfter)
		return
	case well == len(out):
		v.ctx.SetStatusCode(fasthttp.StatusNoContent)
		s.countHits(v, kept, "")
	default:
		body, err := json.Marshal(struct {
			Items []hitOutcome `json:"items"`
		}{out})
		if err != nil { // text always marshals
			body = []byte(`{}`)
		}
		v.ctx.SetContentType("application/json")
		v.ctx.SetBody(body)
		s.countHits(v, partial, "")
	}
	s.remember(v)
	v.ctx.Response.Header.Set(fasthttp.HeaderCacheControl, "no-store")
	s.metrics.pixel.ack.Observe(s.deps.Clock.Now().Sub(v.received).Seconds())
}
