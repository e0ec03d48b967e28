package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/leadwire/leadwire/actors/domain"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The kinds of catalog rows.
const (
	kindSource   = "source"
	kindAccount  = "account"
	kindLocation = "location"
	kindCampaign = "campaign"
	kindBuyer    = "buyer"
	kindPlatform = "platform"
)

// platform is the one row of what belongs to no account, if there is anything.
type platform struct {
	Graph    string                      `json:"graph,omitempty"`
	Suppress []domain.CatalogSuppression `json:"suppress,omitempty"`
}

// entry is one row of the catalog.
type entry struct {
	kind, account string
	ord           int64 // its place in the operator's file
	id            string
	spec          string
}

// Catalog reads the whole catalog; see domain.Store.
func (s *Store) Catalog(ctx context.Context) (cat domain.Catalog, err error) {
	err = s.read(ctx, "read catalog", func(c *sqlite.Conn) (err error) {
		end := sqlitex.Transaction(c) // revision and rows from one moment
		defer end(&err)
		if cat.Revision, err = catalogRevision(c); err != nil {
			return err
		}
		var rows []entry
		err = query(c, `SELECT kind, account, ord, id, spec FROM catalog ORDER BY kind, account, ord`, func(s *sqlite.Stmt) {
			r := columns{stmt: s}
			rows = append(rows, entry{r.text(), r.text(), r.int(), r.text(), r.text()})
		})
		if err != nil {
			return err
		}
		return assemble(&cat, rows)
	})
	return cat, err
}

// CatalogRevision reads just its revision; see domain.Store.
func (s *Store) CatalogRevision(ctx context.Context) (revision int64, err error) {
	err = s.read(ctx, "read catalog revision", func(c *sqlite.Conn) (err error) {
		revision, err = catalogRevision(c)
		return err
	})
	return revision, err
}

func catalogRevision(c *sqlite.Conn) (int64, error) {
	return settingNumber(c, settingRevision)
}

// ApplyCatalog replaces the catalog if nobody was first; see domain.Store.
func (s *Store) ApplyCatalog(ctx context.Context, cat domain.Catalog, audit ...domain.AuditEntry) (int64, error) {
	const opName = "apply catalog"
	rows, err := disassemble(cat)
	if err != nil {
		return 0, domain.Fail(opName, domain.Invalid, err)
	}
	_, err = s.writer.Do(ctx, op{admin: func(t *tx) error {
		revision, err := catalogRevision(t.conn)
		if err != nil {
			return err
		}
		if revision != cat.Revision {
			return domain.Fail(opName, domain.Conflict, fmt.Errorf("the catalog is at revision %d, not %d", revision, cat.Revision))
		}
		if err := writeCatalog(t.conn, rows, cat.Revision+1); err != nil {
			return err
		}
		for _, e := range audit {
			if err := t.note(e); err != nil {
				return err
			}
		}
		return t.raiseBasis() // it has suppressions of its own
	}})
	if err != nil {
		return 0, err
	}
	return cat.Revision + 1, nil
}

func writeCatalog(c *sqlite.Conn, rows []entry, revision int64) error {
	if err := query(c, `DELETE FROM catalog`, nil); err != nil {
		return fmt.Errorf("clear catalog: %w", err)
	}
	for _, r := range rows {
		err := query(c, `INSERT INTO catalog (kind, account, ord, id, spec) VALUES (?, ?, ?, ?, ?)`, nil,
			r.kind, r.account, r.ord, r.id, r.spec)
		if err != nil {
			return fmt.Errorf("insert %s %s: %w", r.kind, r.id, err)
		}
	}
	return putSetting(c, settingRevision, []byte(strconv.FormatInt(revision, 10)))
}

// disassemble takes a catalog apart into rows, an account without what has rows of its own.
func disassemble(cat domain.Catalog) (rows []entry, err error) {
	add := func(kind string, account domain.AccountID, ord int, id string, spec any) {
		b, marshalErr := json.Marshal(spec)
		if marshalErr != nil && err == nil {
			err = fmt.Errorf("encode %s %s: %w", kind, id, marshalErr)
		}
		rows = append(rows, entry{kind, string(account), int64(ord), id, string(b)})
	}
	if cat.Graph != "" || len(cat.Suppress) > 0 {
		add(kindPlatform, "", 0, "", platform{cat.Graph, cat.Suppress})
	}
	for i, s := range cat.Sources {
		add(kindSource, "", i, string(s.ID), s)
	}
	for i, a := range cat.Accounts {
		for j, l := range a.Locations {
			add(kindLocation, a.ID, j, l.ID, l)
		}
		for j, c := range a.Campaigns {
			add(kindCampaign, a.ID, j, string(c.ID), c)
		}
		for j, b := range a.Buyers {
			add(kindBuyer, a.ID, j, string(b.ID), b)
		}
		a.Locations, a.Campaigns, a.Buyers = nil, nil, nil
		add(kindAccount, a.ID, i, string(a.ID), a)
	}
	return rows, err
}

// assemble puts the rows together again. They come sorted by kind, and "account" sorts first.
func assemble(cat *domain.Catalog, rows []entry) error {
	accounts := map[string]domain.Account{}
	places := map[int64]string{} // the accounts' order: their key in the table begins with their own id
	for _, r := range rows {
		a := accounts[r.account]
		var err error
		switch r.kind {
		case kindSource:
			cat.Sources, err = appendSpec(cat.Sources, r.spec)
		case kindPlatform:
			var p platform
			err = json.Unmarshal([]byte(r.spec), &p)
			cat.Graph, cat.Suppress = p.Graph, p.Suppress
		case kindAccount:
			err = json.Unmarshal([]byte(r.spec), &a)
			places[r.ord] = r.account
		case kindLocation:
			a.Locations, err = appendSpec(a.Locations, r.spec)
		case kindCampaign:
			a.Campaigns, err = appendSpec(a.Campaigns, r.spec)
		case kindBuyer:
			a.Buyers, err = appendSpec(a.Buyers, r.spec)
		}
		if err != nil {
			return domain.Fail("read catalog", domain.Internal, fmt.Errorf("%s %s: %w", r.kind, r.id, err))
		}
		if r.account != "" {
			accounts[r.account] = a
		}
	}
	for i := range int64(len(places)) {
		cat.Accounts = append(cat.Accounts, accounts[places[i]])
	}
	return nil
}

func appendSpec[T any](to []T, spec string) ([]T, error) {
	var v T
	err := json.Unmarshal([]byte(spec), &v)
	return append(to, v), err
}
