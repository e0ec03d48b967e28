// Package demo is a CRM, a shop and a small market of buyers for one evening: enough to watch the whole way of
// a lead with nothing set up.
//
//	Market ──▶ catalog: one account, five buyers, one campaign, a source with a key made on the spot,
//	           a pixel for the shop (package shop) and the identity graph it is matched against
//	Story  ──▶ webhooks of real shape: contacts arrive, are corrected, become opportunities, are won
//	Sender ──▶ POSTs them to the public port, signed, at a gentle rate, as the CRM would
//	Customer ◀── is posted what leaves, and verifies each request
//
// The story is a function of its seed and of the times it is given, so it can be told again. The
// package sees the product from outside: its URL and its catalog.
package demo

import (
	"crypto/ed25519"
	"encoding/base64"
	"time"

	"github.com/leadwire/leadwire/actors/domain"
)

// The names in the demo's catalog.
const (
	Account  domain.AccountID  = "demo"
	Source   domain.SourceID   = "ghl"
	Campaign domain.CampaignID = "home-solar"
	Location                   = "ve9EPM428h8vShlRW1KT"
	Pixel    domain.PixelID    = "sunny-side"
	Endpoint domain.EndpointID = "customer"
)

// Site is the shop in the catalog: where its pages are, and the graph that knows some of its visitors.
type Site struct {
	Origins []string
	Graph   string // path of the file
}

// tokenLife is how long the printed tokens work: long enough to come back tomorrow.
const tokenLife = 7 * 24 * time.Hour

// Market is the demo's catalog at now: its source is verified by key, and what leaves goes to endpoint. Without a site
// there is no pixel.
func Market(key ed25519.PublicKey, now time.Time, endpoint string, site *Site) domain.Catalog {
	end := now.Add(tokenLife).UTC().Truncate(time.Second)
	buyers := []domain.Buyer{
		{ID: "brightroof", Name: "Brightroof Solar", Timezone: "America/New_York"},
		{ID: "hudson-energy", Name: "Hudson Energy Partners", Timezone: "America/New_York"},
		{ID: "sunharbor", Name: "Sunharbor Home Solar", Timezone: "America/Chicago"},
		{ID: "mesa-electric", Name: "Mesa Electric & Solar", Timezone: "America/Denver"},
		{ID: "pacific-crest", Name: "Pacific Crest Installers", Timezone: "America/Los_Angeles"},
	}
	turns := make([]domain.BuyerID, len(buyers))
	for i := range buyers {
		buyers[i].Tokens = []domain.Token{{ID: "page", ExpiresAt: end}}
		turns[i] = buyers[i].ID
	}
	c := domain.Catalog{
		Sources: []domain.Source{{ID: Source, Kind: "ghl", PublicKeys: []string{base64.StdEncoding.EncodeToString(key)}}},
		Accounts: []domain.Account{{
			ID: Account, Name: "Leadwire demo",
			Locations: []domain.Location{{ID: Location, Source: Source, Campaign: Campaign}},
			Campaigns: []domain.Campaign{{ID: Campaign, Name: "Home solar", Method: domain.RoundRobin, Buyers: turns}},
			Buyers:    buyers,
			Endpoints: []domain.Endpoint{{ID: Endpoint, Name: "A customer", URL: endpoint}},
		}},
	}
	if site != nil {
		c.Graph = site.Graph
		c.Accounts[0].Pixels = []domain.Pixel{{
			ID: Pixel, Name: "Sunny Side Solar", Origins: site.Origins, Deny: []string{"/back-office"}, Campaign: Campaign,
			Announce: domain.Announce{Companies: true, Coalesce: 3 * time.Second},
		}}
	}
	return c
}
