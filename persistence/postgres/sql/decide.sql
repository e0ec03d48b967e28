-- Settles pending events. Within one statement every lead and every pending event stands once, and all
-- assignments to one buyer carry the same cap and day (see waves). The rows it reads are locked by now.
WITH i AS (
    SELECT p, epoch, verb, account, lead, expect, source, event_id, campaign, contact, buyer, cap, day, trace, received_at, at, basis, ord,
        -- An event that came with its decision has been given its number by this transaction. If the key is
        -- another transaction's the event is a repeat, and there is nothing to decide.
        CASE WHEN event_key IS NULL THEN event_seq
            ELSE (SELECT k.seq FROM event_keys k WHERE k.key = event_key AND k.xmin = pg_current_xact_id()::xid) END AS event_seq
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bigint[],
        $9::text[], $10::text[], $11::text[], $12::bytea[], $13::text[], $14::bigint[], $15::text[], $16::bytea[],
        $17::timestamptz[], $18::timestamptz[], $19::uuid[], $20::bigint[])
    WITH ORDINALITY AS t (p, epoch, event_seq, verb, account, lead, expect,
        source, event_id, campaign, contact, buyer, cap, day, trace,
        received_at, at, event_key, basis, ord)
), found AS ( -- what each finds. LIMIT 1 keeps these look-ups index probes, one per row
    SELECT i.*, pe.held AS was_held, l.state AS l_state, l.revision AS l_revision, l.campaign AS l_campaign, coalesce(l.buyer, '') AS l_buyer,
        l.contact AS l_contact, l.source AS l_source, l.held_seq AS l_held_seq, l.event_seq AS l_event_seq, l.assign_seq AS l_assign_seq, l.last_seq AS l_last_seq,
        l.received_at AS l_received_at, l.assigned_at AS l_assigned_at, l.updated_at AS l_updated_at,
        CASE verb WHEN 'assign' THEN i.buyer WHEN 'update' THEN coalesce(l.buyer, '') ELSE '' END AS target,
        CASE WHEN pe.held IS NULL THEN 'already_decided'
            WHEN basis < (SELECT suppression_revision FROM store WHERE one) THEN 'outdated'
            WHEN verb = 'assign' AND coalesce(l.revision, 0) = expect AND coalesce(l.buyer, '') = '' THEN ''
            WHEN verb = 'update' AND l.revision = expect THEN ''
            WHEN verb = 'hold' AND l.revision IS NULL AND expect = 0 THEN ''
            WHEN verb = 'ignore' AND coalesce(l.revision, 0) = expect THEN ''
            ELSE 'stale' END AS refusal
    FROM i
    JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0
    -- Two probes by the whole key: one for either would walk all of the partition's entries.
    CROSS JOIN LATERAL (SELECT coalesce(
        (SELECT false FROM pending_events pe WHERE pe.partition = i.p AND NOT pe.held AND pe.seq = i.event_seq),
        (SELECT true FROM pending_events pe WHERE pe.partition = i.p AND pe.held AND pe.seq = i.event_seq)) AS held OFFSET 0) pe
    LEFT JOIN LATERAL (SELECT * FROM leads l WHERE l.account = i.account AND l.id = i.lead LIMIT 1) l ON true
), counted AS ( -- the how manieth of its buyer's day each would be
    SELECT found.*, f.head, greatest(f.day, found.day) AS on_day, f.day_count * (f.day >= found.day)::int AS base,
        count(*) FILTER (WHERE verb = 'assign' AND refusal = '') OVER (PARTITION BY found.account, target ORDER BY ord) AS nth
    FROM found
    LEFT JOIN LATERAL (SELECT * FROM feeds f WHERE f.account = found.account AND f.buyer = found.target LIMIT 1) f ON found.target <> ''
), ruled AS ( -- the outcome
    SELECT counted.*, CASE WHEN refusal <> '' THEN refusal
        WHEN target <> '' AND head IS NULL THEN 'no_feed'
        WHEN verb = 'assign' AND cap > 0 AND base + nth > cap THEN 'cap_reached'
        ELSE 'done' END AS outcome
    FROM counted
), numbered AS ( -- its place in the feed, and its lead as it will be
    SELECT n.*, CASE WHEN outcome = 'done' AND target <> '' THEN head + place END AS feed_seq,
        outcome = 'done' AND verb = 'assign' AS assigns
    FROM (SELECT ruled.*, count(*) FILTER (WHERE outcome = 'done') OVER (PARTITION BY account, target ORDER BY ord) AS place FROM ruled) n
), after AS MATERIALIZED (
    SELECT ord, p, event_seq, verb, was_held, account, lead, expect, outcome, assigns, target, feed_seq, head, base, on_day, nth, cap, trace,
        event_id, contact, received_at, at, l_contact, l_revision, l_updated_at,
        CASE WHEN verb = 'update' THEN l_campaign ELSE campaign END AS n_campaign,
        source AS event_source,
        CASE WHEN assigns THEN 'assigned' WHEN verb = 'hold' AND outcome = 'done' THEN 'waiting' ELSE l_state END AS n_state,
        CASE WHEN outcome = 'done' AND verb <> 'ignore' THEN coalesce(l_revision, 0) + 1 ELSE l_revision END AS n_revision,
        CASE WHEN assigns THEN buyer ELSE l_buyer END AS n_buyer,
        coalesce(l_source, source) AS n_source,
        CASE WHEN assigns THEN 0 WHEN verb = 'hold' AND outcome = 'done' THEN event_seq
            WHEN verb = 'update' AND outcome = 'done' AND l_held_seq = event_seq THEN 0 ELSE l_held_seq END AS n_held_seq,
        CASE WHEN outcome = 'done' AND verb <> 'ignore' THEN greatest(l_event_seq, event_seq) ELSE l_event_seq END AS n_event_seq,
        CASE WHEN assigns THEN feed_seq ELSE coalesce(l_assign_seq, 0) END AS n_assign_seq,
        coalesce(feed_seq, l_last_seq, 0) AS n_last_seq,
        coalesce(l_received_at, received_at) AS n_received_at,
        CASE WHEN assigns THEN at ELSE l_assigned_at END AS n_assigned_at,
        l_campaign, l_held_seq
    FROM numbered
), settled AS (
    DELETE FROM pending_events pe USING after a
    WHERE a.outcome = 'done' AND a.verb <> 'hold' AND pe.partition = a.p AND pe.held = a.was_held AND pe.seq = a.event_seq
), released AS ( -- assigned by a later event, a lead no longer waits with the one it was held with
    DELETE FROM pending_events pe USING after a
    WHERE a.assigns AND a.l_held_seq > 0 AND a.l_held_seq <> a.event_seq AND pe.partition = a.p AND pe.held AND pe.seq = a.l_held_seq
), held AS (
    UPDATE pending_events pe SET held = true FROM after a
    WHERE a.outcome = 'done' AND a.verb = 'hold' AND pe.partition = a.p AND pe.held = a.was_held AND pe.seq = a.event_seq
), born AS (
    INSERT INTO leads (account, id, state, revision, campaign, buyer, contact, source, held_seq, event_seq, assign_seq, last_seq, received_at, assigned_at, updated_at, commit_id)
    SELECT account, lead, n_state, n_revision, n_campaign, n_buyer, contact, n_source, n_held_seq, n_event_seq, n_assign_seq, n_last_seq, n_received_at, n_assigned_at, at, $1::bigint
    FROM after WHERE outcome = 'done' AND verb IN ('assign', 'hold') AND expect = 0 ORDER BY account, lead
), changed AS (
    UPDATE leads l SET state = a.n_state, revision = a.n_revision, campaign = a.n_campaign, buyer = a.n_buyer, contact = a.contact,
        held_seq = a.n_held_seq, event_seq = a.n_event_seq, assign_seq = a.n_assign_seq, last_seq = a.n_last_seq, assigned_at = a.n_assigned_at, updated_at = a.at, commit_id = $1::bigint
    FROM after a WHERE a.outcome = 'done' AND a.expect > 0 AND a.verb <> 'ignore' AND l.account = a.account AND l.id = a.lead
), announced AS (
    INSERT INTO feed_events (account, buyer, seq, decided_at, type, lead, campaign, source, event_id, event_seq, contact, received_at, day, day_count, cap, trace, commit_id)
    SELECT account, target, feed_seq, at, CASE WHEN assigns THEN 'lead.assigned' ELSE 'lead.updated' END, lead, n_campaign, event_source, event_id, event_seq, contact, received_at,
        CASE WHEN assigns THEN on_day END, CASE WHEN assigns THEN base + nth END, CASE WHEN assigns THEN cap END, CASE WHEN assigns THEN trace END, $1::bigint
    FROM after WHERE feed_seq IS NOT NULL ORDER BY account, target, feed_seq
), feeds_moved AS (
    UPDATE feeds f SET head = s.head, total = f.total + s.n,
        day = CASE WHEN s.n > 0 THEN s.day ELSE f.day END, day_count = CASE WHEN s.n > 0 THEN s.base + s.n ELSE f.day_count END
    FROM (SELECT account, target, max(feed_seq) AS head, count(*) FILTER (WHERE assigns) AS n,
            max(on_day) FILTER (WHERE assigns) AS day, max(base) FILTER (WHERE assigns) AS base
        FROM after WHERE feed_seq IS NOT NULL GROUP BY account, target) s
    WHERE f.account = s.account AND f.buyer = s.target
)
SELECT ord, outcome, coalesce(feed_seq, 0), coalesce(CASE WHEN assigns THEN base + nth WHEN outcome = 'cap_reached' THEN greatest(base, cap) END, 0), coalesce(on_day, ''),
    coalesce(n_revision, 0), coalesce(n_state, ''),
    coalesce(CASE WHEN outcome = 'done' THEN n_campaign ELSE l_campaign END, ''), n_buyer,
    CASE WHEN outcome = 'stale' THEN l_contact END, n_source, coalesce(n_held_seq, 0), coalesce(n_event_seq, 0), n_assign_seq, n_last_seq,
    n_received_at, n_assigned_at, l_updated_at
FROM after
