package provision

import (
	"context"
	"fmt"
	"slices"

	"github.com/leadwire/leadwire/actors/domain"
)

// editTries is how often an edit is made again because somebody else was first. Catalogs change a few times a
// day; whoever loses so often is in a loop with another program.
const editTries = 5

// Edit reads the store's catalog, lets change alter it, checks it and puts it in its place. When somebody else
// is first it is done again on theirs, unless expect says which revision it has to be an edit of (negative:
// any). An edit that changes nothing writes nothing, and otherwise who made it is in the same commit. It returns the
// revision in force.
func Edit(ctx context.Context, store Store, expect int64, audit domain.AuditEntry, change func(*domain.Catalog) error) (int64, error) {
	for tries := 1; ; tries++ {
		now, err := store.Catalog(ctx)
		if err != nil {
			return 0, fmt.Errorf("read catalog: %w", err)
		}
		if expect >= 0 && now.Revision != expect {
			return now.Revision, domain.Fail("edit catalog", domain.Conflict,
				fmt.Errorf("the catalog has changed since (revision %d became %d): read again, and decide", expect, now.Revision))
		}
		next := now
		next.Accounts = slices.Clone(now.Accounts) // an account is replaced whole by whoever changes it
		if err := change(&next); err != nil {
			return now.Revision, err
		}
		if err := Check(next); err != nil {
			return now.Revision, err
		}
		if len(now.Diff(next)) == 0 {
			return now.Revision, nil
		}
		revision, err := store.ApplyCatalog(ctx, next, audit)
		switch {
		case err == nil:
			return revision, nil
		case domain.CodeOf(err) != domain.Conflict || expect >= 0 || tries == editTries:
			return now.Revision, fmt.Errorf("edit catalog: %w", err)
		}
	}
}
