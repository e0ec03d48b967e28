-- First statement of every commit: the parts it writes for, by number. The exclusive lock (not FOR
-- SHARE) costs the same tuple write and makes a part's pending events and leads this commit's alone.
SELECT p, epoch FROM partitions WHERE p = ANY ($1::smallint[]) ORDER BY p FOR NO KEY UPDATE
