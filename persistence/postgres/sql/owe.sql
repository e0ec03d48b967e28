), numbers AS MATERIALIZED ( -- what is owed for what was said: the end of decide.sql and of judge.sql, see statements.go
    SELECT array_agg(nth ORDER BY nth) AS nths, array_agg(seq ORDER BY nth) AS seqs FROM said
), claims AS MATERIALIZED (
    SELECT o.*, (SELECT seqs FROM numbers)[array_position((SELECT nths FROM numbers), o.said)] AS seq,
        (SELECT e.n FROM endpoints e WHERE e.account = o.account AND e.endpoint = o.endpoint) AS e_n
    FROM unnest($said::bigint[], $account::text[], $at::timestamptz[], $lead::text[], $endpoint::text[], $class::smallint[])
        WITH ORDINALITY AS o (said, account, at, lead, endpoint, class, place)
    WHERE (o.said IN (SELECT nth FROM said)) IS TRUE
), owed AS MATERIALIZED ( -- its place in the line of its lead, whose head waits already or stands among these
    SELECT c.*, nextval('delivery_seq') AS n, CASE WHEN behind THEN release_at ELSE at END AS due_at
    FROM (SELECT claims.*, h.n IS NOT NULL OR row_number() OVER (PARTITION BY e_n, lead ORDER BY place) > 1 AS behind, h.release_at
        FROM claims
        LEFT JOIN LATERAL (SELECT d.n, d.release_at FROM pending_deliveries d WHERE d.endpoint = claims.e_n AND d.lead = claims.lead ORDER BY d.n LIMIT 1) h ON true
        ORDER BY place OFFSET 0) c
), owing AS (
    INSERT INTO pending_deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, revision, behind, attempts, owed_at, due_at, reason, commit_id)
    SELECT n, e_n, account, seq, at, lead, class, false, 1, behind, 0, at, due_at, '', $1::bigint FROM owed
), known AS (
    UPDATE endpoints e SET revision = 1 WHERE e.n = ANY (ARRAY(SELECT DISTINCT e_n FROM owed)) AND e.revision = 0
