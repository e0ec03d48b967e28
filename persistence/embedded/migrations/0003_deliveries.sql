-- What announcements owe to customers' endpoints, and what became of it.
--
-- A queue may be a million long, and its endpoint dead: whatever is asked of it has to be the beginning of a range of
-- an index. So a delivery that waits is in two partial indexes, one for each order in which it is looked for, and
-- leaves them when it ends.

-- One row per endpoint that was ever owed something. Deliveries refer to it by its number.
CREATE TABLE endpoints (
    n             INTEGER PRIMARY KEY,
    account       TEXT    NOT NULL,
    endpoint      TEXT    NOT NULL,
    p             INTEGER NOT NULL,          -- its actor's partition
    revision      INTEGER NOT NULL,          -- 1 at first
    disabled_at   INTEGER NOT NULL,
    reason        TEXT    NOT NULL,          -- why it is disabled
    failing_since INTEGER NOT NULL,
    succeeded_at  INTEGER NOT NULL,
    told          INTEGER NOT NULL DEFAULT 0, -- what was said of it last: see domain.Told
    UNIQUE (account, endpoint)               -- and so an account's endpoints are found
);

-- One event owed to one endpoint, from owed to ended. Its event, type and payload are the announcement's, which stays
-- as long as it has deliveries.
CREATE TABLE deliveries (
    n            INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint     INTEGER NOT NULL,           -- endpoints.n
    announcement INTEGER NOT NULL,           -- announcements.seq
    lead         TEXT    NOT NULL,           -- the announcement's: of one lead the lowest pending n is the head
    class        INTEGER NOT NULL,           -- 0 first match, 1 update, 2 retry, 3 replay
    replay       INTEGER NOT NULL,
    state        INTEGER NOT NULL,           -- 0 pending, 1 delivered, 2 exhausted, 3 suppressed, 4 cancelled
    revision     INTEGER NOT NULL,           -- 1 at first, one more with each attempt
    behind       INTEGER NOT NULL,           -- 1: there is a pending one before it
    attempts     INTEGER NOT NULL,
    owed_at      INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,           -- of a pending one: the next attempt; 2^63 - 1: never by itself
    first_at     INTEGER NOT NULL,
    failed_at    INTEGER NOT NULL,
    release_at   INTEGER NOT NULL,           -- when those behind it go, if it has failed
    ended_at     INTEGER NOT NULL,
    reason       TEXT    NOT NULL
);
-- What is due, class by class.
CREATE INDEX deliveries_due ON deliveries (endpoint, class, due_at, n) WHERE state = 0;
-- The head of a lead, and who is next.
CREATE INDEX deliveries_line ON deliveries (endpoint, lead, n) WHERE state = 0;
-- Of an announcement: retention, erasures, and whoever asks for an event or a lead.
CREATE INDEX deliveries_by_announcement ON deliveries (announcement);
-- Lists, and the oldest of a queue. owed_at is only looked at on the way.
CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint, state, n, owed_at);

-- What is known of one attempt. place is delivery * 2^20 + number: one whole number finds and orders them, and the
-- newest are at the end of the tree.
CREATE TABLE receipts (
    place  INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,                 -- when it began
    status INTEGER NOT NULL,                 -- HTTP; 0: no answer
    error  TEXT    NOT NULL,                 -- one word; empty: success
    spec   BLOB    NOT NULL,                 -- JSON of all but the body
    body   BLOB    NOT NULL                  -- of the answer, its beginning, byte for byte
);

-- An endpoint's secrets, sealed: one row an endpoint. It needs no row in endpoints.
CREATE TABLE secrets (
    account  TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    spec     BLOB NOT NULL,                  -- JSON
    PRIMARY KEY (account, endpoint)
) WITHOUT ROWID;

-- Whoever asks what became of an event has its id.
CREATE INDEX announcements_by_id ON announcements (id);

-- The deliveries by name, for a person with a question.
CREATE VIEW deliveries_by_name AS
    SELECT d.n, e.account, e.endpoint, a.id AS event, a.type, d.lead,
        CASE d.state WHEN 0 THEN 'pending' WHEN 1 THEN 'delivered' WHEN 2 THEN 'exhausted' WHEN 3 THEN 'suppressed'
            ELSE 'cancelled' END AS state,
        d.attempts, d.owed_at, d.due_at, d.ended_at, d.reason
    FROM deliveries d JOIN endpoints e ON e.n = d.endpoint JOIN announcements a ON a.seq = d.announcement;
