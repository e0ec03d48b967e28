package actors

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/domain"
)

// keepPatience is how long the receipt of a test may take to be kept: somebody waits for the answer.
const keepPatience = 5 * time.Second

// TestEndpoint sends an endpoint an event about nobody, at once and beside its queue, keeps the receipt, and says what became
// of it. Conflict: the endpoint cannot be sent anything, for a reason that is in the error. Nothing is kept of that.
func (r *Runtime) TestEndpoint(ctx context.Context, key domain.EndpointKey, audit domain.AuditEntry) (domain.Tested, error) {
	const op = "test endpoint"
	directory := r.deps.Book.Directory()
	if directory.Endpoint(key) == nil {
		return domain.Tested{}, domain.Fail(op, domain.NotFound, errors.New("no such endpoint"))
	}
	kit, err := r.equip(ctx, key)
	if err != nil {
		return domain.Tested{}, err
	}
	if kit.lacks != "" {
		return domain.Tested{}, domain.Fail(op, domain.Conflict, errors.New(kit.lacks))
	}
	now := r.deps.Clock.Now().UTC()
	owed := domain.Owed{Endpoint: key.Endpoint, Partition: endpointPartition(key), Class: domain.ClassOf(domain.TestEvent)}
	said, err := delivery.TestEnvelope(key.Account, domain.EventID(uuid.NewString()), now, owed)
	if err != nil {
		return domain.Tested{}, err
	}
	sent, secret := r.try(ctx, key, kit, said)
	if sent.At.IsZero() {
		sent.At = now
	}
	receipt := sent.Receipt()
	receipt.Number, receipt.Trigger, receipt.ScheduledAt = 1, domain.TriggerTest, now
	receipt.SecretID, receipt.Revision = secret, directory.Catalog.Revision
	return r.keepTest(ctx, said, receipt, sent, audit), nil
}

// try makes the attempt, and names the secret that signed it.
func (r *Runtime) try(ctx context.Context, key domain.EndpointKey, k *kit, said domain.Announcement) (domain.Sent, string) {
	dispatch, secret, class, err := k.pack(said.At, key, said.ID, said.Payload)
	if err != nil {
		return unsent(said.At, class, err.Error()), ""
	}
	return r.dispatch(ctx, k, dispatch, nil), secret
}

// keepTest keeps a receipt even if nobody waits for the answer any more: the endpoint has had the event. When the store's
// answer is lost it asks once more, which finds out. What the endpoint answered is told either way.
func (r *Runtime) keepTest(ctx context.Context, said domain.Announcement, receipt domain.Receipt, sent domain.Sent, audit domain.AuditEntry) domain.Tested {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepPatience)
	defer cancel()
	d, err := r.deps.Store.KeepTest(ctx, said, receipt, audit)
	if domain.CodeOf(err) == domain.Unavailable {
		d, err = r.deps.Store.KeepTest(ctx, said, receipt, audit)
	}
	if err != nil {
		r.deps.Log.Error("the receipt of a test cannot be kept", "endpoint", domain.EndpointKey{Account: said.Account, Endpoint: said.Owed[0].Endpoint}, "error", err)
		return domain.Tested{Sent: sent, Unkept: err}
	}
	r.deps.Metrics.deliveries.tested(&receipt)
	return domain.Tested{Sent: sent, Delivery: d.N}
}
