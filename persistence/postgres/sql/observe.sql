-- Steps of visitors' lanes. Within one statement every visitor and every event key stands once (see waves).
-- A visitor's partition is this commit's alone; the row is locked all the same, against retention and erasure.
WITH i AS (
    SELECT * FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bytea[],
        $11::uuid[], $12::text[], $13::text[], $14::text[], $15::bytea[], $16::timestamptz[], $17::timestamptz[],
        $18::smallint[], $19::text[], $20::timestamptz[], $21::bytea[])
    WITH ORDINALITY AS t (p, epoch, basis, expect, account, visitor, person, last_at, body,
        key, event_id, type, lane, hit, occurred_at, received_at,
        s_partition, s_lead, s_due_at, s_body, ord)
), found AS ( -- what each finds. Nothing is written for what is refused, so the key is looked for before it is taken
    SELECT i.*, b.in_force, v.revision AS v_revision, v.event_seq AS v_event_seq, v.body AS v_body,
        CASE WHEN (SELECT true FROM event_keys k WHERE k.key = i.key) THEN 'duplicate'
            WHEN i.basis < b.in_force THEN 'outdated'
            WHEN coalesce(v.revision, 0) <> i.expect THEN 'stale'
            ELSE '' END AS refusal
    FROM i
    JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0
    CROSS JOIN (SELECT suppression_revision AS in_force FROM store WHERE one) b
    LEFT JOIN LATERAL (SELECT * FROM visits v WHERE v.account = i.account AND v.visitor = i.visitor LIMIT 1 FOR NO KEY UPDATE) v ON true
), numbered AS MATERIALIZED ( -- in the order they came in
    SELECT f.*, CASE WHEN refusal = '' AND key IS NOT NULL THEN nextval('event_seq') END AS seq,
        CASE WHEN refusal = '' AND s_partition IS NOT NULL THEN nextval('sighting_seq') END AS n
    FROM (SELECT * FROM found ORDER BY ord OFFSET 0) f
), fresh AS ( -- across partitions the unique index decides; in key order, so that writers never wait for each other
    INSERT INTO event_keys (key, seq, received_at) SELECT key, seq, received_at FROM numbered WHERE seq IS NOT NULL ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING seq
), after AS MATERIALIZED (
    SELECT numbered.*, coalesce(seq, v_event_seq, 0) AS n_event_seq,
        CASE WHEN refusal <> '' THEN refusal
            WHEN key IS NULL OR (seq IN (SELECT seq FROM fresh)) IS TRUE THEN 'done'
            ELSE 'duplicate' END AS outcome
    FROM numbered
), evidence AS (
    INSERT INTO events (seq, received_at, account, source, event_id, weak_id, type, effect, lead, campaign, contact, body, occurred_at, commit_id)
    SELECT seq, received_at, account, 'pixel', event_id, false, type, 'record', lane, '', '{}', hit, occurred_at, $1::bigint
    FROM after WHERE outcome = 'done' AND seq IS NOT NULL
), born AS (
    INSERT INTO visits (account, visitor, revision, event_seq, person, last_at, body, commit_id)
    SELECT account, visitor, 1, n_event_seq, person, last_at, body, $1::bigint FROM after WHERE outcome = 'done' AND expect = 0
), changed AS (
    UPDATE visits v SET revision = a.expect + 1, event_seq = a.n_event_seq, person = a.person, last_at = a.last_at, body = a.body, commit_id = $1::bigint
    FROM after a WHERE a.outcome = 'done' AND a.expect > 0 AND v.account = a.account AND v.visitor = a.visitor
), owed AS (
    INSERT INTO sightings (n, partition, due_at, account, visitor, lead, event_seq, visit_revision, visit, body, commit_id)
    SELECT n, s_partition, s_due_at, account, visitor, s_lead, n_event_seq, expect + 1, body, s_body, $1::bigint
    FROM after WHERE outcome = 'done' AND n IS NOT NULL
)
SELECT ord, outcome, in_force, coalesce(CASE WHEN outcome = 'done' THEN seq END, 0), coalesce(CASE WHEN outcome = 'done' THEN n END, 0),
    CASE WHEN outcome = 'done' THEN expect + 1 WHEN outcome = 'stale' THEN coalesce(v_revision, 0) ELSE 0 END,
    CASE WHEN outcome = 'done' THEN n_event_seq ELSE coalesce(v_event_seq, 0) END,
    CASE WHEN outcome = 'stale' THEN v_body END
FROM after
