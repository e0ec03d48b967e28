package provision

import (
	"context"
	"fmt"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/httpedge/token"
)

// Token is a buyer's key to its feed, as it goes to the buyer.
type Token struct {
	Account domain.AccountID `json:"account"`
	Buyer   domain.BuyerID   `json:"buyer"`
	ID      string           `json:"id"`
	Token   string           `json:"token"`
}

type entry struct {
	key   domain.BuyerKey
	token domain.Token
}

// same tells entries apart by what stands in their tokens: a later end needs another token.
type same struct {
	key   domain.BuyerKey
	id    string
	until int64
}

func (e entry) same() same { return same{e.key, e.token.ID, e.token.ExpiresAt.Unix()} }

// mint makes the tokens the operator is owed: of the entries that before did not have, or of all.
func mint(ctx context.Context, store Store, before domain.Catalog, r Request) ([]Token, error) {
	had := map[same]bool{}
	if !r.AllTokens {
		for _, e := range entries(before) {
			had[e.same()] = true
		}
	}
	var owed []entry
	for _, e := range entries(r.Catalog) {
		if !had[e.same()] {
			owed = append(owed, e)
		}
	}
	if len(owed) == 0 {
		return nil, nil
	}
	key, err := store.TokenKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("read token key: %w", err)
	}
	tokens := make([]Token, len(owed))
	for i, e := range owed {
		tokens[i] = Token{e.key.Account, e.key.Buyer, e.token.ID, token.Mint(key, e.key, e.token)}
	}
	return tokens, nil
}

func entries(c domain.Catalog) []entry {
	var all []entry
	for _, a := range c.Accounts {
		for _, b := range a.Buyers {
			for _, t := range b.Tokens {
				all = append(all, entry{domain.BuyerKey{Account: a.ID, Buyer: b.ID}, t})
			}
		}
	}
	return all
}
