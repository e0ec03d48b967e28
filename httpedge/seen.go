package httpedge

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/problem"
	"github.com/valyala/fasthttp"
)

// Bounds of a report. A page reports what it has rendered every second or when it is left, so 500 rows are
// a burst; they are about 55 KB, under the 64 KiB a browser's sendBeacon takes.
const (
	seenMax      = 500
	seenBytes    = 64 << 10
	seenInFuture = 5 * time.Second // how far a client's idea of our clock may be ahead
)

const (
	seenNew    = "new"
	seenRepeat = "repeat"
)

type seenReport struct {
	Seq              domain.Seq `json:"seq"`
	ClientReceivedAt string     `json:"client_received_at"`
	RenderedAt       string     `json:"rendered_at"`
}

// seen answers POST /api/buyer/seen. The body is JSON of whatever content type: sendBeacon says
// text/plain.
func (s *Server) seen(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey) {
	body, fault := readBody(ctx, seenBytes, func(int) bool { return true })
	if fault != bodyWhole {
		status := fasthttp.StatusBadRequest
		switch fault {
		case bodyLarge:
			status = fasthttp.StatusRequestEntityTooLarge
		case bodySlow:
			status = fasthttp.StatusRequestTimeout
		}
		problem.Problem{Status: status, Code: domain.Invalid, Rule: string(fault)}.Write(ctx)
		return
	}
	seen, err := parseSeen(body, buyer, s.deps.Clock.Now())
	if err != nil {
		problem.FromError(err).Write(ctx)
		return
	}
	c, cancel := s.readContext()
	defer cancel()
	if err := s.announced(c, buyer, seen); err != nil {
		problem.FromError(err).Write(ctx)
		return
	}
	fresh, err := s.deps.Reader.RecordSeen(c, seen)
	if err != nil {
		s.storeTrouble(ctx, "record what was seen", err)
		return
	}
	s.metrics.seen.WithLabelValues(seenNew).Add(float64(fresh))
	s.metrics.seen.WithLabelValues(seenRepeat).Add(float64(len(seen) - fresh))
	if s.deps.Telemetry != nil {
		s.deps.Telemetry.Seen(seen)
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

// announced checks that every reported event exists: a client could otherwise fill the store with places
// its feed will never reach.
func (s *Server) announced(c context.Context, buyer domain.BuyerKey, seen []domain.Seen) error {
	const op = "check what was seen"
	heads, err := s.deps.Reader.Heads(c, []domain.BuyerKey{buyer})
	if err != nil {
		return err
	}
	for i, one := range seen {
		if len(heads) != 1 || one.Seq > heads[0].Seq {
			return domain.FailField(op, fmt.Sprintf("[%d].seq", i), "must be an event of your feed")
		}
	}
	return nil
}

func parseSeen(body []byte, buyer domain.BuyerKey, now time.Time) ([]domain.Seen, error) {
	const op = "read seen report"
	var reports []seenReport
	if err := json.Unmarshal(body, &reports); err != nil {
		return nil, domain.FailField(op, "", "must be a JSON array of {seq, client_received_at, rendered_at}")
	}
	if len(reports) == 0 || len(reports) > seenMax {
		return nil, domain.FailField(op, "", fmt.Sprintf("must have 1 to %d elements", seenMax))
	}
	seen := make([]domain.Seen, len(reports))
	for i, r := range reports {
		if r.Seq < 1 {
			return nil, domain.FailField(op, fmt.Sprintf("[%d].seq", i), "must be at least 1")
		}
		received, err := clientTime(fmt.Sprintf("[%d].client_received_at", i), r.ClientReceivedAt, now)
		if err != nil {
			return nil, err
		}
		rendered, err := clientTime(fmt.Sprintf("[%d].rendered_at", i), r.RenderedAt, now)
		if err != nil {
			return nil, err
		}
		if rendered.Before(received) {
			return nil, domain.FailField(op, fmt.Sprintf("[%d].rendered_at", i), "must not be before client_received_at")
		}
		seen[i] = domain.Seen{
			Account: buyer.Account, Buyer: buyer.Buyer, Seq: r.Seq,
			ClientReceivedAt: received, RenderedAt: rendered, ReportedAt: now,
		}
	}
	return seen, nil
}

// clientTime reads a client's time. It may be any time ago, for a page reports when it is next online, but
// before this product existed it is a mistake.
func clientTime(field, text string, now time.Time) (time.Time, error) {
	const op = "read seen report"
	t, err := time.Parse(time.RFC3339, text)
	switch {
	case err != nil:
		return t, domain.FailField(op, field, "must be a time as RFC 3339 writes it")
	case t.After(now.Add(seenInFuture)):
		return t, domain.FailField(op, field, "must not be in the future; shift it to the server's clock")
	case t.Year() < 2020:
		return t, domain.FailField(op, field, "must not be before 2020")
	}
	return t.UTC(), nil
}
