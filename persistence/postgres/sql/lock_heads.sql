-- The heads this commit may add to, by key; last of its locks.
SELECT 1 FROM heads WHERE account = ANY ($1::text[]) ORDER BY account FOR NO KEY UPDATE
