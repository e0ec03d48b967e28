-- Keeps events. Within one statement every key stands once (see waves); across writers the unique index
-- decides, and keys are inserted in key order so that two writers never wait for each other.
WITH i AS (
    SELECT * FROM unnest($2::smallint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::timestamptz[], $16::timestamptz[])
    WITH ORDINALITY AS t (p, epoch, key, account, source, event_id, weak_id,
        type, effect, lead, campaign, contact, body, occurred_at, received_at, ord)
), owned AS MATERIALIZED ( -- numbered in the order they came in: a lead's events replay in this order
    SELECT o.*, nextval('event_seq') AS seq
    FROM (SELECT i.* FROM i JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0 ORDER BY i.ord OFFSET 0) o
), fresh AS (
    INSERT INTO event_keys (key, seq, received_at) SELECT key, seq, received_at FROM owned ORDER BY key
    ON CONFLICT (key) DO NOTHING RETURNING key, seq
), kept AS MATERIALIZED (
    -- A hashed look-up. As a join it would be planned for one row and compare each with each.
    SELECT owned.* FROM owned WHERE (seq IN (SELECT seq FROM fresh)) IS TRUE
), payloads AS (
    INSERT INTO events (seq, received_at, account, source, event_id, weak_id, type, effect, lead, campaign, contact, body, occurred_at, commit_id)
    SELECT seq, received_at, account, source, event_id, weak_id, type, effect, lead, campaign, contact, body, occurred_at, $1::bigint FROM kept
), pending AS (
    INSERT INTO pending_events (partition, seq, received_at) SELECT p, seq, received_at FROM kept WHERE effect <> 'record'
)
SELECT ord, seq FROM kept
