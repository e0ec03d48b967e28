// Package shop is a small web shop with Leadwire's pixel on it: enough to be visited in a browser and to see
// oneself matched.
//
//	browser ──▶ shop (another origin than the node) ──▶ pages with <script src="http://node/p.js?id=...">
//	        ──▶ node: POST /p ──▶ match ──▶ announcement ──▶ shop's back office, which pulls it
//	Crowd   ──▶ node: the same hits, from visitors that the graph knows and does not know
//
// Its people are guests of the demo's synthetic graph: nobody exists, and every page says so. The shop sees
// the product from outside: its script, its endpoint and its API.
package shop

import "github.com/leadwire/leadwire/actors/domain"

// Guest is somebody of the synthetic graph whom a visitor can be.
type Guest struct {
	Name    string
	Title   string
	Company string
	Email   string
	Visitor domain.VisitorID // a browser of theirs that the graph knows
	Click   domain.Click     // an advertisement they clicked on
}
