package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/prometheus/client_golang/prometheus"
)

// Store is what the API needs of domain.Store, with its promises.
type Store interface {
	QueueWait() time.Duration
	Announcements(ctx context.Context, account domain.AccountID, after int64, limit int) ([]domain.Announcement, error)
	Suppress(ctx context.Context, add []domain.Suppression, remove []string, audit domain.AuditEntry) (int64, error)
	SuppressionsSince(ctx context.Context, revision int64, id string, limit int) ([]domain.Suppression, error)
	Audit(ctx context.Context, account domain.AccountID, before int64, limit int) ([]domain.AuditEntry, error)
	APIKeys(ctx context.Context) ([]domain.APIKey, error)
	CreateAPIKey(ctx context.Context, k domain.APIKey, audit domain.AuditEntry) error
	RevokeAPIKey(ctx context.Context, id string, audit domain.AuditEntry) error

	Delivery(ctx context.Context, account domain.AccountID, n int64) (domain.Delivery, error)
	Deliveries(ctx context.Context, account domain.AccountID, f domain.DeliveryFilter, before int64, limit int) ([]domain.Delivery, error)
	Receipts(ctx context.Context, account domain.AccountID, n int64, limit int) ([]domain.Receipt, error)
	Queue(ctx context.Context, key domain.EndpointKey) (domain.QueueFigures, error)
	EndpointState(ctx context.Context, key domain.EndpointKey) (domain.EndpointState, error)
	Stats(ctx context.Context, r domain.StatsRange, after domain.StatsPlace, limit int) ([]domain.StatsRow, error)
	Replay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error)
	Hasten(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error)
	Cancel(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Delivery, error)
	EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error
	CountReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter) (int, error)
	StartReplay(ctx context.Context, r domain.Replay, audit domain.AuditEntry) (domain.Replay, error)
	CancelReplay(ctx context.Context, account domain.AccountID, n int64, at time.Time, audit domain.AuditEntry) (domain.Replay, error)
	FindReplay(ctx context.Context, account domain.AccountID, n int64) (domain.Replay, error)
	Replays(ctx context.Context, account domain.AccountID, endpoint domain.EndpointID, before int64, limit int) ([]domain.Replay, error)
	Secrets(ctx context.Context, key domain.EndpointKey) ([]domain.Secret, error)
	PutSecrets(ctx context.Context, key domain.EndpointKey, expect []string, secrets []domain.Secret, audit domain.AuditEntry) error
	AllSecrets(ctx context.Context) ([]domain.Secret, error)
}

var _ Store = domain.Store(nil)

// Visitors takes hits to their visitor; see httpedge.Visitors.
type Visitors interface {
	Hits(ctx context.Context, hits []domain.Hit) ([]domain.Received, error)
}

// People finds and forgets somebody in one account. key is an e-mail, a digest of one, a phone, its hash, or
// a person's id.
type People interface {
	Find(ctx context.Context, account domain.AccountID, key string) (domain.Belongings, error)
	Erase(ctx context.Context, account domain.AccountID, key string, audit domain.AuditEntry) (domain.Erased, error)
}

// Graph is the identity graph's file.
type Graph interface {
	// Check opens a file on this node and says what it is; the answer turns into JSON.
	Check(ctx context.Context, path string) (any, error)
	// Info is the file in use here; nil when there is none.
	Info() any
}

// Cluster is the nodes as this one sees them.
type Cluster interface {
	// Standing turns into JSON.
	Standing() any
	// Withdraw begins to hand the work of this node to the others, and Return takes it back: Conflict when there are none.
	Withdraw(ctx context.Context) error
	Return(ctx context.Context) error
	// Leave has this node hand its work over and end; it answers before it does.
	Leave()
}

// Catalog changes the catalog.
type Catalog interface {
	// Edit reads the newest catalog, lets change alter it, checks it and puts it in its place, on this node
	// before it returns. change may be called again when somebody else was first. expect is the revision it
	// has to be an edit of, and then somebody else's is a Conflict; negative: any. audit is in the same commit,
	// and nowhere if nothing changes. It returns the revision in force.
	Edit(ctx context.Context, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error)
}

// Deliveries changes what is owed to endpoints, with the store's promises, and tells the endpoints at once.
type Deliveries interface {
	Replay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error)
	Hasten(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error)
	Cancel(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Delivery, error)
	StartReplay(ctx context.Context, key domain.EndpointKey, f domain.ReplayFilter, audit domain.AuditEntry) (domain.Replay, error)
	CancelReplay(ctx context.Context, account domain.AccountID, n int64, audit domain.AuditEntry) (domain.Replay, error)
	EnableEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) error
	// EndpointChanged says that an endpoint has other secrets now.
	EndpointChanged(key domain.EndpointKey)
	// TestEndpoint sends an event that says that it is a test, keeps its receipt, and answers with what happened.
	TestEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) (domain.Tested, error)
}

// Sealer seals an endpoint's secret with the master key, bound to the endpoint, to what it is for and to its id.
type Sealer interface {
	Seal(endpoint domain.EndpointKey, kind domain.SecretKind, id string, plain []byte) ([]byte, error)
}

// Resealer seals with the current master key what an older one has sealed.
type Resealer interface {
	// Key names the current master key.
	Key() string
	// Reseal names the key that has sealed a secret, and seals it anew; nil: it is the current key already.
	Reseal(s domain.Secret) (by string, sealed []byte, err error)
}

// Deps is the API's collaborators. Those that may be nil are missing where no node runs: their routes answer
// Unavailable.
type Deps struct {
	Store     Store
	Directory func() *domain.Directory
	Catalog   Catalog
	People    People
	Visitors  Visitors // may be nil
	Graph     Graph    // may be nil
	Cluster   Cluster  // may be nil
	// Deliveries may be nil: the store is changed then, and nodes find out by themselves. Only tests need a node.
	Deliveries Deliveries
	Sealer     Sealer                // nil: there is no master key, and no secret can be made
	Resealer   Resealer              // nil: likewise
	Clock      domain.Clock          // nil: the machine's
	Log        *slog.Logger          // nil: none
	Metrics    prometheus.Registerer // nil: not published
}
