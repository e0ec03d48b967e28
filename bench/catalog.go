package bench

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadwire/leadwire/actors/domain"
)

// The tenant of a run has the run's id in its name, so that two runs on one store never meet.
const (
	sourceID   = "ghl"
	locationID = "leadwire-bench-location"
	campaignID = "bench"
)

// runCatalog is the configuration of one run: one account, one signed source, one campaign over all
// buyers in turn, and a token for each.
func runCatalog(run string, buyers int, key ed25519.PublicKey, now time.Time) ([]byte, error) {
	a := domain.Account{
		ID: domain.AccountID("bench-" + run), Name: "Bench",
		Locations: []domain.Location{{ID: locationID, Source: sourceID, Campaign: campaignID}},
	}
	c := domain.Campaign{ID: campaignID, Method: "round_robin"}
	for i := range buyers {
		id := buyerID(i)
		c.Buyers = append(c.Buyers, id)
		a.Buyers = append(a.Buyers, domain.Buyer{
			ID: id, Tokens: []domain.Token{{ID: "bench", ExpiresAt: now.Add(24 * time.Hour).UTC().Truncate(time.Second)}},
		})
	}
	a.Campaigns = []domain.Campaign{c}
	text, err := yaml.Marshal(domain.Catalog{
		Sources:  []domain.Source{{ID: sourceID, Kind: "ghl", PublicKeys: []string{base64.StdEncoding.EncodeToString(key)}}},
		Accounts: []domain.Account{a},
	})
	if err != nil {
		return nil, fmt.Errorf("write catalog: %w", err)
	}
	return text, nil
}

func buyerID(i int) domain.BuyerID { return domain.BuyerID(fmt.Sprintf("buyer-%05d", i+1)) }

// noCatalog removes everything.
const noCatalog = "sources: []\naccounts: []\n"

// applied is what "apply --json" prints, as far as the harness needs it.
type applied struct {
	Changes []json.RawMessage `json:"changes"`
	Tokens  []struct {
		Token string `json:"token"`
	} `json:"tokens"`
}

func parseApplied(out []byte) (a applied, err error) {
	if err := json.Unmarshal(out, &a); err != nil {
		return a, domain.Fail("read what apply printed", domain.Internal, err)
	}
	return a, nil
}

func (a applied) tokens() []string {
	all := make([]string, len(a.Tokens))
	for i, t := range a.Tokens {
		all[i] = t.Token
	}
	return all
}
