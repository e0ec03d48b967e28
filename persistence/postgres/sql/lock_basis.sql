-- First of all locks of a commit with observations, judgements or lessons: until it ends, the revision of suppressions
-- that the next statements read stays in force. Shared by all writers, and nothing is written for it; Suppress
-- takes it exclusively, so it waits for what is in flight, and what comes later sees the new revision.
SELECT pg_advisory_xact_lock_shared(hashtextextended('leadwire suppressions ' || current_schema(), 0))
