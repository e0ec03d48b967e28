// Package provision turns a file an operator wrote into the store's catalog: accounts, sources,
// campaigns, buyers and tokens.
//
//	file ──Read──▶ catalog ──Apply──▶ diff ──▶ store (if its revision is still the one that was read)
//	      strict, every fault           └────▶ tokens of the new entries
//
// Applying the same file again changes nothing. The file is the whole truth: what it leaves out is
// removed. It knows neither commands nor sockets; the running node and the command line both call it.
package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/actors/domain"
)

// MaxFile is the largest catalog file, in bytes: tens of thousands of buyers.
const MaxFile = 16 << 20

// Read parses a catalog and checks it. Unknown fields are refused with their line; the errors of
// Validate are Invalid, one for each fault.
func Read(r io.Reader) (domain.Catalog, error) {
	var c domain.Catalog
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return c, fmt.Errorf("read catalog: %w", err)
	case len(text) > MaxFile:
		return c, domain.Fail("read catalog", domain.Invalid, fmt.Errorf("is over %d bytes", MaxFile))
	case len(bytes.TrimSpace(text)) == 0:
		return c, domain.Fail("read catalog", domain.Invalid, errors.New("is empty; to remove everything write \"accounts: []\""))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return c, domain.Fail("read catalog", domain.Invalid, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return c, domain.Fail("read catalog", domain.Invalid, errors.New("holds more than one document"))
	}
	return c, Check(c)
}

// Store is what Apply needs of domain.Store.
type Store interface {
	Catalog(ctx context.Context) (domain.Catalog, error)
	ApplyCatalog(ctx context.Context, c domain.Catalog, audit ...domain.AuditEntry) (int64, error)
	TokenKey(ctx context.Context) ([]byte, error)
}

// Request is a catalog to apply.
type Request struct {
	Catalog domain.Catalog `json:"catalog"`
	DryRun  bool           `json:"dry_run,omitempty"` // only say what would change
	// AllTokens asks for the token of every entry, and not of the new ones only.
	AllTokens bool `json:"all_tokens,omitempty"`
}

// Outcome is what Apply did, or with DryRun would do.
type Outcome struct {
	Changes  []domain.Change `json:"changes"`
	Applied  bool            `json:"applied"`
	Revision int64           `json:"revision"` // of the catalog in force now
	Tokens   []Token         `json:"tokens,omitempty"`
}

// Apply makes the store's catalog say what the request's says, and writes down in the same commit that the
// command line did; it alone comes this way. When someone else changed the catalog
// meanwhile nothing is written: the answer is a Conflict, and the outcome holds what would change now.
func Apply(ctx context.Context, store Store, r Request) (Outcome, error) {
	if err := Check(r.Catalog); err != nil {
		return Outcome{}, err
	}
	now, err := store.Catalog(ctx)
	if err != nil {
		return Outcome{}, fmt.Errorf("read catalog: %w", err)
	}
	out := Outcome{Changes: now.Diff(r.Catalog), Revision: now.Revision}
	if len(out.Changes) > 0 && !r.DryRun {
		if out, err = replace(ctx, store, r, out); err != nil {
			return out, err
		}
	}
	if r.DryRun {
		return out, nil
	}
	out.Tokens, err = mint(ctx, store, now, r)
	return out, err
}

func replace(ctx context.Context, store Store, r Request, out Outcome) (Outcome, error) {
	next := r.Catalog
	next.Revision = out.Revision
	revision, err := store.ApplyCatalog(ctx, next, domain.AuditEntry{
		At: time.Now().UTC(), Actor: "command line", Action: "catalog.apply", Detail: fmt.Sprintf("%d changes", len(out.Changes)),
	})
	if domain.CodeOf(err) == domain.Conflict {
		return conflict(ctx, store, r, out.Revision, err)
	}
	if err != nil {
		return out, fmt.Errorf("apply catalog: %w", err)
	}
	out.Applied, out.Revision = true, revision
	return out, nil
}

func conflict(ctx context.Context, store Store, r Request, was int64, cause error) (Outcome, error) {
	now, err := store.Catalog(ctx)
	if err != nil {
		return Outcome{}, errors.Join(cause, fmt.Errorf("read catalog: %w", err))
	}
	out := Outcome{Changes: now.Diff(r.Catalog), Revision: now.Revision}
	return out, domain.Fail("apply catalog", domain.Conflict, fmt.Errorf(
		"someone changed the catalog meanwhile (revision %d became %d); nothing was written: look at the changes it takes now, and apply again",
		was, now.Revision))
}
