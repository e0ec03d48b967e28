package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/leadwire/leadwire/actors/delivery"
	"github.com/leadwire/leadwire/actors/delivery/queue"
	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
	"github.com/leadwire/leadwire/actors/vault"
)

// equipPause is how long an endpoint waits after its secrets could not be read.
const equipPause = time.Second

// kitAge is how long an endpoint's secrets are used before they are read again, beside the attempts: a command that changes
// the store, or a node that was not told, is heeded within it.
const kitAge = 15 * time.Second

// justOwed is how long an event counts as just committed. The graph may have another record of somebody by then.
const justOwed = 5 * time.Second

// outOfOrderHeader says that an earlier event of the same person has not arrived; see docs/priorities.md.
const outOfOrderHeader = "Leadwire-Out-Of-Order"

// kit is what an endpoint's attempts are made with. It is never changed.
type kit struct {
	readAt time.Time
	config domain.Endpoint
	shape  *delivery.Shape
	fault  string // why the shape cannot be applied
	keys   []liveKey
	auth   string       // value of Authorization; "": none
	client *tokenClient // what goes there instead is fetched; nil: nothing
	// certificate is who we say that we are; nil: nobody.
	certificate *domain.ClientCertificate
	// lacks says what has to be there before anything is sent.
	lacks string
}

// liveKey is a signing key and when it ends; zero: it does not.
type liveKey struct {
	signature.WebhookKey
	ends time.Time
}

// ErrNoVault is behind the answer of a node that was given no key to open secrets with.
var ErrNoVault = errors.New("this node has no master key to open secrets with")

// equip reads an endpoint's secrets and its configuration. Secrets that cannot be opened are like none: the endpoint
// waits, and says what it lacks.
func (r *Runtime) equip(ctx context.Context, key domain.EndpointKey) (*kit, error) {
	k := &kit{readAt: r.deps.Clock.Now()}
	directory := r.deps.Book.Directory()
	account, config := directory.Account(key.Account), directory.Endpoint(key)
	if account == nil || config == nil {
		k.lacks = "it is not in the catalog"
		return k, nil
	}
	if r.deps.Sender == nil {
		k.lacks = "this node sends nothing"
		return k, nil
	}
	k.config = *config
	var err error
	if k.shape, err = delivery.EndpointShape(account, config); err != nil {
		k.fault = err.Error()
	}
	secrets, err := r.deps.Store.Secrets(ctx, key)
	if err != nil {
		return nil, err
	}
	for _, s := range secrets {
		if err := k.take(r.deps.Vault, key, s); err != nil {
			r.deps.Log.Error("secret cannot be opened", "endpoint", key, "secret", s.ID, "error", err)
			k.lacks = fmt.Sprintf("its secret %s cannot be opened: %v", s.ID, err)
		}
	}
	if len(k.keys) == 0 && k.lacks == "" {
		k.lacks = "it has no secret to sign with"
	}
	return k, nil
}

func (k *kit) take(v *vault.Vault, key domain.EndpointKey, s domain.Secret) error {
	if v == nil {
		return ErrNoVault
	}
	plain, err := v.Open(s.Sealed, vault.AAD(key, s.Kind, s.ID))
	if err != nil {
		return err
	}
	switch s.Kind {
	case domain.HMACSecret, domain.Ed25519Secret:
		signs, err := signature.ParseWebhookKey(string(plain))
		if err != nil {
			return err
		}
		k.keys = append(k.keys, liveKey{signs, s.EndsAt})
	case domain.BearerSecret:
		k.auth = "Bearer " + string(plain)
	case domain.BasicSecret:
		k.auth = "Basic " + string(plain)
	case domain.OAuth2Secret:
		k.client, err = newTokenClient(s.ID, plain)
	case domain.MTLSSecret:
		k.certificate = &domain.ClientCertificate{ID: s.ID, PEM: plain}
	default: // a newer program's: without it the endpoint would refuse us
		err = fmt.Errorf("this program knows no secret of kind %q", s.Kind)
	}
	return err
}

// right is by what an attempt is made.
type right struct {
	fence domain.Fence
	since int64 // see endpoint
}

// send makes one attempt, unless the person is suppressed by now, and names the secret that signed it.
func (r *Runtime) send(ctx context.Context, key domain.EndpointKey, k *kit, s queue.Send, by right) (domain.Sent, string) {
	now := r.deps.Clock.Now()
	if class, reason := r.withheld(ctx, s, by.since); class != "" {
		return unsent(now, class, reason), ""
	}
	dispatch, secret, class, err := k.pack(now, key, s.Delivery.Event, s.Delivery.Payload)
	if err != nil {
		return unsent(now, class, err.Error()), ""
	}
	if s.OutOfOrder {
		dispatch.Header[outOfOrderHeader] = []string{"true"}
	}
	return r.dispatch(ctx, k, dispatch, r.acting(by.fence)), secret
}

// acting asks whether what a fence stands for may be done now.
func (r *Runtime) acting(f domain.Fence) func() bool { return func() bool { return r.node.Acts(f) } }

// overtaken is an attempt that was not made because another node may own the endpoint by now.
func overtaken(now time.Time) domain.Sent {
	return unsent(now, domain.ErrorStopped, "this node's right to the endpoint has run out")
}

// unsent is an attempt that was not made.
func unsent(now time.Time, class domain.ErrorClass, reason string) domain.Sent {
	return domain.Sent{At: now.UTC(), Error: class, Reason: reason}
}

// withheld asks about the person once more, by every suppression that is in force anywhere by now: why it must not be
// sent, "" when it may. Those that ask at the same time share one look into the store. since is the revision of
// suppressions under which the delivery was known to be there: an erasure raises it, so under a newer one the store is
// asked whether it still is.
//
// The commit that owes an event goes by the suppressions in force, so one that has just come from its commit, with nothing
// suppressed since, is not asked again: to read the event and the graph's record for it was 5% of a delivery.
func (r *Runtime) withheld(ctx context.Context, s queue.Send, since int64) (domain.ErrorClass, string) {
	if class, reason := r.refresh(ctx); class != "" {
		return class, reason
	}
	return r.barred(ctx, s, since)
}

// refresh has every suppression known here that is in force anywhere; what it answers is why nothing may be sent, "" when
// it did.
func (r *Runtime) refresh(ctx context.Context) (domain.ErrorClass, string) {
	if err := r.guard.Refresh(ctx); err != nil {
		return domain.ErrorStopped, "whether its person is suppressed could not be read: " + err.Error()
	}
	return "", ""
}

// barred asks about the person by the suppressions that are known here.
func (r *Runtime) barred(ctx context.Context, s queue.Send, since int64) (domain.ErrorClass, string) {
	d := s.Delivery
	switch revision := r.deps.Suppressions.Revision(); {
	case revision == since && s.Hinted && r.deps.Clock.Now().Sub(d.OwedAt) < justOwed:
		return "", ""
	case revision != since:
		switch now, err := r.deps.Store.Delivery(ctx, d.Account, d.N); {
		case domain.CodeOf(err) == domain.NotFound, err == nil && now.State != domain.DeliveryPending:
			return domain.ErrorStopped, "it was ended meanwhile"
		case err != nil:
			return domain.ErrorStopped, "whether it was erased could not be read: " + err.Error()
		}
	}
	subject, ok, err := delivery.Recheck(d.Payload, func(p domain.PersonID) (domain.Person, bool) { return r.deps.Identity.Record(d.Account, p) })
	if err != nil {
		return domain.ErrorPayload, err.Error()
	}
	if !ok {
		return "", ""
	}
	if rule, yes := r.suppressed(subject); yes {
		return domain.ErrorSuppressed, "suppressed by " + rule
	}
	return "", ""
}

// pack is an event ready to be sent: in the endpoint's shape, and signed at this time.
func (k *kit) pack(now time.Time, key domain.EndpointKey, id domain.EventID, payload json.RawMessage) (d domain.Dispatch, secret string, class domain.ErrorClass, err error) {
	if k.fault != "" {
		return d, "", domain.ErrorPayload, errors.New(k.fault)
	}
	body, err := k.shape.Apply(payload)
	if err != nil {
		return d, "", domain.ErrorPayload, err
	}
	return k.sign(now, key, string(id), body)
}

// sign is a body ready to be sent under an id, signed at this time.
func (k *kit) sign(now time.Time, key domain.EndpointKey, id string, body json.RawMessage) (d domain.Dispatch, secret string, class domain.ErrorClass, err error) {
	keys := k.live(now)
	if len(keys) == 0 {
		return d, "", domain.ErrorSecret, errors.New("it has no secret to sign with")
	}
	signed, err := signature.SignWebhook(id, now, body, keys...)
	if err != nil {
		return d, "", domain.ErrorSecret, err
	}
	header := domain.Header{
		"Content-Type":                   {"application/json"},
		signature.WebhookIDHeader:        {id},
		signature.WebhookTimestampHeader: {strconv.FormatInt(now.Unix(), 10)},
		signature.WebhookSignatureHeader: {signed},
	}
	for name, value := range k.config.Headers {
		header[name] = []string{value}
	}
	if k.auth != "" {
		header["Authorization"] = []string{k.auth}
	}
	return domain.Dispatch{Endpoint: key, URL: k.config.URL, Header: header, Body: body, Timeout: k.config.Timeout}, keys[0].ID(), "", nil
}

// live are the keys that sign now, the newest first: its id stands in receipts.
func (k *kit) live(now time.Time) []signature.WebhookKey {
	var keys []signature.WebhookKey
	for _, key := range k.keys {
		if key.ends.IsZero() || now.Before(key.ends) {
			keys = append(keys, key.WebhookKey)
		}
	}
	return slices.Clip(keys)
}
