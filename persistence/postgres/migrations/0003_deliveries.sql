-- What announcements owe to customers' endpoints, and what became of it. As in the first files, ids compare byte by
-- byte and bodies are bytea.
--
-- A delivery lives in two tables: in one while it waits, in the other once it has ended. What is due stands at the
-- beginning of ranges of an index, where every delivery that ended before has stood too; in a table that also keeps
-- a month of ended ones, vacuum would come by too seldom to take them away, and every look would pass over them.

-- Numbers deliveries, both of those owed and of those replayed. Drawn under the lock of the endpoint's row, numbers
-- rise with commits for each endpoint, and so for each lead of it. No cache, as with event_seq.
CREATE SEQUENCE delivery_seq CACHE 1;

-- One row per endpoint. Whoever adds to its queue or takes from it locks the row first: see lock_endpoints.sql. A row
-- is made for an endpoint that is about to be owed something; until it is, the revision is 0, and nobody is shown it.
CREATE TABLE endpoints (
    n             bigint   PRIMARY KEY GENERATED ALWAYS AS IDENTITY (CACHE 1),
    account       text     NOT NULL COLLATE "C",
    endpoint      text     NOT NULL COLLATE "C",
    partition     smallint NOT NULL,             -- its actor's
    revision      bigint   NOT NULL DEFAULT 0,
    disabled_at   timestamptz,
    reason        text     NOT NULL DEFAULT '',  -- why it is disabled
    failing_since timestamptz,
    succeeded_at  timestamptz,
    told          smallint NOT NULL DEFAULT 0,   -- what was said of it last: see domain.Told
    UNIQUE (account, endpoint)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Deliveries that wait for an attempt: seconds, or as long as their endpoint is down. Like pending events every one
-- passes through, so vacuum goes by count.
CREATE TABLE pending_deliveries (
    n            bigint   PRIMARY KEY,
    endpoint     bigint   NOT NULL,              -- endpoints.n
    account      text     NOT NULL COLLATE "C",  -- (account, announcement, announced_at) is the announcement's key,
    announcement bigint   NOT NULL,              -- and event, type and payload are there
    announced_at timestamptz NOT NULL,
    lead         text     NOT NULL COLLATE "C",  -- the announcement's: of one lead the lowest n is the head
    class        smallint NOT NULL,              -- 0 first match, 1 update, 2 retry, 3 replay
    replay       boolean  NOT NULL,
    revision     bigint   NOT NULL,              -- 1 at first, one more with each attempt
    behind       boolean  NOT NULL,              -- there is another before it
    attempts     integer  NOT NULL,
    owed_at      timestamptz NOT NULL,
    due_at       timestamptz,                    -- the next attempt; null: never by itself
    first_at     timestamptz,
    failed_at    timestamptz,
    release_at   timestamptz,                    -- when those behind it go, if it has failed
    reason       text     NOT NULL,
    commit_id    bigint   NOT NULL               -- the group commit that owed it, or recorded its last attempt
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
-- What is due, class by class.
CREATE INDEX pending_deliveries_due ON pending_deliveries (endpoint, class, due_at, n);
-- The head of a lead, and who is next.
CREATE INDEX pending_deliveries_line ON pending_deliveries (endpoint, lead, n);
-- Lists, and the oldest of a queue. owed_at is only looked at on the way.
CREATE INDEX pending_deliveries_of_endpoint ON pending_deliveries (endpoint, n, owed_at);
CREATE INDEX pending_deliveries_of_announcement ON pending_deliveries (account, announcement);

-- Deliveries that have ended.
CREATE TABLE deliveries (
    n            bigint   PRIMARY KEY,
    endpoint     bigint   NOT NULL,
    account      text     NOT NULL COLLATE "C",
    announcement bigint   NOT NULL,
    announced_at timestamptz NOT NULL,
    lead         text     NOT NULL COLLATE "C",
    class        smallint NOT NULL,
    replay       boolean  NOT NULL,
    state        smallint NOT NULL,              -- 1 delivered, 2 exhausted, 3 suppressed, 4 cancelled
    revision     bigint   NOT NULL,
    attempts     integer  NOT NULL,
    owed_at      timestamptz NOT NULL,
    first_at     timestamptz,
    failed_at    timestamptz,
    release_at   timestamptz,
    ended_at     timestamptz NOT NULL,
    reason       text     NOT NULL,
    commit_id    bigint   NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
-- Lists, of one state or put together from all. owed_at is only looked at on the way.
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, state, n, owed_at);
-- Erasures, and whoever asks for an event or a lead.
CREATE INDEX deliveries_of_announcement ON deliveries (account, announcement);
-- Retention, oldest first; and which announcements and receipts of an old day are still needed.
CREATE INDEX deliveries_announced_at ON deliveries (announced_at, ended_at);

-- What is known of one attempt, by day. There is at most one of a number: the delivery's row is locked, and its
-- revision compared.
CREATE TABLE receipts (
    delivery bigint   NOT NULL,
    number   integer  NOT NULL,
    account  text     NOT NULL COLLATE "C",
    at       timestamptz NOT NULL,               -- when it began
    status   smallint NOT NULL,                  -- HTTP; 0: no answer
    error    text     NOT NULL,                  -- one word; empty: success
    spec     bytea    NOT NULL,                  -- domain.Receipt as JSON, without its body
    body     bytea    NOT NULL,                  -- of the answer, its beginning, byte for byte
    PRIMARY KEY (delivery, number, at)
) PARTITION BY RANGE (at);
CREATE TABLE receipts_default PARTITION OF receipts DEFAULT;

-- An endpoint's secrets, sealed, as a JSON array: one row an endpoint. It needs no row in endpoints.
CREATE TABLE secrets (
    account  text NOT NULL COLLATE "C",
    endpoint text NOT NULL COLLATE "C",
    body     bytea NOT NULL,
    PRIMARY KEY (account, endpoint)
);

-- Whoever asks what became of an event has its id, and an erasure has the leads.
CREATE INDEX announcements_by_id ON announcements (account, id);
CREATE INDEX announcements_by_lead ON announcements (account, lead);

-- No samples of what somebody's server has echoed: see the end of 0002_visits.sql.
ALTER TABLE receipts ALTER spec SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE pending_deliveries ALTER reason SET STATISTICS 0;
ALTER TABLE deliveries ALTER reason SET STATISTICS 0;
ALTER TABLE secrets ALTER body SET STATISTICS 0;
