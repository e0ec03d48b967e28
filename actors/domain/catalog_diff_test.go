package domain

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A diff says in a line what an operator changed, and nothing when nothing was.
func TestCatalog_Diff(t *testing.T) {
	t.Parallel()
	ada := func(c *Catalog) *Buyer { return &c.Accounts[0].Buyers[0] }
	for name, row := range map[string]struct {
		edit func(*Catalog)
		want []string
	}{
		"nothing": {func(*Catalog) {}, nil},
		"the same instant in another zone": {
			func(c *Catalog) {
				ada(c).Tokens[0].ExpiresAt = ada(c).Tokens[0].ExpiresAt.In(time.FixedZone("", 3600))
			}, nil,
		},
		"empty lists for absent ones":   {func(c *Catalog) { c.Sources[0].PublicKeys = []string{} }, nil},
		"another revision":              {func(c *Catalog) { c.Revision = 9 }, nil},
		"another order of the entities": {func(c *Catalog) { b := c.Accounts[0].Buyers; b[0], b[1] = b[1], b[0] }, nil},
		"a field":                       {func(c *Catalog) { ada(c).DailyCap = 10 }, []string{"~ account acme / buyer ada: daily_cap 5 -> 10"}},
		"a field that was not set":      {func(c *Catalog) { ada(c).Paused = true }, []string{"~ account acme / buyer ada: paused (unset) -> true"}},
		"a field that is taken away":    {func(c *Catalog) { ada(c).Name = "" }, []string{`~ account acme / buyer ada: name "Ada" -> (unset)`}},
		"the order of turns": {
			func(c *Catalog) { b := c.Accounts[0].Campaigns[0].Buyers; b[0], b[1] = b[1], b[0] },
			[]string{`~ account acme / campaign solar: buyers ["ada","ben"] -> ["ben","ada"]`},
		},
		"who is told of failures": {
			func(c *Catalog) { c.Accounts[0].Operations = "pager" }, []string{`~ account acme: operations (unset) -> "pager"`},
		},
		"a buyer with a token": {
			func(c *Catalog) {
				a := &c.Accounts[0]
				a.Buyers = append(a.Buyers, Buyer{ID: "cy", Name: "Cy", Tokens: []Token{{ID: "t", ExpiresAt: time.Unix(0, 0)}}})
			},
			[]string{`+ account acme / buyer cy: name="Cy"`, `+ account acme / buyer cy / token t: expires_at="1970-01-01T00:00:00Z"`},
		},
		"a whole account": {
			func(c *Catalog) { c.Accounts = nil },
			[]string{
				"- account acme", "- account acme / buyer ada", "- account acme / buyer ada / token phone",
				"- account acme / buyer ben", "- account acme / campaign solar", "- account acme / location ghl/ve9EPM428h8vShlRW1KT",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := validCatalog()
			row.edit(&next)
			var lines []string
			for _, change := range validCatalog().Diff(next) {
				lines = append(lines, change.String())
			}
			require.Equal(t, row.want, lines)
		})
	}
}
