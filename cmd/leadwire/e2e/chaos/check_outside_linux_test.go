package chaos_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// dashboard: a page saw its whole feed, in order, each row once, and the API alone tells the same.
func (c *checks) dashboard(d *dashboard, nodes []*node) {
	var feed, leads []string
	c.each("SELECT format('%s %s %s', seq, lead, type) FROM feed_events WHERE buyer = $1 ORDER BY seq", func(text string) { feed = append(feed, text) }, d.buyer)
	c.each("SELECT id FROM leads WHERE buyer = $1 ORDER BY assign_seq DESC", func(text string) { leads = append(leads, text) }, d.buyer)
	rows, resyncs := d.seen()
	saw := make([]string, len(rows))
	for i, r := range rows {
		saw[i] = fmt.Sprintf("%d %s %s", r.Seq, r.Lead, r.Type)
	}
	c.holdf(resyncs == 0, "%s was told to refetch, %d times", d.buyer, resyncs)
	c.holdf(slices.Equal(saw, feed), "%s saw %d rows of %d, and the first that differs is %s", d.buyer, len(saw), len(feed), firstDifference(saw, feed))
	for _, n := range nodes {
		pulled, err := d.pull(c.ctx, n)
		c.holdf(err == nil, "%v", err)
		c.holdf(slices.Equal(pulled, leads), "%s pulls %d leads from %s, has %d: %s", d.buyer, len(pulled), n.name, len(leads), firstDifference(pulled, leads))
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("number %d, %q, which did not come", i+1, want[i])
		case i >= len(want):
			return fmt.Sprintf("number %d, %q, which should not have come", i+1, got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("number %d, %q and not %q", i+1, got[i], want[i])
		}
	}
	return "none"
}

// receiver: what a customer took of a lead is what was announced of it, and each came first in that order. One that came
// before may come again: a node that was paused within an attempt knows nothing of those after it.
func (c *checks) receiver(r *receiver) {
	want := map[string][]string{}
	c.each("SELECT lead || ' ' || id || ' ' || type FROM announcements ORDER BY seq", func(text string) {
		lead, event, _ := strings.Cut(text, " ")
		want[lead] = append(want[lead], event)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	c.holdf(len(r.faults) == 0, "%s was sent %d requests that it must not be sent: %v", r.id, len(r.faults), r.faults[:min(len(r.faults), 5)])
	c.holdf(len(r.taken) == len(want), "%s has heard of %d leads of %d", r.id, len(r.taken), len(want))
	again, late := 0, 0
	for lead, announced := range want {
		var first []string
		for _, e := range r.taken[lead] {
			event := e.ID + " " + e.Type
			switch i := slices.Index(first, event); {
			case i < 0:
				first = append(first, event)
			case i == len(first)-1:
				again++
			default:
				late++
			}
		}
		c.holdf(slices.Equal(first, announced), "%s was told of %s in another order, or not all: %s", r.id, lead, firstDifference(first, announced))
	}
	c.note(fmt.Sprintf("deliveries to %s again, of which %d after a later one", r.id, late), int64(again+late))
}

// strangers counts what a receiver was sent by a node after another had claimed the endpoint. What was on its way when
// a node was paused, or its link cut, may arrive so; more than a few say that a node went on where it should not.
func (c *checks) strangers(r *receiver) {
	type reign struct {
		since time.Time
		run   string
	}
	rows, err := c.conn.Query(c.ctx, "SELECT c.at, c.run FROM chaos.claims c JOIN endpoints e ON e.partition = c.p WHERE e.endpoint = $1 ORDER BY c.at DESC", r.id)
	c.holdf(err == nil, "ask the store for claims: %v", err)
	reigns, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o reign, err error) { return o, row.Scan(&o.since, &o.run) })
	c.holdf(err == nil, "ask the store for claims: %v", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	strange := 0
	for _, a := range r.from {
		i := slices.IndexFunc(reigns, func(o reign) bool { return o.since.Before(a.at) })
		if i < 0 || !strings.HasPrefix(reigns[i].run, a.node+".") {
			strange++
		}
	}
	c.note(fmt.Sprintf("of %d requests to %s by a node that had lost it", len(r.from), r.id), int64(strange))
}
