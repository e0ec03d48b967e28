package chaos_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/leadwire/leadwire/actors/domain"
	"github.com/leadwire/leadwire/actors/wire"
	"github.com/leadwire/leadwire/cluster"
)

// The watch over fences. Each run of a node has a name of its own at the store (application_name). A trigger remembers
// which run claimed a partition last; others look, within each commit that writes what only an owner may, whether it
// comes from that run. A commit holds its partitions' rows, so nobody claims one between the look and the commit. What
// a fence would have refused, and did not, is a row in chaos.trespasses: written by the commit that should not be.
const watchFences = `
CREATE SCHEMA chaos;
CREATE TABLE chaos.claims (n bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, p int, epoch bigint, run text, node text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE chaos.owners (p int PRIMARY KEY, epoch bigint, run text);
CREATE TABLE chaos.actors (kind text, id text COLLATE "C", p int, PRIMARY KEY (kind, id));
CREATE TABLE chaos.trespasses (at timestamptz DEFAULT clock_timestamp(), what text, id text, p int, run text, owner text, epoch bigint);
CREATE TABLE chaos.looks (what text, id text);

CREATE FUNCTION chaos.claimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO chaos.claims (p, epoch, run, node) VALUES (NEW.p, NEW.epoch, current_setting('application_name'), NEW.node);
	INSERT INTO chaos.owners VALUES (NEW.p, NEW.epoch, current_setting('application_name'))
		ON CONFLICT (p) DO UPDATE SET epoch = EXCLUDED.epoch, run = EXCLUDED.run;
	RETURN NULL;
END $$;
CREATE TRIGGER chaos_claimed AFTER UPDATE ON partitions FOR EACH ROW WHEN (NEW.epoch <> OLD.epoch) EXECUTE FUNCTION chaos.claimed();

CREATE FUNCTION chaos.look(what text, in_id text, in_p int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE o chaos.owners; BEGIN
	SELECT p, epoch, run INTO o FROM chaos.owners WHERE p = in_p;
	IF o.run IS DISTINCT FROM current_setting('application_name') THEN
		INSERT INTO chaos.trespasses (what, id, p, run, owner, epoch) VALUES (what, in_id, in_p, current_setting('application_name'), o.run, o.epoch);
	END IF;
	INSERT INTO chaos.looks VALUES (what, in_id);
END $$;
CREATE FUNCTION chaos.lead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM chaos.look('lead', NEW.id, (SELECT p FROM chaos.actors WHERE kind = 'lead' AND id = NEW.id)); RETURN NULL; END $$;
CREATE FUNCTION chaos.met() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM chaos.look('acquaintance', NEW.lead, (SELECT p FROM chaos.actors WHERE kind = 'lead' AND id = NEW.lead)); RETURN NULL; END $$;
CREATE FUNCTION chaos.visit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM chaos.look('visit', NEW.visitor, (SELECT p FROM chaos.actors WHERE kind = 'visitor' AND id = NEW.visitor)); RETURN NULL; END $$;
CREATE FUNCTION chaos.attempt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	PERFORM chaos.look('receipt', NEW.delivery::text, (SELECT partition FROM endpoints WHERE n = coalesce(
		(SELECT endpoint FROM deliveries WHERE n = NEW.delivery), (SELECT endpoint FROM pending_deliveries WHERE n = NEW.delivery)))); RETURN NULL; END $$;
CREATE TRIGGER chaos_lead AFTER INSERT OR UPDATE ON leads FOR EACH ROW EXECUTE FUNCTION chaos.lead();
CREATE TRIGGER chaos_met AFTER INSERT OR UPDATE ON acquaintances FOR EACH ROW EXECUTE FUNCTION chaos.met();
CREATE TRIGGER chaos_visit AFTER INSERT OR UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION chaos.visit();
CREATE TRIGGER chaos_attempt AFTER INSERT ON receipts FOR EACH ROW EXECUTE FUNCTION chaos.attempt();`

// watch begins the watch. leads is how many the CRM can come to tell of.
func watch(ctx context.Context, t *testing.T, conn *pgx.Conn, leads int) {
	t.Helper()
	_, err := conn.Exec(ctx, watchFences)
	require.NoError(t, err)
	var actors [][]any
	add := func(kind, id string) {
		actors = append(actors, []any{kind, id, int(cluster.PartitionOf(kind, "acme/"+id))})
	}
	for n := range leads {
		add(wire.KindLead, string(crmLead(n)))
	}
	for n := range allVisitors {
		add(wire.KindVisitor, string(visitorID(n)))
	}
	for n := range knownVisitors {
		add(wire.KindLead, string(personLead(n)))
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"chaos", "actors"}, []string{"kind", "id", "p"}, pgx.CopyFromRows(actors))
	require.NoError(t, err)
}

func crmLead(n int) domain.LeadID { return domain.LeadID("ghl-" + leadName(n)) }

// noTrespass: no run committed anything for a partition that another had claimed. The watch must have looked at every
// sort of write, or it says nothing.
func (c *checks) noTrespass() {
	var all []string
	c.each("SELECT format('%s %s of partition %s by %s at %s, after %s had claimed it (epoch %s)', what, id, p, run, at, owner, epoch) FROM chaos.trespasses ORDER BY at",
		func(text string) { all = append(all, text) })
	c.holdf(len(all) == 0, "%d commits by somebody fenced:\n  %s", len(all), strings.Join(all[:min(len(all), 20)], "\n  "))
	c.each("SELECT what FROM unnest(ARRAY['lead', 'acquaintance', 'visit', 'receipt']) AS what WHERE NOT EXISTS (SELECT FROM chaos.looks l WHERE l.what = what.what)",
		func(what string) { c.holdf(false, "nobody looked at a %s", what) })
	c.note("claims", c.number("SELECT count(*) FROM chaos.claims"))
	c.note("commits looked at", c.number("SELECT count(*) FROM chaos.looks"))
	c.holdf(c.number("SELECT count(*) FROM partitions p LEFT JOIN chaos.owners o ON o.p = p.p WHERE o.epoch IS DISTINCT FROM p.epoch") == 0, "the watch missed a claim")
}

// claims leaves who claimed what, and when, in the history.
func (c *checks) claims(h *history) {
	c.each("SELECT format('%s partition %s epoch %s by %s (%s)', at, p, epoch, run, node) FROM chaos.claims ORDER BY n", func(text string) {
		h.note(claimed, map[string]any{"claim": text})
	})
}

// note is something to tell with the outcome.
func (c *checks) note(what string, n int64) { c.told = append(c.told, fmt.Sprintf("%d %s", n, what)) }
