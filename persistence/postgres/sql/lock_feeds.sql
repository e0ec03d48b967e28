-- The feeds this commit may append to, by key: the buyers named, and those that have the leads named
-- already (for ever, so reading them before their feeds are locked is safe).
SELECT 1 FROM feeds f
JOIN (
    SELECT account COLLATE "C" AS account, buyer COLLATE "C" AS buyer FROM unnest($1::text[], $2::text[]) AS n (account, buyer)
    UNION
    SELECT l.account, l.buyer FROM unnest($3::text[], $4::text[]) AS u (account, lead)
    JOIN leads l ON l.account = u.account AND l.id = u.lead AND l.buyer <> ''
) k ON f.account = k.account AND f.buyer = k.buyer
ORDER BY f.account, f.buyer FOR NO KEY UPDATE OF f
