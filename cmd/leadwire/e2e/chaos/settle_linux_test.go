package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/cluster"
	"github.com/leadwire/leadwire/cmd/leadwire/control"
)

// whole: every node is ready and sees every other, and together they hold everything.
func (r *round) whole(ctx context.Context) error {
	held := 0
	for _, n := range r.nodes {
		if _, err := page(ctx, n, "/readyz"); err != nil {
			return err
		}
		s, err := standing(ctx, n)
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		if len(s.Members) != len(r.nodes) {
			return fmt.Errorf("%s knows %d members", n.name, len(s.Members))
		}
		held += s.Held
	}
	if held != domain.Partitions {
		return fmt.Errorf("%d partitions are held", held)
	}
	return nil
}

// standing is how the cluster looks from a node.
func standing(ctx context.Context, n *node) (s cluster.Standing, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node/api/v1/cluster", nil)
	if err != nil {
		return s, err
	}
	res, err := control.NewClient(n.data).Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s)
}

func page(ctx context.Context, n *node, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url(path), nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s: status %d", n.name, path, res.StatusCode)
	}
	return string(text), err
}

// open: every dashboard knows its place.
func (r *round) open(context.Context) error {
	for _, d := range r.dashboards {
		if !d.knows() {
			return fmt.Errorf("the dashboard of %s is not open", d.buyer)
		}
	}
	return nil
}

// settled: all that was told is acked, nothing waits in the store, and the dashboards have seen their feeds.
func (r *round) settled(ctx context.Context) error {
	if err := r.whole(ctx); err != nil {
		return err
	}
	if n := r.courier.under.Load(); n > 0 {
		return fmt.Errorf("%d requests are not acked", n)
	}
	conn, err := pgx.Connect(ctx, r.server.URL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var events, sightings, deliveries int
	if err := conn.QueryRow(ctx, "SELECT (SELECT count(*) FROM pending_events), (SELECT count(*) FROM sightings), (SELECT count(*) FROM pending_deliveries)").
		Scan(&events, &sightings, &deliveries); err != nil {
		return err
	}
	if events+sightings+deliveries > 0 {
		return fmt.Errorf("%d events, %d sightings and %d deliveries wait", events, sightings, deliveries)
	}
	for _, d := range r.dashboards {
		var head int
		if err := conn.QueryRow(ctx, "SELECT coalesce(max(head), 0) FROM feeds WHERE buyer = $1", d.buyer).Scan(&head); err != nil {
			return err
		}
		if rows, _ := d.seen(); len(rows) < head {
			return fmt.Errorf("a dashboard of %s has seen %d rows of %d", d.buyer, len(rows), head)
		}
	}
	return nil
}

var panics = regexp.MustCompile(`(?m)^leadwire_cluster_panics_total\S* (\S+)$`)

// verdict holds everything against everything.
func (r *round) verdict(ctx context.Context) (told []string) {
	conn, err := pgx.Connect(ctx, r.server.URL())
	if err != nil {
		r.brokenf("ask the store: %v", err)
		return nil
	}
	defer conn.Close(context.WithoutCancel(ctx))
	c := &checks{ctx: ctx, conn: conn, broken: r.brokenf}
	c.store()
	c.noTrespass()
	c.claims(r.history)
	c.sources(r.crm, r.site)
	c.contacts(r.crm)
	for _, d := range r.dashboards {
		c.dashboard(d, r.nodes)
	}
	for _, receiver := range r.receivers {
		c.receiver(receiver)
		c.strangers(receiver)
	}
	for _, n := range r.nodes {
		text, err := page(ctx, n, "/metrics")
		c.holdf(err == nil, "%v", err)
		for _, m := range panics.FindAllStringSubmatch(text, -1) {
			n, err := strconv.ParseFloat(m[1], 64)
			c.holdf(err == nil && n == 0, "an actor panicked: %s", m[0])
		}
	}
	c.told = append(c.told, fmt.Sprintf("answers %v", r.courier.statuses()))
	return c.told
}
