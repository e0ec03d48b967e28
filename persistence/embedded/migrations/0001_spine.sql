-- The spine: what arrives, what becomes of it, and who sees it.
--
-- Times are nanoseconds since 1970 UTC; 0 is "none". Contacts, specs and traces are JSON as the code
-- wrote it, kept as blobs, because nothing here looks into them. Tables that grow with traffic are
-- keyed by a number that rises, so that their inserts go to the end of the file's tree, and what has
-- to be found by a random key has a narrow index of its own.

-- One row per partition of the actors that was ever claimed. A commit that carries an older epoch is
-- refused.
CREATE TABLE partitions (
    p          INTEGER PRIMARY KEY,          -- 0 to 255
    epoch      INTEGER NOT NULL,             -- raised by every claim
    node       TEXT    NOT NULL,             -- who claimed it last
    claimed_at INTEGER NOT NULL
);

-- What makes (account, source, event id) unique. Narrow, and outlives the event's body, so that a
-- late repeat is still known. Its number is the event's.
CREATE TABLE event_keys (
    seq         INTEGER PRIMARY KEY,
    account     TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (event_id, source, account)       -- the most telling column first: comparisons end early
);

-- The event as it came: evidence for a dispute, never parsed again.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,         -- that of its key
    received_at INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    effect      TEXT    NOT NULL,
    lead        TEXT    NOT NULL,
    body        BLOB    NOT NULL
);

-- Events that wait for their decision: a handful while all is well. It repeats what the decision
-- needs, so that the bodies stay untouched and deciding frees the row whole.
CREATE TABLE pending_events (
    seq         INTEGER PRIMARY KEY,
    p           INTEGER NOT NULL,            -- the lead's partition
    account     TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    weak_id     INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    effect      TEXT    NOT NULL,
    lead        TEXT    NOT NULL,
    campaign    TEXT    NOT NULL,
    contact     BLOB    NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL
);

-- Pending events whose lead was held because no buyer was eligible. A table of their own: there may be
-- many for long, and looking for undecided events must not wade through them.
CREATE TABLE held_events (
    seq         INTEGER PRIMARY KEY,
    p           INTEGER NOT NULL,
    account     TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    weak_id     INTEGER NOT NULL,
    type        TEXT    NOT NULL,
    effect      TEXT    NOT NULL,
    lead        TEXT    NOT NULL,
    campaign    TEXT    NOT NULL,
    contact     BLOB    NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL
);
-- For counting: a thousand entries a page instead of a handful of contacts.
CREATE INDEX held_events_by_partition ON held_events (p);

-- One row per buyer that ever got a lead: where its feed ends, and how full its day is. Feed events
-- refer to it by its number, which keeps their keys narrow.
CREATE TABLE feeds (
    id        INTEGER PRIMARY KEY,
    account   TEXT    NOT NULL,
    buyer     TEXT    NOT NULL,
    head      INTEGER NOT NULL,              -- newest sequence
    floor     INTEGER NOT NULL,              -- newest sequence that retention has removed
    day       TEXT    NOT NULL,              -- the buyer's local day that day_count counts
    day_count INTEGER NOT NULL,
    total     INTEGER NOT NULL,              -- assignments ever
    UNIQUE (account, buyer)
);

-- A buyer's events, 1, 2, 3, ... An assignment is its lead.assigned event: one row says to whom, why
-- (the trace) and what the buyer saw, so that there is never one without the other.
--
-- place is feed * 2^40 + seq. One whole number orders a feed and finds it, at half the work of two
-- columns; rows lie in the order they were written and the narrow index in the order they are read.
CREATE TABLE feed_events (
    n           INTEGER PRIMARY KEY,
    place       INTEGER NOT NULL UNIQUE,
    type        TEXT    NOT NULL,
    lead        TEXT    NOT NULL,
    campaign    TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    event_id    TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    decided_at  INTEGER NOT NULL,
    contact     BLOB    NOT NULL,
    trace       BLOB                         -- of an assignment; last, because only people read it
);

-- The assignments by name, for a person with a question.
CREATE VIEW assignments AS
    SELECT f.account, f.buyer, e.place & 0xffffffffff AS seq, e.lead, e.campaign, e.decided_at,
        CAST(e.trace AS TEXT) AS trace
    FROM feed_events e JOIN feeds f ON f.id = e.place >> 40
    WHERE e.type = 'lead.assigned';

-- A lead as it stands.
CREATE TABLE leads (
    n           INTEGER PRIMARY KEY,
    account     TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    revision    INTEGER NOT NULL,            -- 1 at first; guards read-modify-write
    place       INTEGER,                     -- of its lead.assigned: whose it is; NULL while waiting
    last_seq    INTEGER NOT NULL,
    held_seq    INTEGER NOT NULL,            -- while waiting: the event held with it
    event_seq   INTEGER NOT NULL,            -- the newest event that went into it
    campaign    TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    assigned_at INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    contact     BLOB    NOT NULL,
    UNIQUE (id, account)
);
CREATE INDEX leads_by_place ON leads (place) WHERE place IS NOT NULL;

-- When a dashboard got an event and when its row was on the screen. The first report counts.
CREATE TABLE seen (
    place              INTEGER PRIMARY KEY,  -- of the event
    client_received_at INTEGER NOT NULL,
    rendered_at        INTEGER NOT NULL,
    reported_at        INTEGER NOT NULL
);

-- What the operator configured, one row per thing, in the operator's order.
CREATE TABLE catalog (
    kind    TEXT    NOT NULL,                -- source, account, location, campaign, buyer
    account TEXT    NOT NULL,                -- empty for a source
    ord     INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    spec    TEXT    NOT NULL,
    PRIMARY KEY (kind, account, ord)
) WITHOUT ROWID;

-- Facts about the store itself: epoch, token_key, catalog_revision, pinged_at.
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;
