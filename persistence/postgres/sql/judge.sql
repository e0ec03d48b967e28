-- Settles sightings. Within one statement every acquaintance and every sighting stands once (see waves); the
-- lead's partition is this commit's alone, and the heads of the accounts are locked by now.
WITH i AS (
    SELECT p, epoch, basis, expect, account, lead, last_at, body, unmet, settle::bigint[] AS settle, enter_seq, enter_at, enter, ord
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::timestamptz[], $9::bytea[],
        $10::boolean[], $11::text[], $12::bigint[], $13::timestamptz[], $14::bytea[])
    WITH ORDINALITY AS t (p, epoch, basis, expect, account, lead, last_at, body, unmet, settle, enter_seq, enter_at, enter, ord)
), after AS MATERIALIZED (
    SELECT i.*, b.in_force, a.revision AS a_revision, a.body AS a_body,
        CASE WHEN s.missing THEN 'already_decided'
            WHEN i.basis < b.in_force THEN 'outdated'
            WHEN coalesce(a.revision, 0) <> i.expect THEN 'stale'
            ELSE 'done' END AS outcome
    FROM i
    JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0
    CROSS JOIN (SELECT suppression_revision AS in_force FROM store WHERE one) b
    CROSS JOIN LATERAL (SELECT bool_or(s.n IS NULL) IS TRUE AS missing FROM unnest(i.settle) AS u (n)
        LEFT JOIN LATERAL (SELECT s.n FROM sightings s WHERE s.n = u.n AND s.partition = i.p AND s.account = i.account AND s.lead = i.lead LIMIT 1) s ON true) s
    LEFT JOIN LATERAL (SELECT * FROM acquaintances a WHERE a.account = i.account AND a.lead = i.lead LIMIT 1 FOR NO KEY UPDATE) a ON true
), settled AS (
    DELETE FROM sightings s USING (SELECT p, unnest(settle) AS n FROM after WHERE outcome = 'done') d WHERE s.n = d.n AND s.partition = d.p
), born AS (
    INSERT INTO acquaintances (account, lead, revision, last_at, body, commit_id)
    SELECT account, lead, 1, last_at, body, $1::bigint FROM after WHERE outcome = 'done' AND expect = 0 AND NOT unmet
), changed AS (
    UPDATE acquaintances q SET revision = a.expect + 1, last_at = a.last_at, body = a.body, commit_id = $1::bigint
    FROM after a WHERE a.outcome = 'done' AND a.expect > 0 AND NOT a.unmet AND q.account = a.account AND q.lead = a.lead
), entered AS (
    -- The same hit may name a company's lead and later a person's. In the unlikely case that both live in one
    -- partition and both wait, the second finds the first and does not enter.
    INSERT INTO pending_events (partition, seq, received_at, event)
    SELECT p, enter_seq, enter_at, enter FROM after WHERE outcome = 'done' AND enter_seq IS NOT NULL ON CONFLICT DO NOTHING
), said AS MATERIALIZED (
    SELECT t.*, h.head + row_number() OVER (PARTITION BY t.account ORDER BY nth) AS seq
    FROM unnest($15::bigint[], $16::text[], $17::timestamptz[], $18::text[], $19::text[], $20::text[], $21::text[], $22::bytea[])
        WITH ORDINALITY AS t (of, account, at, id, type, lead, pixel, payload, nth)
    LEFT JOIN LATERAL (SELECT head FROM heads h WHERE h.account = t.account LIMIT 1) h ON true
    WHERE (t.of IN (SELECT ord FROM after WHERE outcome = 'done')) IS TRUE
), announced AS (
    INSERT INTO announcements (account, seq, at, id, type, lead, pixel, payload, commit_id)
    SELECT account, seq, at, id, type, lead, pixel, payload, $1::bigint FROM said
), moved AS (
    UPDATE heads h SET head = s.head FROM (SELECT account, max(seq) AS head FROM said GROUP BY account) s WHERE h.account = s.account
)
SELECT ord, outcome, in_force, CASE outcome WHEN 'done' THEN expect + 1 WHEN 'stale' THEN coalesce(a_revision, 0) ELSE 0 END,
    CASE WHEN outcome = 'stale' THEN a_body END, 0::bigint, 0::bigint, NULL::timestamptz
FROM after
UNION ALL
SELECT of, 'said', 0, 0, NULL, nth, seq, NULL FROM said
