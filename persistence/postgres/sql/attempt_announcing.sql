), said AS MATERIALIZED ( -- the end of attempt.sql when an attempt announces something: see statements.go
    SELECT t.*, h.head + row_number() OVER (PARTITION BY t.account ORDER BY nth) AS seq
    FROM unnest($26::bigint[], $27::text[], $28::timestamptz[], $29::text[], $30::text[], $31::text[], $32::text[], $33::bytea[])
        WITH ORDINALITY AS t (of, account, at, id, type, lead, pixel, payload, nth)
    LEFT JOIN LATERAL (SELECT head FROM heads h WHERE h.account = t.account LIMIT 1) h ON true
    WHERE (t.of IN (SELECT ord FROM after WHERE outcome = 'done')) IS TRUE
), said_so AS (
    INSERT INTO announcements (account, seq, at, id, type, lead, pixel, payload, commit_id)
    SELECT account, seq, at, id, type, lead, pixel, payload, $1::bigint FROM said
), heads_moved AS (
    UPDATE heads h SET head = s.head FROM (SELECT account, max(seq) AS head FROM said GROUP BY account) s WHERE h.account = s.account
