package admin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/signature"
)

const (
	maxSecretBody = 64 << 10 // a certificate with its chain has 32 KiB at most, and in JSON its lines cost a byte more each
	// defaultKeepOld is how long the old secret signs beside a new one: a working day for whoever has to put it in place.
	defaultKeepOld = 24 * time.Hour
	maxKeepOld     = 7 * 24 * time.Hour
	// liveSecrets is how many sign at once: the new one, and the one that it takes the place of.
	liveSecrets = 2
)

const errNoMasterKey = lack("this needs a master key to seal secrets with: see master-key-file in docs/configuration.md")

// errNoSecretYet: to put the endpoint again would change nothing.
const errNoSecretYet = lack("the endpoint was made, and has no secret yet: ask for one at its secrets")

// secretRow is a secret as it is listed: never itself, sealed or not.
type secretRow struct {
	ID        string            `json:"id"`
	Kind      domain.SecretKind `json:"kind"`
	CreatedAt stamp             `json:"created_at"`
	EndsAt    stamp             `json:"ends_at"`              // null: it signs as long as it is there
	ExpiresAt *stamp            `json:"expires_at,omitempty"` // of a client certificate
}

func rowOfSecret(s domain.Secret) secretRow {
	row := secretRow{ID: s.ID, Kind: s.Kind, CreatedAt: stamp(s.CreatedAt), EndsAt: stamp(s.EndsAt)}
	if !s.ExpiresAt.IsZero() {
		row.ExpiresAt = new(stamp(s.ExpiresAt))
	}
	return row
}

// shownSecret is a signing secret in the one answer that shows it.
type shownSecret struct {
	secretRow
	Secret string `json:"secret"`
	Public string `json:"public,omitempty"` // what an Ed25519 secret's signatures are verified with
}

func signing(k domain.SecretKind) bool { return k == domain.HMACSecret || k == domain.Ed25519Secret }

// sameUse says whether one credential takes another's place: what goes into Authorization is one, and who we say that we are
// in the handshake is another.
func sameUse(a, b domain.SecretKind) bool {
	return !signing(a) && !signing(b) && (a == domain.MTLSSecret) == (b == domain.MTLSSecret)
}

func ended(s domain.Secret, now time.Time) bool { return !s.EndsAt.IsZero() && !now.Before(s.EndsAt) }

// endpointSecret answers POST /endpoints/{id}/secrets: a new secret to sign with, what goes into Authorization, or a client
// certificate.
func (a *API) endpointSecret(ctx context.Context, c *Call, key domain.EndpointKey) Reply {
	body, err := c.body(maxSecretBody)
	if err != nil {
		return fail(err)
	}
	var asked secretAsked
	if err := decode(body, &asked); err != nil {
		return fail(err)
	}
	if err := asked.foreign(); err != nil {
		return fail(err)
	}
	if signing(asked.Kind) {
		return a.rotate(ctx, c, key, asked)
	}
	one, err := asked.credential(a.deps.Clock.Now())
	if err != nil {
		return fail(err)
	}
	return a.putCredential(ctx, c, key, asked.Kind, one)
}

// rotate makes a new secret to sign with. The newest of the others goes on beside it for a while, and never for longer
// than it would have: whoever verifies has that long to learn the new one.
func (a *API) rotate(ctx context.Context, c *Call, key domain.EndpointKey, asked secretAsked) Reply {
	keep, err := asked.keepOld()
	if err != nil {
		return fail(err)
	}
	now := a.deps.Clock.Now().UTC()
	shown, made, err := a.mint(key, asked.Kind, now)
	if err != nil {
		return fail(err)
	}
	entry := a.endpointEntry(c, "endpoint.secret", key)
	entry.Detail = fmt.Sprintf("%s %s, the old ones for %v", made.Kind, made.ID, keep)
	if err := a.replaceSecrets(ctx, key, entry, func(old []domain.Secret) []domain.Secret { return rotated(old, made, now, keep) }); err != nil {
		return fail(err)
	}
	return Reply{Status: 201, Body: shown}
}

// rotated are an endpoint's secrets with a new one, newest first as they were.
func rotated(old []domain.Secret, made domain.Secret, now time.Time, keep time.Duration) []domain.Secret {
	next, live := []domain.Secret{made}, 1
	for _, s := range old {
		if ended(s, now) {
			continue
		}
		if signing(s.Kind) {
			if end := now.Add(keep); s.EndsAt.IsZero() || end.Before(s.EndsAt) {
				s.EndsAt = end
			}
			if live == liveSecrets || ended(s, now) {
				continue
			}
			live++
		}
		next = append(next, s)
	}
	return next
}

// putCredential puts one in the place of whatever was there for the same use.
func (a *API) putCredential(ctx context.Context, c *Call, key domain.EndpointKey, kind domain.SecretKind, given credential) Reply {
	now := a.deps.Clock.Now().UTC()
	var made []domain.Secret
	entry := a.endpointEntry(c, "endpoint.credential", key)
	entry.Detail = "none"
	if kind == domain.MTLSSecret {
		entry.Action = "endpoint.certificate"
	}
	if given.plain != nil {
		one, err := a.seal(domain.Secret{ID: credentialID(), Kind: kind, CreatedAt: now, ExpiresAt: given.expires, Endpoint: key}, given.plain)
		if err != nil {
			return fail(err)
		}
		made, entry.Detail = []domain.Secret{one}, fmt.Sprintf("%s %s", kind, one.ID)
	}
	err := a.replaceSecrets(ctx, key, entry, func(old []domain.Secret) []domain.Secret {
		return append(made, slices.DeleteFunc(slices.Clone(old), func(s domain.Secret) bool { return sameUse(s.Kind, kind) || ended(s, now) })...)
	})
	switch {
	case err != nil:
		return fail(err)
	case made == nil:
		return Reply{Status: 204}
	}
	return Reply{Status: 201, Body: rowOfSecret(made[0])}
}

// credentialID names a credential. It is random: a name that followed from a short password would give it away.
func credentialID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails: it ends the program instead
	return "cr_" + hex.EncodeToString(b[:])
}

// firstSecret gives an endpoint that was just made a secret, if there is a master key to seal it with. What is left of
// an earlier endpoint of the same name goes.
func (a *API) firstSecret(ctx context.Context, c *Call, key domain.EndpointKey) (shown shownSecret, err error) {
	if a.deps.Sealer == nil {
		return shown, a.dropSecrets(ctx, c, key)
	}
	shown, made, err := a.mint(key, domain.HMACSecret, a.deps.Clock.Now().UTC())
	if err == nil {
		entry := a.endpointEntry(c, "endpoint.secret", key)
		entry.Detail = fmt.Sprintf("%s %s, its first", made.Kind, made.ID)
		err = a.replaceSecrets(ctx, key, entry, func([]domain.Secret) []domain.Secret { return []domain.Secret{made} })
	}
	if err != nil {
		return shown, domain.Fail("make first secret", domain.Unavailable, errors.Join(errNoSecretYet, err))
	}
	return shown, nil
}

// dropSecrets takes all of an endpoint's away.
func (a *API) dropSecrets(ctx context.Context, c *Call, key domain.EndpointKey) error {
	old, err := a.deps.Store.Secrets(ctx, key)
	if err != nil || len(old) == 0 {
		return err
	}
	entry := a.endpointEntry(c, "endpoint.secret", key)
	entry.Detail = "none"
	return a.replaceSecrets(ctx, key, entry, func([]domain.Secret) []domain.Secret { return nil })
}

// mint makes a secret that signs, to be shown and to be kept.
func (a *API) mint(key domain.EndpointKey, kind domain.SecretKind, now time.Time) (shown shownSecret, made domain.Secret, err error) {
	fresh, err := signature.NewWebhookKey(kind)
	if err != nil {
		return shown, made, err
	}
	made, err = a.seal(domain.Secret{ID: fresh.ID(), Kind: kind, CreatedAt: now, Endpoint: key}, []byte(fresh.Reveal()))
	if err != nil {
		return shown, made, err
	}
	return shownSecret{rowOfSecret(made), fresh.Reveal(), fresh.Public()}, made, nil
}

func (a *API) seal(s domain.Secret, plain []byte) (domain.Secret, error) {
	const op = "seal secret"
	if a.deps.Sealer == nil {
		return s, domain.Fail(op, domain.Unavailable, errNoMasterKey)
	}
	var err error
	if s.Sealed, err = a.deps.Sealer.Seal(s.Endpoint, s.Kind, s.ID, plain); err != nil {
		return s, domain.Fail(op, domain.Internal, err)
	}
	return s, nil
}

// replaceSecrets writes what becomes of an endpoint's secrets, once more when somebody else was first.
func (a *API) replaceSecrets(ctx context.Context, key domain.EndpointKey, entry domain.AuditEntry, change func(old []domain.Secret) []domain.Secret) error {
	const tries = 3 // secrets change a few times a year
	for n := 1; ; n++ {
		old, err := a.deps.Store.Secrets(ctx, key)
		if err != nil {
			return fmt.Errorf("read secrets: %w", err)
		}
		ids := make([]string, len(old))
		for i, s := range old {
			ids[i] = s.ID
		}
		err = a.deps.Store.PutSecrets(ctx, key, ids, change(old), entry)
		switch {
		case err == nil:
			a.deliveries().EndpointChanged(key)
			return nil
		case domain.CodeOf(err) != domain.Conflict || n == tries:
			return fmt.Errorf("put secrets: %w", err)
		}
	}
}
