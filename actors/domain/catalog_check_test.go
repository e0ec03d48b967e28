package domain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func validCatalog() Catalog {
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	return Catalog{
		Sources: []Source{{ID: "ghl", Kind: "ghl"}},
		Accounts: []Account{{
			ID: "acme", Name: "Acme Solar",
			Locations: []Location{{ID: "ve9EPM428h8vShlRW1KT", Source: "ghl", Campaign: "solar"}},
			Campaigns: []Campaign{{ID: "solar", Method: RoundRobin, Buyers: []BuyerID{"ada", "ben"}}},
			Buyers: []Buyer{
				{ID: "ada", Name: "Ada", DailyCap: 5, Timezone: "America/New_York", Tokens: []Token{{ID: "phone", ExpiresAt: end}}},
				{ID: "ben", Name: "Ben"},
			},
		}},
	}
}

// Every rule names the field that broke it; without a fault there is no error.
func TestCatalog_Validate(t *testing.T) {
	t.Parallel()
	acme := func(c *Catalog) *Account { return &c.Accounts[0] }
	proveRules(t, validCatalog, refuseBadKeys, map[string]catalogRule{
		"a whole catalog is fine":                  {harm: func(*Catalog) {}},
		"so is an empty one":                       {harm: func(c *Catalog) { *c = Catalog{} }},
		"two accounts may use the same buyer id":   {harm: func(c *Catalog) { c.Accounts = append(c.Accounts, Account{ID: "b", Buyers: []Buyer{{ID: "ada"}}}) }},
		"a source's id stands in a URL":            {func(c *Catalog) { c.Sources[0].ID = "g/hl" }, "sources[0].id", "a-z"},
		"sources are told apart by their ids":      {func(c *Catalog) { c.Sources = append(c.Sources, c.Sources[0]) }, "sources[1].id", "twice"},
		"a source has a kind":                      {func(c *Catalog) { c.Sources[0].Kind = "" }, "sources[0].kind", "must be given"},
		"a body limit is not negative":             {func(c *Catalog) { c.Sources[0].MaxBody = -1 }, "sources[0].max_body", "from 0 (the default) to 1048576"},
		"a body limit has a bound":                 {func(c *Catalog) { c.Sources[0].MaxBody = MaxSourceBody + 1 }, "sources[0].max_body", "from 0 (the default) to 1048576"},
		"legacy keys without legacy do nothing":    {func(c *Catalog) { c.Sources[0].LegacyKeys = []string{"k"} }, "sources[0].legacy_keys", "legacy is off"},
		"a verifier's fault has the source's path": {func(c *Catalog) { c.Sources[0].PublicKeys = []string{"bad"} }, "sources[0].public_keys[0]", "not a key"},
		"an account has an id":                     {func(c *Catalog) { acme(c).ID = "" }, "accounts[0].id", "1 to 64"},
		"accounts are told apart by their ids":     {func(c *Catalog) { c.Accounts = append(c.Accounts, Account{ID: "acme"}) }, "accounts[1].id", "twice"},
		"a buyer's id is well formed":              {func(c *Catalog) { acme(c).Buyers[1].ID = "be n" }, "accounts[0].buyers[1].id", "a-z"},
		"buyers of an account are told apart":      {func(c *Catalog) { acme(c).Buyers[1].ID = "ada" }, "accounts[0].buyers[1].id", "twice"},
		"a cap is not negative":                    {func(c *Catalog) { acme(c).Buyers[0].DailyCap = -1 }, "accounts[0].buyers[0].daily_cap", "0 (no cap) or more"},
		"a time zone loads":                        {func(c *Catalog) { acme(c).Buyers[0].Timezone = "Mars/Olympus" }, "accounts[0].buyers[0].timezone", "IANA"},
		"the machine's own zone is no zone":        {func(c *Catalog) { acme(c).Buyers[0].Timezone = "Local" }, "accounts[0].buyers[0].timezone", "IANA"},
		"a token has an id":                        {func(c *Catalog) { acme(c).Buyers[0].Tokens[0].ID = "" }, "accounts[0].buyers[0].tokens[0].id", "1 to 64"},
		"a buyer's tokens are told apart":          {func(c *Catalog) { b := &acme(c).Buyers[0]; b.Tokens = append(b.Tokens, b.Tokens[0]) }, "accounts[0].buyers[0].tokens[1].id", "twice"},
		"a token has an end":                       {func(c *Catalog) { acme(c).Buyers[0].Tokens[0].ExpiresAt = time.Time{} }, "accounts[0].buyers[0].tokens[0].expires_at", "must be given"},
		"a campaign's id is well formed":           {func(c *Catalog) { acme(c).Campaigns[0].ID = "" }, "accounts[0].campaigns[0].id", "1 to 64"},
		"a routing method is known":                {func(c *Catalog) { acme(c).Campaigns[0].Method = "lottery" }, "accounts[0].campaigns[0].method", "round_robin"},
		"a campaign's buyers exist":                {func(c *Catalog) { acme(c).Campaigns[0].Buyers[1] = "eve" }, "accounts[0].campaigns[0].buyers[1]", "not a buyer of this account"},
		"a buyer takes one turn":                   {func(c *Catalog) { acme(c).Campaigns[0].Buyers[1] = "ada" }, "accounts[0].campaigns[0].buyers[1]", "twice"},
		"a location's id can be kept":              {func(c *Catalog) { acme(c).Locations[0].ID = "" }, "accounts[0].locations[0].id", "1 to 200"},
		"a location's source exists":               {func(c *Catalog) { acme(c).Locations[0].Source = "stripe" }, "accounts[0].locations[0].source", "not one of the sources"},
		"a location's campaign exists":             {func(c *Catalog) { acme(c).Locations[0].Campaign = "roof" }, "accounts[0].locations[0].campaign", "not a campaign of this account"},
		"a location belongs to one account":        {func(c *Catalog) { c.Accounts = append(c.Accounts, thief()) }, "accounts[1].locations[0].id", "taken by accounts[0].locations[0]"},
		"a buyer of another account is not offered": {func(c *Catalog) {
			th := thief()
			th.Campaigns[0].Buyers = []BuyerID{"ada"}
			th.Locations = nil
			c.Accounts = append(c.Accounts, th)
		}, "accounts[1].campaigns[0].buyers[0]", "not a buyer of this account"},
	})
}

// catalogRule is a way to harm a catalog, and what an operator is told of it.
type catalogRule struct {
	harm  func(*Catalog)
	field string // at fault; empty: none
	rule  string // part of it
}

func proveRules(t *testing.T, valid func() Catalog, verify func(Source) error, rules map[string]catalogRule) {
	t.Helper()
	for name, row := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			row.harm(&c)
			err := c.Validate(verify)
			if row.field == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, Invalid, CodeOf(err))
			require.Contains(t, faults(err), row.field)
			require.Contains(t, faults(err)[row.field], row.rule)
		})
	}
}

// An operator mends a file in one go, so every fault is told at once.
func TestCatalog_ValidateTellsAllFaults(t *testing.T) {
	t.Parallel()
	c := validCatalog()
	c.Sources[0].Kind = ""
	c.Accounts[0].Buyers[0].DailyCap = -1
	c.Accounts[0].Campaigns[0].Method = ""
	require.Len(t, faults(c.Validate(nil)), 3)
}

// thief is an account that claims acme's location.
func thief() Account {
	return Account{
		ID:        "thief",
		Campaigns: []Campaign{{ID: "c", Method: RoundRobin}},
		Locations: []Location{{ID: "ve9EPM428h8vShlRW1KT", Source: "ghl", Campaign: "c"}},
	}
}

func refuseBadKeys(s Source) error {
	if len(s.PublicKeys) > 0 {
		return FailField("parse key", "public_keys[0]", "not a key")
	}
	return nil
}

// faults lists the rules of a joined error by their fields.
func faults(err error) map[string]string {
	all := map[string]string{}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, one := range joined.Unwrap() {
			if e, ok := errors.AsType[*Error](one); ok {
				all[e.Field] = strings.TrimSpace(e.Err.Error())
			}
		}
	}
	return all
}
