), said AS MATERIALIZED ( -- the end of decide.sql when a decision announces something: see statements.go
    SELECT t.*, h.head + row_number() OVER (PARTITION BY t.account ORDER BY nth) AS seq
    FROM unnest($21::bigint[], $22::text[], $23::timestamptz[], $24::text[], $25::text[], $26::text[], $27::text[], $28::bytea[])
        WITH ORDINALITY AS t (of, account, at, id, type, lead, pixel, payload, nth)
    LEFT JOIN LATERAL (SELECT head FROM heads h WHERE h.account = t.account LIMIT 1) h ON true
    WHERE (t.of IN (SELECT ord FROM after WHERE outcome = 'done')) IS TRUE
), said_so AS (
    INSERT INTO announcements (account, seq, at, id, type, lead, pixel, payload, commit_id)
    SELECT account, seq, at, id, type, lead, pixel, payload, $1::bigint FROM said
), heads_moved AS (
    UPDATE heads h SET head = s.head FROM (SELECT account, max(seq) AS head FROM said GROUP BY account) s WHERE h.account = s.account
