package chaos_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/leadwire/leadwire/actors/domain"
)

// checks are what must hold after a round; they collect all that does not.
type checks struct {
	ctx    context.Context //nolint:containedctx // of the one verdict they are for
	conn   *pgx.Conn
	broken func(format string, args ...any)
	told   []string
}

func (c *checks) holdf(ok bool, format string, args ...any) {
	if !ok {
		c.broken(format, args...)
	}
}

// each calls f with every row of one text.
func (c *checks) each(sql string, f func(string), args ...any) {
	rows, err := c.conn.Query(c.ctx, sql, args...)
	if err == nil {
		var text string
		_, err = pgx.ForEachRow(rows, []any{&text}, func() error { f(text); return nil })
	}
	if err != nil {
		c.broken("ask the store %q: %v", sql, err)
	}
}

// number is what a query counts.
func (c *checks) number(sql string, args ...any) (n int64) {
	if err := c.conn.QueryRow(c.ctx, sql, args...).Scan(&n); err != nil {
		c.broken("ask the store %q: %v", sql, err)
	}
	return n
}

// none: a query that lists what is wrong lists nothing.
func (c *checks) none(promise, sql string) {
	var all []string
	c.each(sql, func(text string) { all = append(all, text) })
	c.holdf(len(all) == 0, "%s: %d times not:\n  %s", promise, len(all), strings.Join(all[:min(len(all), 20)], "\n  "))
}

// store holds the store against itself.
func (c *checks) store() {
	for promise, sql := range map[string]string{
		"an event has one row":                   `SELECT format('%s %s: %s rows', source, event_id, count(*)) FROM events GROUP BY account, source, event_id HAVING count(*) <> 1`,
		"an event's key and row belong together": `SELECT format('event %s, key %s', e.seq, k.seq) FROM events e FULL JOIN event_keys k USING (seq) WHERE e.seq IS NULL OR k.seq IS NULL`,
		"a lead is assigned once":                `SELECT format('%s: %s times', lead, count(*)) FROM feed_events WHERE type = 'lead.assigned' GROUP BY account, lead HAVING count(*) <> 1`,
		"an event takes effect once":             `SELECT format('%s: %s times', event_id, count(*)) FROM feed_events GROUP BY account, source, event_id HAVING count(*) <> 1`,
		"a lead is where its assignment says":    `SELECT format('%s: %s, not %s', l.id, l.buyer, f.buyer) FROM leads l JOIN feed_events f ON f.account = l.account AND f.lead = l.id WHERE f.buyer <> l.buyer`,
		"a lead is assigned":                     `SELECT format('%s: %s', id, state) FROM leads WHERE state <> 'assigned' OR buyer = ''`,
		"a feed has no gap":                      `SELECT format('%s: head %s, %s rows from %s to %s', f.buyer, f.head, count(e.seq), min(e.seq), max(e.seq)) FROM feeds f LEFT JOIN feed_events e USING (account, buyer) GROUP BY f.account, f.buyer, f.head HAVING count(e.seq) <> f.head OR f.head > 0 AND (min(e.seq) <> 1 OR max(e.seq) <> f.head)`,
		"assignments of a day are counted":       `SELECT format('%s on %s: %s, the last is number %s', buyer, day, count(*), max(day_count)) FROM feed_events WHERE type = 'lead.assigned' GROUP BY account, buyer, day HAVING count(*) <> max(day_count) OR count(*) <> count(DISTINCT day_count)`,
		"a cap holds":                            `SELECT format('%s on %s: %s of %s', buyer, day, day_count, cap) FROM feed_events WHERE cap > 0 AND day_count > cap`,
		"announcements have no gap":              `SELECT format('%s: head %s, %s rows to %s', h.account, h.head, count(a.seq), max(a.seq)) FROM heads h LEFT JOIN announcements a USING (account) WHERE h.account <> '' GROUP BY h.account, h.head HAVING count(a.seq) <> h.head OR max(a.seq) <> h.head`,
		"an event is announced once":             `SELECT format('%s: %s times', id, count(*)) FROM announcements GROUP BY account, id HAVING count(*) <> 1`,
		"a first match happens once":             `SELECT format('%s: %s times', lead, count(*)) FROM announcements WHERE type = 'visitor.identified' GROUP BY account, lead HAVING count(*) <> 1`,
		"a first match has the id that is known": `SELECT format('%s: %s, known is %s', a.lead, a.id, convert_from(q.body, 'UTF8')::json->>'first_id') FROM announcements a LEFT JOIN acquaintances q ON q.account = a.account AND q.lead = a.lead WHERE a.type = 'visitor.identified' AND convert_from(q.body, 'UTF8')::json->>'first_id' IS DISTINCT FROM a.id`,
		"each endpoint is owed each event once":  `SELECT format('%s to %s: %s times', a.id, e.endpoint, count(d.n)) FROM announcements a CROSS JOIN endpoints e LEFT JOIN (SELECT n, endpoint, account, announcement FROM deliveries UNION ALL SELECT n, endpoint, account, announcement FROM pending_deliveries) d ON d.endpoint = e.n AND d.account = a.account AND d.announcement = a.seq GROUP BY a.id, e.endpoint HAVING count(d.n) <> 1`,
		"every delivery ends, here as delivered": `SELECT format('%s: state %s after %s attempts, %s', n, state, attempts, reason) FROM deliveries WHERE state <> 1`,
		"each attempt has its receipt":           `SELECT format('%s: %s attempts, %s receipts', d.n, d.attempts, count(r.number)) FROM deliveries d LEFT JOIN receipts r ON r.delivery = d.n GROUP BY d.n, d.attempts HAVING count(r.number) <> d.attempts`,
	} {
		c.none(promise, sql)
	}
}

// sources holds the store against what the sources were told.
func (c *checks) sources(crm *crm, site *site) {
	rows := map[string]int{}
	c.each("SELECT event_id FROM events", func(id string) { rows[id]++ })
	effects := map[string]bool{}
	c.each("SELECT event_id FROM feed_events WHERE source = 'ghl'", func(id string) { effects[id] = true })
	events, hits := crm.events(), site.hits()
	c.holdf(len(events) > 0 && len(hits) > 0, "a round in which nothing was acked says nothing")
	for _, e := range events {
		c.holdf(rows[e.id()] == 1, "%s was acked and has %d rows", e.id(), rows[e.id()])
		c.holdf(effects[e.id()], "%s was acked and had no effect", e.id())
	}
	for _, h := range hits {
		c.holdf(rows[h.id] == 1, "%s was acked and has %d rows", h.id, rows[h.id])
	}
	c.holdf(len(rows) == len(events)+len(hits), "%d rows for %d events: everything was told until it was acked", len(rows), len(events)+len(hits))
	c.holdf(len(effects) == len(events), "%d effects of %d events", len(effects), len(events))
	c.note("CRM events", int64(len(events)))
	c.note("hits", int64(len(hits)))
	c.people(site)
}

// people: everybody known who was seen was announced, each view of theirs once, and entered the campaign.
func (c *checks) people(site *site) {
	sightings := map[string]int{}
	c.each(`SELECT lead || ' ' || coalesce(convert_from(payload, 'UTF8')::json->>'sightings', '0') FROM announcements WHERE type IN ('visitor.identified', 'visitor.updated')`, func(text string) {
		var lead string
		var n int
		if _, err := fmt.Sscan(text, &lead, &n); err != nil {
			c.broken("read %q: %v", text, err)
		}
		sightings[lead] += n
	})
	entered := map[string]bool{}
	c.each(`SELECT id FROM leads WHERE source = 'pixel'`, func(lead string) { entered[lead] = true })
	viewed := site.viewed()
	for lead, views := range viewed {
		c.holdf(sightings[string(lead)] == views, "%s: %d views acked, %d announced", lead, views, sightings[string(lead)])
		c.holdf(entered[string(lead)], "%s was identified and did not enter the campaign", lead)
	}
	c.holdf(len(sightings) == len(viewed), "%d people announced, %d were there", len(sightings), len(viewed))
}

// contacts: a lead knows what each of its changes said, and the last word of the newest.
func (c *checks) contacts(crm *crm) {
	newest := map[int]int{}
	for _, e := range crm.events() {
		newest[e.lead] = max(newest[e.lead], e.n)
	}
	contacts := map[string]domain.Contact{}
	c.each(`SELECT id || ' ' || convert_from(contact, 'UTF8') FROM leads`, func(text string) {
		id, contact, _ := strings.Cut(text, " ")
		parsed, err := domain.ParseContact([]byte(contact))
		if err != nil {
			c.broken("read the contact of %s: %v", id, err)
		}
		contacts[id] = parsed
	})
	for lead, last := range newest {
		contact := contacts[string(crmLead(lead))]
		for n := 1; n <= last; n++ {
			name, value := change{lead, n}.field()
			c.holdf(contact.Fields[name] == value, "%s does not know its change %d of %d", crmLead(lead), n, last)
		}
		if last > 0 {
			c.holdf(contact.Company == change{lead, last}.company(), "%s: %q and not the newest change, %d, has the last word", crmLead(lead), contact.Company, last)
		}
	}
}
