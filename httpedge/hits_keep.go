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

// keepHits hands a request's hits over at once: they are one visitor's, and one step of it. Those that are
// refused or left out do not hinder the others. reason is why the others were not kept, "" when they were.
func (s *Server) keepHits(v *visitRequest, items []pixel.Item) (out []hitOutcome, reason string) {
	out = make([]hitOutcome, len(items))
	hits, places := make([]domain.Hit, 0, len(items)), make([]int, 0, len(items))
	for i := range items {
		item := &items[i]
		out[i].ID = item.Hit.ID
		switch {
		case item.Refusal != nil:
			out[i].Outcome, out[i].Refusal = refused, item.Refusal
			s.countHit(refused, item.Refusal.Rule)
		case !reports(&v.pixel.Pixel, item.Hit.Page.Path):
			out[i].Outcome = dropped
			s.countHit(dropped, reasonPath)
		default:
			s.metrics.pixel.read(item)
			hits, places = append(hits, item.Hit), append(places, i)
		}
	}
	if len(hits) == 0 {
		return out, ""
	}
	ctx, cancel := context.WithTimeout(s.base, s.cfg.IngestTimeout)
	defer cancel()
	got, err := s.deps.Visitors.Hits(ctx, hits)
	var failed outcome
	if err != nil {
		failed, reason = s.whyNotKept(err)
	}
	for n, i := range places {
		switch {
		case err != nil:
			if out[i].Outcome = failed; failed == refused {
				out[i].Refusal = &pixel.Refusal{Rule: reason}
			}
		case got[n].Duplicate:
			out[i].Outcome = duplicate
		default:
			out[i].Outcome = kept
		}
		s.countHit(out[i].Outcome, reason)
	}
	return out, reason
}

func (s *Server) countHit(o outcome, reason string) {
	s.metrics.pixel.items.WithLabelValues(string(o), reason).Inc()
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
