-- First of all locks of a commit that goes by the suppressions (see op.hasBasis): until it ends, the revision that
-- the next statements read stays in force. Shared by all writers, and nothing is written for it; Suppress takes it
-- exclusively, so it waits for what is in flight, and what comes later sees the new revision.
SELECT pg_advisory_xact_lock_shared(hashtextextended('leadwire suppressions ' || current_schema(), 0))
