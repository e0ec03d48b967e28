-- Existing leads that this commit may change, by key: retention must not delete them from under it.
SELECT 1 FROM unnest($1::text[], $2::text[]) AS u (account, lead)
JOIN leads l ON l.account = u.account AND l.id = u.lead
ORDER BY l.account, l.id FOR NO KEY UPDATE OF l
