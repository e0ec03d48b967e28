-- Steps of visitors' lanes. Within one statement every visitor and every event key stands once (see waves).
-- A visitor's partition is this commit's alone; the row is locked all the same, against retention and erasure.
--
-- Hits and sightings are rows of their own and say in "of" which observation is theirs. What one kind of row has
-- to know of another it finds by place, in an array, or by "is it one of": never by a join, of which the planner,
-- who does not know how many rows there will be, might compare each with each.
WITH i AS (
    SELECT * FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::bytea[],
        $11::bigint[])
    WITH ORDINALITY AS t (p, epoch, basis, expect, account, visitor, person, last_at, body, last_hit, ord)
), h AS MATERIALIZED (
    SELECT t.*, (SELECT true FROM event_keys k WHERE k.key = t.key) IS TRUE AS there
    FROM unnest($12::bigint[], $13::uuid[], $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::timestamptz[], $20::timestamptz[])
    WITH ORDINALITY AS t (of, key, account, event_id, type, lane, body, occurred_at, received_at, nth)
), found AS MATERIALIZED ( -- what each finds. Nothing is written for what is refused, so keys are looked for before they are taken
    SELECT i.*, b.in_force, v.revision AS v_revision, v.event_seq AS v_event_seq, v.body AS v_body,
        CASE WHEN pt.p IS NULL THEN 'fenced'
            WHEN (i.ord IN (SELECT of FROM h WHERE there)) IS TRUE THEN 'duplicate'
            WHEN i.basis < b.in_force THEN 'outdated'
            WHEN coalesce(v.revision, 0) <> i.expect THEN 'stale'
            ELSE '' END AS refusal
    FROM i
    LEFT JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0
    CROSS JOIN (SELECT suppression_revision AS in_force FROM store WHERE one) b
    LEFT JOIN LATERAL (SELECT * FROM visits v WHERE v.account = i.account AND v.visitor = i.visitor LIMIT 1 FOR NO KEY UPDATE) v ON true
), numbered AS MATERIALIZED ( -- in the order they came in
    SELECT s.*, CASE WHEN (of IN (SELECT ord FROM found WHERE refusal = '')) IS TRUE THEN nextval('event_seq') END AS seq
    FROM (SELECT * FROM h ORDER BY nth OFFSET 0) s
), fresh AS ( -- across partitions the unique index decides; in key order, so that writers never wait for each other
    INSERT INTO event_keys (key, seq, received_at) SELECT key, seq, received_at FROM numbered WHERE seq IS NOT NULL ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING seq
), lost AS MATERIALIZED ( -- another commit took the key while this one looked. The others of its step go back: see give_back.sql
    SELECT of, nth FROM numbered WHERE seq IS NOT NULL AND (seq IN (SELECT seq FROM fresh)) IS NOT TRUE
), after AS MATERIALIZED (
    SELECT found.*, CASE WHEN last_hit > 0 THEN (SELECT array_agg(coalesce(seq, 0) ORDER BY nth) FROM numbered)[last_hit] ELSE coalesce(v_event_seq, 0) END AS n_event_seq,
        CASE WHEN refusal <> '' THEN refusal
            WHEN (ord IN (SELECT of FROM lost)) IS TRUE THEN 'duplicate'
            ELSE 'done' END AS outcome
    FROM found
), evidence AS (
    INSERT INTO events (seq, received_at, account, source, event_id, weak_id, type, effect, lead, campaign, contact, body, occurred_at, commit_id)
    SELECT seq, received_at, account, 'pixel', event_id, false, type, 'record', lane, '', '{}', body, occurred_at, $1::bigint
    FROM numbered WHERE seq IS NOT NULL AND (of IN (SELECT ord FROM after WHERE outcome = 'done')) IS TRUE
), born AS (
    INSERT INTO visits (account, visitor, revision, event_seq, person, last_at, body, commit_id)
    SELECT account, visitor, 1, n_event_seq, person, last_at, body, $1::bigint FROM after WHERE outcome = 'done' AND expect = 0
), changed AS (
    UPDATE visits v SET revision = a.expect + 1, event_seq = a.n_event_seq, person = a.person, last_at = a.last_at, body = a.body, commit_id = $1::bigint
    FROM after a WHERE a.outcome = 'done' AND a.expect > 0 AND v.account = a.account AND v.visitor = a.visitor
), owed AS MATERIALIZED (
    SELECT s.*, nextval('sighting_seq') AS n,
        CASE WHEN hit > 0 THEN (SELECT array_agg(coalesce(seq, 0) ORDER BY nth) FROM numbered)[hit]
            ELSE (SELECT array_agg(n_event_seq ORDER BY ord) FROM after)[of] END AS event_seq
    FROM (SELECT t.* FROM unnest($21::bigint[], $22::bigint[], $23::bigint[], $24::smallint[], $25::text[], $26::text[], $27::text[], $28::timestamptz[],
            $29::bytea[], $30::bytea[])
        WITH ORDINALITY AS t (of, hit, revision, partition, account, visitor, lead, due_at, visit, body, nth)
        WHERE (of IN (SELECT ord FROM after WHERE outcome = 'done')) IS TRUE ORDER BY nth OFFSET 0) s
), written AS (
    INSERT INTO sightings (n, partition, due_at, account, visitor, lead, event_seq, visit_revision, visit, body, commit_id)
    SELECT n, partition, due_at, account, visitor, lead, event_seq, revision, visit, body, $1::bigint FROM owed
), back AS MATERIALIZED ( -- '' nearly always
    SELECT set_config('leadwire.give_back', coalesce(string_agg(key::text, ','), ''), true) FROM numbered
    WHERE seq IS NOT NULL AND (of IN (SELECT of FROM lost)) IS TRUE AND (nth IN (SELECT nth FROM lost)) IS NOT TRUE
)
SELECT ord, outcome, in_force, CASE WHEN outcome = 'done' THEN expect + 1 WHEN outcome = 'stale' THEN coalesce(v_revision, 0) ELSE 0 END,
    CASE WHEN outcome = 'done' THEN n_event_seq ELSE coalesce(v_event_seq, 0) END,
    CASE WHEN outcome = 'stale' THEN v_body END, 0::bigint, 0::bigint, (SELECT set_config IS NULL FROM back)
FROM after
UNION ALL
SELECT of, '', 0, 0, 0, NULL, nth, coalesce(seq, 0), there OR (nth IN (SELECT nth FROM lost)) IS TRUE FROM numbered
UNION ALL
SELECT of, '', 0, 0, 0, NULL, 0, n, false FROM owed
