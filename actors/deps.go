package actors

import (
	"context"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/identity"
	"github.com/leadwire/leadwire/actors/telemetry"
	"github.com/leadwire/leadwire/actors/vault"
	"github.com/leadwire/leadwire/cluster"
)

// Deps are the collaborators of every actor of a node.
type Deps struct {
	Store     domain.Store
	Book      *Book
	Clock     domain.Clock
	Log       *slog.Logger
	Metrics   *Metrics
	Telemetry *telemetry.Recorder

	// Who visitors are. Runtime keeps Suppressions and Overlay in step with the store; those that are nil are
	// made, and are then in no metrics.
	Suppressions *identity.Suppressions
	Overlay      *identity.Overlay
	Identity     *identity.Matcher
	// Graphs lends the graph that CRM leads are looked up in, and Slow is what Identity asks; nil: there is none.
	Graphs identity.Graphs
	Slow   *identity.Slow

	// Sender posts to customers' endpoints, and Vault opens their secrets; nil: nothing is sent, and everything that
	// is owed waits.
	Sender domain.Sender
	Vault  *vault.Vault
	// Tokens fetches the tokens of endpoints that want one; nil: attempts at those fail, and say so.
	Tokens domain.Tokens
}

func (d Deps) withDefaults() Deps {
	if d.Suppressions == nil {
		d.Suppressions = identity.NewSuppressions(nil)
	}
	if d.Overlay == nil {
		d.Overlay = identity.NewOverlay(identity.OverlayConfig{}, nil)
	}
	if d.Identity == nil {
		d.Identity = identity.NewMatcher(identity.MatcherDeps{
			Graphs: d.Graphs, Overlay: d.Overlay, Slow: d.Slow, Metrics: identity.NewMetrics(nil),
		})
	}
	return d
}

// Node is what the actors need of the cluster.
type Node interface {
	Tell(m cluster.Keyed) error
	Ask(ctx context.Context, m cluster.Keyed) (any, error)
	Abandon(f domain.Fence)
	// Acts is asked right before something is done outside that no commit takes back.
	Acts(f domain.Fence) bool
	Held() []domain.Fence
	Home(kind, id string) (cluster.Member, bool)
	URLs() []string
	// Notify sends to an actor by its name, at most once, within the bounds of what its node has yet to confirm.
	Notify(address, name string, m proto.Message) error
	System() *actor.ActorSystem
}

// own marks the messages an actor causes itself: answers to its own work. They are bounded by the
// work it has under way, so a full mailbox lets them in.
type own struct{}

// Urgent is how the mailbox recognises them.
func (own) Urgent() {}
