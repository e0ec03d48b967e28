-- Whom the strongest of the keys belongs to, in one round trip: within a kind the smaller id, as everywhere.
SELECT q.n, p.id, p.data, c.domain, c.data
FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS q (kind, key, n)
JOIN identity_keys k ON k.kind = q.kind AND k.key = q.key
JOIN identity_people p ON p.id = k.person
LEFT JOIN identity_companies c ON c.domain = lower(p.data ->> 'company')
ORDER BY CASE q.kind WHEN 'visitor' THEN 0 WHEN 'phone' THEN 2 WHEN 'click' THEN 3 ELSE 1 END, p.id, q.n
LIMIT 1
