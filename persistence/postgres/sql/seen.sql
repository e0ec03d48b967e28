-- Keeps the first report of each feed event. The event is nearly always of the last two days, so only
-- those partitions are asked first. A report of an event that does not exist is not kept.
INSERT INTO seen (account, buyer, seq, decided_at, client_received_at, rendered_at, reported_at, commit_id)
SELECT account, buyer, seq, decided_at, client_received_at, rendered_at, reported_at, $1::bigint FROM (
    SELECT i.*, coalesce(
        (SELECT e.decided_at FROM feed_events e WHERE e.account = i.account AND e.buyer = i.buyer AND e.seq = i.seq
            AND e.decided_at >= i.reported_at - interval '2 days' AND e.decided_at < i.reported_at + interval '1 day' LIMIT 1),
        (SELECT e.decided_at FROM feed_events e WHERE e.account = i.account AND e.buyer = i.buyer AND e.seq = i.seq LIMIT 1)) AS decided_at
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])
        AS i (account, buyer, seq, client_received_at, rendered_at, reported_at)
    ORDER BY i.account COLLATE "C", i.buyer COLLATE "C", i.seq OFFSET 0) s
WHERE decided_at IS NOT NULL
ON CONFLICT (account, buyer, seq, decided_at) DO NOTHING
RETURNING account, buyer, seq
