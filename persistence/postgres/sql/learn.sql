-- Keeps links. Every key stands once, and the head of links is locked by now, so this commit is the only one
-- that writes any. A link that a step of a visitor's lane brought is kept if this transaction made that step; one
-- that no hit brought, if no newer suppressions are in force than it was matched under.
WITH i AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[], $9::bigint[])
    WITH ORDINALITY AS t (account, kind, value, person, origin, at, basis, visitor, revision, ord)
), found AS (
    SELECT i.*, CASE WHEN l.person = i.person AND NOT l.removed THEN l.seq END AS kept, l.origin AS l_origin, l.at AS l_at
    FROM i LEFT JOIN LATERAL (SELECT * FROM links l WHERE l.account = i.account AND l.kind = i.kind AND l.value = i.value LIMIT 1) l ON true
    WHERE CASE WHEN i.visitor = '' THEN i.basis >= (SELECT suppression_revision FROM store WHERE one)
        ELSE (SELECT v.xmin = pg_current_xact_id()::xid FROM visits v
            WHERE v.account = i.account AND v.visitor = i.visitor AND v.revision = i.revision) END
), numbered AS MATERIALIZED (
    SELECT found.*, coalesce(kept, (SELECT head FROM heads WHERE account = '') + count(*) FILTER (WHERE kept IS NULL) OVER (ORDER BY ord)) AS seq
    FROM found
), learned AS (
    INSERT INTO links (account, kind, value, seq, person, origin, at)
    SELECT account, kind, value, seq, person, origin, at FROM numbered WHERE kept IS NULL
    ON CONFLICT (account, kind, value) DO UPDATE SET seq = excluded.seq, person = excluded.person, origin = excluded.origin,
        at = excluded.at, removed = false
), moved AS (
    UPDATE heads SET head = s.head FROM (SELECT max(seq) AS head FROM numbered WHERE kept IS NULL) s WHERE account = '' AND s.head IS NOT NULL
)
SELECT seq, account, kind, value, person, CASE WHEN kept IS NULL THEN origin ELSE l_origin END, CASE WHEN kept IS NULL THEN at ELSE l_at END, false, ord
FROM numbered ORDER BY ord
