package admin

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/apikey"
)

// keptOnly keeps what is suppressed, and nothing else of a store.
type keptOnly struct {
	domain.Store
	all []domain.Suppression
}

func (k *keptOnly) Suppress(_ context.Context, add []domain.Suppression, _ []string, _ domain.AuditEntry) (int64, error) {
	k.all = append(k.all, add...)
	return int64(len(k.all)), nil
}

type noCatalog struct{}

func (noCatalog) Edit(context.Context, int64, domain.AuditEntry, func(*domain.Catalog) error) (int64, error) {
	return 0, nil
}

type noPeople struct{}

func (noPeople) Find(context.Context, domain.AccountID, string) (domain.Belongings, error) {
	return domain.Belongings{}, nil
}

func (noPeople) Erase(context.Context, domain.AccountID, string, domain.AuditEntry) (domain.Erased, error) {
	return domain.Erased{}, nil
}

// No file makes the reader fall over; every line of it is taken, rejected or empty; and what is taken is the
// caller's own and has no e-mail in it.
func FuzzImport(f *testing.F) {
	f.Add("a@x.example\nb@x.example\n")
	f.Add("kind,value,reason\nregion,DE,\"a, b\"\npath,/a**,\n")
	f.Add("value\n\"\n\"\"\n,,\n\ufeff\n")
	directory := domain.NewDirectory(domain.Catalog{Accounts: []domain.Account{{ID: "acme"}}})
	f.Fuzz(func(t *testing.T, file string) {
		store := &keptOnly{}
		a, err := New(Deps{Store: store, Directory: func() *domain.Directory { return directory }, Catalog: noCatalog{}, People: noPeople{}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		reply := a.importSuppressions(ctx, &Call{
			Caller: Caller{Name: "key", Account: "acme", Scopes: apikey.Scopes()}, Query: func(string) string { return "" }, Body: strings.NewReader(file),
		})
		if reply.Err != nil {
			require.Equal(t, domain.Invalid, domain.CodeOf(reply.Err))
			return
		}
		out, ok := reply.Body.(Imported)
		require.True(t, ok)
		require.Len(t, store.all, out.Taken)
		require.LessOrEqual(t, out.Taken+out.Rejected, strings.Count(file, "\n")+1)
		for _, s := range store.all {
			require.Equal(t, domain.AccountID("acme"), s.Account)
			require.NotEmpty(t, s.ID)
			if s.Kind == domain.SuppressEmail {
				require.NotContains(t, s.Value, "@")
			}
		}
	})
}
