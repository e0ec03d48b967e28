package httpedge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/admin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// Leads takes an event to its lead.
type Leads interface {
	// Ingest returns once the event is durable, or was before. Errors are *domain.Error; Unavailable and
	// Fenced mean that trying again is safe. It keeps e.Body.
	Ingest(ctx context.Context, e domain.Event) (domain.Received, error)
}

// Visitors takes hits to their visitor.
type Visitors interface {
	// Hits takes hits of one visitor, at most domain.MaxHits, in their order. It returns once each is durable, or
	// was before; after an error all are to be sent again, and those that were kept are duplicates then. Errors
	// are as those of Leads.Ingest. It keeps hits and their bodies.
	Hits(ctx context.Context, hits []domain.Hit) ([]domain.Received, error)
}

// Reader is what the edge needs of domain.Store, with its promises.
type Reader interface {
	BuyerLeads(ctx context.Context, key domain.BuyerKey, before domain.Seq, limit int) ([]domain.Lead, error)
	Lead(ctx context.Context, key domain.LeadKey) (domain.Lead, error)
	Heads(ctx context.Context, keys []domain.BuyerKey) ([]domain.Head, error)
	RecordSeen(ctx context.Context, seen []domain.Seen) (int, error)
	Backlog(ctx context.Context) (domain.Backlog, error)
	TokenKey(ctx context.Context) ([]byte, error)
	Epoch() string
	QueueWait() time.Duration
	Ping(ctx context.Context) error
}

var _ Reader = domain.Store(nil)

// Stream serves a buyer's event stream to a request that is authenticated as that buyer.
type Stream interface {
	Serve(ctx *fasthttp.RequestCtx, buyer domain.BuyerKey)
}

// Owners knows the nodes that buyers' feeds live on.
type Owners interface {
	Owner(buyer domain.BuyerKey) domain.Owner
	URLs() []string // where browsers reach the nodes that say so
}

// Telemetry learns what dashboards report. It does not block.
type Telemetry interface{ Seen(seen []domain.Seen) }

// Deps is the edge's collaborators.
type Deps struct {
	Leads     Leads
	Visitors  Visitors // nil: there are no pixels, and their routes are answered 404
	Reader    Reader
	Admin     *admin.API               // nil: none, and the routes of /api/v1 are answered 404
	Directory func() *domain.Directory // never nil; a new pointer whenever the catalog changed
	Stream    Stream
	Page      fasthttp.RequestHandler // the pages: GET /, GET /ops and GET /assets/...; nil: none
	Owners    Owners                  // nil: there is one node, which has no name
	Telemetry Telemetry               // nil: none
	// Ready says why this node should get no traffic yet, nil when it should; a nil func: always ready.
	Ready      func() error
	Gatherer   prometheus.Gatherer   // behind /metrics; nil: an empty page
	Registerer prometheus.Registerer // nil: the edge's own metrics are not published
	Clock      domain.Clock          // nil: the machine's
	Log        *slog.Logger          // nil: none
}

func (d Deps) withDefaults() Deps {
	if d.Clock == nil {
		d.Clock = domain.SystemClock{}
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Ready == nil {
		d.Ready = func() error { return nil }
	}
	if d.Owners == nil {
		d.Owners = alone{}
	}
	if d.Gatherer == nil {
		d.Gatherer = prometheus.NewRegistry()
	}
	return d
}

func (d Deps) validate() error {
	if d.Leads == nil || d.Reader == nil || d.Directory == nil || d.Stream == nil {
		return domain.Fail("open edge", domain.Internal, errors.New("leads, reader, directory and stream are needed"))
	}
	return nil
}
