-- Whom the strongest of the keys belongs to, in one round trip: within a kind the smaller id, as everywhere. With
-- every e-mail and phone that finds the same person: a suppression reaches them by any of these, whether or not the
-- record has it.
WITH found AS (
    SELECT q.n, p.id, p.data, c.domain, c.data AS company
    FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS q (kind, key, n)
    JOIN identity_keys k ON k.kind = q.kind AND k.key = q.key
    JOIN identity_people p ON p.id = k.person
    LEFT JOIN identity_companies c ON c.domain = lower(p.data ->> 'company')
    ORDER BY CASE q.kind WHEN 'visitor' THEN 0 WHEN 'phone' THEN 2 WHEN 'click' THEN 3 ELSE 1 END, p.id, q.n
    LIMIT 1
)
SELECT found.*, coalesce(o.kinds, '{}'), coalesce(o.keys, '{}')
FROM found
CROSS JOIN LATERAL (
    SELECT array_agg(k.kind) AS kinds, array_agg(k.key) AS keys
    FROM (SELECT kind, key FROM identity_keys k WHERE k.person = found.id AND k.kind IN ('md5', 'sha1', 'sha256', 'phone')
        ORDER BY kind, key LIMIT 1000) k -- whoever has more is no person
) o
