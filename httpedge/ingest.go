package httpedge

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/leadwire/leadwire/httpedge/source"
	"github.com/valyala/fasthttp"
)

// What a webhook's answer was, as metrics count it.
type outcome string

const (
	kept       outcome = "kept"       // 200: new and durable
	duplicate  outcome = "duplicate"  // 200: was durable before
	unverified outcome = "unverified" // 401: the signature does not hold
	refused    outcome = "refused"    // 4xx: trying again would change nothing
	deferred   outcome = "deferred"   // 429: trying again will
)

// Reasons of refused and deferred, beside those of bodies, signatures and rules.
const (
	reasonTenant        = "unknown_tenant"
	reasonRejected      = "rejected"
	reasonDraining      = "draining"
	reasonOverloaded    = "overloaded"
	reasonMisconfigured = "misconfigured"
	reasonUnavailable   = "unavailable"
	reasonFenced        = "fenced"
	reasonTimeout       = "timeout"
	reasonInternal      = "internal"
)

// webhook is one request on its way in.
type webhook struct {
	ctx      *fasthttp.RequestCtx
	src      inbound
	scheme   signature.Scheme
	received time.Time
	held     int64 // bytes of body that are accounted for
}

var (
	ackKept      = []byte(`{"status":"kept"}`)
	ackDuplicate = []byte(`{"status":"duplicate"}`)
)

// ingest answers POST /leads/webhook/{source}.
func (s *Server) ingest(ctx *fasthttp.RequestCtx, id string) {
	src, ok := s.sources.of(s.deps.Directory())[domain.SourceID(id)]
	if !ok {
		s.metrics.unknownSource.Inc()
		problem.Problem{Status: fasthttp.StatusNotFound, Code: domain.NotFound, Detail: "no such source"}.Write(ctx)
		return
	}
	w := &webhook{ctx: ctx, src: src, scheme: signature.None, received: s.deps.Clock.Now()}
	defer func() { s.bodyBytes.Add(-w.held) }()
	switch {
	case s.refusing.Load():
		s.putOff(w, reasonDraining)
	case src.Inbound == nil:
		s.putOff(w, reasonMisconfigured)
	default:
		s.read(w)
	}
}

// read takes the body in and passes it on once its signature holds.
func (s *Server) read(w *webhook) {
	body, fault := readBody(w.ctx, w.src.maxBody, func(n int) bool {
		w.held += int64(n)
		return s.bodyBytes.Add(int64(n)) <= s.cfg.BodyBytes
	})
	switch fault {
	case bodyWhole:
	case bodyNoRoom, bodySlow:
		// A slow body may be a genuine sender on a bad line, or one that we kept waiting: 408 would be the
		// lead's end, and a stranger who dawdles on purpose gains nothing by being asked again.
		s.putOff(w, string(fault))
		return
	default:
		s.refuseBody(w, fault)
		return
	}
	if s.queueFull() { // with the body read, which is little: its connection can be used again
		s.putOff(w, reasonQueue)
		return
	}
	defer s.inFlight.Add(-1)
	if s.inFlight.Add(1) > int64(s.cfg.InFlight) {
		s.putOff(w, reasonOverloaded)
		return
	}
	drafts, ok := s.verify(w, body)
	if ok {
		s.accept(w, drafts)
	}
}

// verify checks the signature and then reads the body; false when the webhook has been answered.
func (s *Server) verify(w *webhook, body []byte) ([]source.Draft, bool) {
	s.verifying <- struct{}{}
	defer func() { <-s.verifying }()
	verdict := w.src.Verify(signature.Request{Header: &w.ctx.Request.Header, Body: body})
	w.scheme = verdict.Scheme
	if !verdict.OK() {
		s.count(w, unverified, string(verdict.Reason))
		w.ctx.SetStatusCode(fasthttp.StatusUnauthorized) // and an empty body: a forger learns nothing
		return nil, false
	}
	drafts, err := w.src.Parse(body)
	if err != nil {
		s.refuseParse(w, err)
		return nil, false
	}
	return drafts, true
}

// accept finds whose the events are, and keeps them.
func (s *Server) accept(w *webhook, drafts []source.Draft) {
	dir := s.deps.Directory()
	for i := range drafts {
		place, ok := dir.Location(w.src.id, drafts[i].Tenant)
		if !ok {
			s.refuse(w, reasonTenant, problem.Problem{
				Status: fasthttp.StatusForbidden, Code: domain.Forbidden, Rule: reasonTenant,
				Detail: "the event is genuine and belongs to no account here",
			})
			return
		}
		e := &drafts[i].Event
		e.Account, e.Campaign, e.ReceivedAt = place.Account, place.Campaign, w.received
	}
	s.keep(w, drafts)
}

// keep answers once every event is durable. When one is not, all are put off: those already kept are
// duplicates when they come again.
func (s *Server) keep(w *webhook, drafts []source.Draft) {
	ctx, cancel := context.WithTimeout(s.base, s.cfg.IngestTimeout)
	defer cancel()
	fresh := false
	for i := range drafts {
		got, err := s.deps.Leads.Ingest(ctx, drafts[i].Event)
		if err != nil {
			s.refuseIngest(w, err)
			return
		}
		fresh = fresh || !got.Duplicate
		s.metrics.kept(w.src.label, drafts[i], w.received)
	}
	w.ctx.SetContentType("application/json")
	if fresh {
		w.ctx.Response.SetBodyRaw(ackKept)
		s.count(w, kept, "")
	} else {
		w.ctx.Response.SetBodyRaw(ackDuplicate)
		s.count(w, duplicate, "")
	}
	s.metrics.ack.WithLabelValues(w.src.label).Observe(s.deps.Clock.Now().Sub(w.received).Seconds())
}

func (s *Server) refuseBody(w *webhook, fault bodyFault) {
	p := problem.Problem{Code: domain.Invalid, Rule: string(fault)}
	switch fault {
	case bodyLarge:
		p.Status, p.Detail = fasthttp.StatusRequestEntityTooLarge, "the body is longer than this source may send"
	default:
		p.Status, p.Detail = fasthttp.StatusBadRequest, "the body is not whole"
	}
	s.refuse(w, string(fault), p)
}

func (s *Server) refuseParse(w *webhook, err error) {
	var rule source.Rule
	if !errors.As(err, &rule) { // not the sender's fault, so it may try again when ours is mended
		s.deps.Log.Error("a verified body cannot be read", "source", w.src.id, "error", err)
		s.putOff(w, reasonInternal)
		return
	}
	p := problem.FromError(err)
	p.Rule = rule.Name
	s.refuse(w, rule.Name, p)
}

// refuseIngest puts a webhook off for any trouble of ours. Only what the store finds wrong with the event
// itself is refused: it would be wrong every time.
func (s *Server) refuseIngest(w *webhook, err error) {
	code := domain.CodeOf(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		s.putOff(w, reasonTimeout)
	case code == domain.Fenced:
		s.putOff(w, reasonFenced)
	case code == domain.Unavailable:
		s.putOff(w, reasonUnavailable)
	case code == domain.Invalid:
		s.deps.Log.Error("a verified event was rejected", "source", w.src.id, "error", err)
		s.refuse(w, reasonRejected, problem.FromError(err))
	default:
		s.deps.Log.Error("an event was not kept", "source", w.src.id, "error", err)
		s.putOff(w, reasonInternal)
	}
}

func (s *Server) refuse(w *webhook, reason string, p problem.Problem) {
	s.count(w, refused, reason)
	p.Write(w.ctx)
}

func (s *Server) putOff(w *webhook, reason string) {
	s.count(w, deferred, reason)
	s.comeBack(w.ctx)
}

// comeBack answers 429. It is the only code after which Go High Level tries again.
func (s *Server) comeBack(ctx *fasthttp.RequestCtx) {
	problem.Problem{
		Status: fasthttp.StatusTooManyRequests, Code: domain.Unavailable, Detail: "the event was not kept; please send it again",
		RetryAfter: s.cfg.RetryAfter + rand.N(s.cfg.RetryAfter),
	}.Write(ctx)
}

func (s *Server) count(w *webhook, o outcome, reason string) {
	s.metrics.requests.WithLabelValues(w.src.label, string(w.scheme), string(o), reason).Inc()
}
