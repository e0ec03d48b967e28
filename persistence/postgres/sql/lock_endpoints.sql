-- The endpoints whose queues this commit may add to or take from, by key; the very last of its locks, since whoever
-- owes holds its account's head by now, and so at most one such commit an account waits here.
--
-- Without it a delivery could wait for ever: who owes it finds one of its lead pending, puts it behind, and counts on
-- that one's end to let it go; who ends that one, on another node, does not see it yet, and lets nobody go. Taking
-- turns, the second one's statements begin after the first one's commit, and see what it did.
SELECT 1 FROM (SELECT account COLLATE "C" AS account, endpoint COLLATE "C" AS endpoint FROM unnest($1::text[], $2::text[]) AS u (account, endpoint) ORDER BY 1, 2 OFFSET 0) k
CROSS JOIN LATERAL (SELECT 1 FROM endpoints e WHERE e.account = k.account AND e.endpoint = k.endpoint LIMIT 1 FOR NO KEY UPDATE) e
