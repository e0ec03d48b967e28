-- Settles attempts. Within one statement every line, which is the deliveries of one lead to one endpoint, stands once
-- (see waves); the endpoints are locked by now, so their queues are this commit's alone.
WITH i AS (
    SELECT * FROM unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::smallint[], $10::timestamptz[],
        $11::smallint[], $12::timestamptz[], $13::integer[], $14::timestamptz[], $15::timestamptz[], $16::smallint[], $17::text[], $18::text[],
        $19::boolean[], $20::boolean[], $21::text[], $22::bytea[], $23::bytea[], $24::smallint[], $25::smallint[])
    WITH ORDINALITY AS t (p, epoch, account, endpoint, delivery, lead, expect, state, next_at, class, n_release_at, number, at, ended_at, status, error, n_reason,
        fails, of_endpoint, disable, spec, body, told_from, told_to, ord)
), after AS MATERIALIZED ( -- what each finds, and how its delivery will be
    SELECT i.ord, i.delivery, i.lead, i.state, i.next_at, i.class, i.n_release_at, i.number, i.at, i.ended_at, i.status, i.error, i.n_reason, i.of_endpoint, i.disable,
        i.spec, i.body, i.told_from <> i.told_to AS tells, i.told_to, e.told, e.n AS e_n, d.account, d.announcement, d.announced_at, d.class AS d_class, d.replay, d.owed_at,
        d.attempts + (i.number > 0)::int AS n_attempts, CASE WHEN i.number > 0 THEN coalesce(d.first_at, i.at) ELSE d.first_at END AS n_first_at,
        CASE WHEN i.fails THEN coalesce(d.failed_at, i.ended_at) ELSE d.failed_at END AS n_failed_at, d.release_at,
        CASE WHEN d.n IS NULL THEN 'already_decided' WHEN d.revision <> i.expect THEN 'stale'
            WHEN i.told_from <> i.told_to AND e.told <> i.told_from THEN 'outdated' ELSE 'done' END AS outcome, d.revision + 1 AS n_revision
    FROM i
    JOIN partitions pt ON pt.p = i.p AND pt.epoch = i.epoch AND pt.epoch > 0
    LEFT JOIN LATERAL (SELECT e.n, e.told FROM endpoints e WHERE e.account = i.account AND e.endpoint = i.endpoint LIMIT 1) e ON true
    LEFT JOIN LATERAL (SELECT * FROM pending_deliveries d WHERE d.n = i.delivery AND d.endpoint = e.n AND d.lead = i.lead LIMIT 1) d ON true
), taken AS (
    DELETE FROM pending_deliveries d USING after a WHERE a.outcome = 'done' AND a.state <> 0 AND d.n = a.delivery
), ended AS (
    INSERT INTO deliveries (n, endpoint, account, announcement, announced_at, lead, class, replay, state, revision, attempts, owed_at, first_at, failed_at, release_at,
        ended_at, reason, commit_id)
    SELECT delivery, e_n, account, announcement, announced_at, lead, d_class, replay, state, n_revision, n_attempts, owed_at, n_first_at, n_failed_at, release_at,
        ended_at, n_reason, $1::bigint
    FROM after WHERE outcome = 'done' AND state <> 0
), retried AS (
    UPDATE pending_deliveries d SET class = a.class, revision = a.n_revision, attempts = a.n_attempts, due_at = a.next_at, first_at = a.n_first_at, failed_at = a.n_failed_at,
        release_at = coalesce(a.n_release_at, a.release_at), reason = a.n_reason, commit_id = $1::bigint
    FROM after a WHERE a.outcome = 'done' AND a.state = 0 AND d.n = a.delivery
), released AS ( -- its first failure: those behind it get a time to go without it
    UPDATE pending_deliveries d SET due_at = a.n_release_at
    FROM after a WHERE a.outcome = 'done' AND a.state = 0 AND a.n_release_at IS NOT NULL
        AND d.endpoint = a.e_n AND d.lead = a.lead AND d.n > a.delivery AND d.behind AND d.due_at IS NULL
), next AS MATERIALIZED ( -- who is at the head once it has ended, unless somebody was before
    SELECT a.ord, a.ended_at, h.n
    FROM after a
    CROSS JOIN LATERAL (SELECT d.n, d.behind FROM pending_deliveries d WHERE d.endpoint = a.e_n AND d.lead = a.lead AND d.n <> a.delivery ORDER BY d.n LIMIT 1) h
    WHERE a.outcome = 'done' AND a.state <> 0 AND h.behind
), promoted AS (
    UPDATE pending_deliveries d SET behind = false, due_at = least(d.due_at, next.ended_at) FROM next WHERE d.n = next.n
), kept AS (
    INSERT INTO receipts (delivery, number, account, at, status, error, spec, body)
    SELECT delivery, number, account, at, status, error, spec, body FROM after WHERE outcome = 'done' AND number > 0
), told AS MATERIALIZED ( -- what the attempts of an endpoint say of it together, in their order
    SELECT e_n, max(ord) FILTER (WHERE of_endpoint AND error = '') AS succeeded,
        array_agg(ord ORDER BY ord) FILTER (WHERE of_endpoint AND error <> '') AS failed,
        array_agg(ended_at ORDER BY ord) FILTER (WHERE of_endpoint AND error <> '') AS failed_at,
        (array_agg(ended_at ORDER BY ord) FILTER (WHERE of_endpoint AND error = ''))[count(*) FILTER (WHERE of_endpoint AND error = '')] AS succeeded_at,
        (array_agg(ended_at ORDER BY ord) FILTER (WHERE disable <> ''))[1] AS disabled_at, (array_agg(disable ORDER BY ord) FILTER (WHERE disable <> ''))[1] AS disable,
        max(told_to) FILTER (WHERE tells) AS told_to -- one at most tells: see waves
    FROM after WHERE outcome = 'done' AND (of_endpoint OR disable <> '' OR tells) GROUP BY e_n
), follows AS MATERIALIZED (
    SELECT t.e_n, coalesce(t.succeeded_at, e.succeeded_at) AS succeeded_at, coalesce(t.told_to, e.told) AS told,
        coalesce(e.disabled_at, t.disabled_at) AS disabled_at, CASE WHEN e.disabled_at IS NULL THEN coalesce(t.disable, e.reason) ELSE e.reason END AS reason,
        CASE WHEN t.succeeded IS NULL THEN coalesce(e.failing_since, t.failed_at[1])
            ELSE (SELECT f.at FROM unnest(t.failed, t.failed_at) AS f (ord, at) WHERE f.ord > t.succeeded ORDER BY f.ord LIMIT 1) END AS failing_since
    FROM told t CROSS JOIN LATERAL (SELECT * FROM endpoints e WHERE e.n = t.e_n LIMIT 1) e
), followed AS (
    UPDATE endpoints e SET revision = e.revision + 1, succeeded_at = f.succeeded_at, failing_since = f.failing_since, disabled_at = f.disabled_at, reason = f.reason, told = f.told
    FROM follows f
    WHERE e.n = f.e_n AND (e.succeeded_at, e.failing_since, e.disabled_at, e.told) IS DISTINCT FROM (f.succeeded_at, f.failing_since, f.disabled_at, f.told)
)
SELECT ord, outcome, CASE WHEN outcome = 'done' AND tells THEN told_to ELSE coalesce(told, 0) END::bigint, 0::bigint, false, NULL::timestamptz FROM after
UNION ALL
SELECT ord, 'next', n, 0, false, NULL FROM next
