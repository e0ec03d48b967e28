-- The first shape of the store. Migrations only ever go forward; each file runs in one transaction.
--
-- Ids compare byte by byte (COLLATE "C"): every writer then takes its locks in the same order, the one
-- Go sorts by, whatever the database's locale, and index look-ups are faster.
--
-- Bodies and contacts are bytea: kept as they came, never parsed here (jsonb costs a third of the rate).

-- What there is one of.
CREATE TABLE store (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    history   bytea  NOT NULL,  -- random at creation; part of the store's epoch
    token_key bytea  NOT NULL,  -- 32 bytes
    revision  bigint NOT NULL DEFAULT 0,
    catalog   bytea  NOT NULL,  -- JSON
    pinged_at timestamptz       -- written to see whether writing works
);

-- Who may commit for which of the 256 parts. Every commit locks the rows of the parts it writes for and
-- compares the epoch, so a claim waits for what is in flight and refuses what comes late. One page,
-- updated in place: the free space keeps every new version on it.
CREATE TABLE partitions (
    p          smallint PRIMARY KEY,
    epoch      bigint NOT NULL DEFAULT 0,
    node       text   NOT NULL DEFAULT '',
    claimed_at timestamptz
) WITH (fillfactor = 50);
INSERT INTO partitions (p) SELECT generate_series(0, 255);

-- Numbers events. No cache: numbers have to rise with time across all nodes.
CREATE SEQUENCE event_seq CACHE 1;

-- What keeps (account, source, event id) unique for the whole retention, whatever day the payload is
-- in: a unique index over time partitions would have to contain the time. The key is the first 16 bytes
-- of the SHA-256 of the three, so a row and its index entry stay narrow however long a source's ids are.
CREATE TABLE event_keys (
    key         uuid   PRIMARY KEY,
    seq         bigint NOT NULL,
    received_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX event_keys_received_at ON event_keys (received_at); -- retention, oldest first

-- Inbound events as evidence, by day of receipt.
CREATE TABLE events (
    seq         bigint NOT NULL,
    received_at timestamptz NOT NULL,
    account     text NOT NULL COLLATE "C",
    source      text NOT NULL COLLATE "C",
    event_id    text NOT NULL COLLATE "C",
    weak_id     boolean NOT NULL,
    type        text NOT NULL,
    effect      text NOT NULL,
    lead        text NOT NULL COLLATE "C",
    campaign    text NOT NULL COLLATE "C",
    contact     bytea NOT NULL,
    body        bytea NOT NULL,
    occurred_at timestamptz,      -- null: the source sent none
    commit_id   bigint NOT NULL,  -- the group commit that wrote it: answers a retry of our own
    PRIMARY KEY (seq, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE events_default PARTITION OF events DEFAULT; -- the net: nothing is refused for a missing day

-- Events that wait for a decision. Every event passes through, so the table stays small while much is
-- written and deleted: vacuum it by count and without pausing, and give it room. Its one key serves all who
-- look: a decision probes it whole, and lists and the backlog walk it in order from one end, however many
-- partitions they are about.
CREATE TABLE pending_events (
    partition   smallint NOT NULL,
    held        boolean  NOT NULL DEFAULT false,
    seq         bigint   NOT NULL,
    received_at timestamptz NOT NULL, -- finds the payload's day
    PRIMARY KEY (held, seq, partition)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- One row per lead.
CREATE TABLE leads (
    account     text NOT NULL COLLATE "C",
    id          text NOT NULL COLLATE "C",
    state       text NOT NULL,
    revision    bigint NOT NULL,
    campaign    text NOT NULL COLLATE "C",
    buyer       text NOT NULL COLLATE "C", -- '' while waiting
    contact     bytea NOT NULL,
    source      text NOT NULL COLLATE "C",
    held_seq    bigint NOT NULL,
    event_seq   bigint NOT NULL, -- the newest event that went into it
    assign_seq  bigint NOT NULL,
    last_seq    bigint NOT NULL,
    received_at timestamptz NOT NULL,
    assigned_at timestamptz,
    updated_at  timestamptz NOT NULL,
    commit_id   bigint NOT NULL,
    -- Retention looks by day: an index on the instant would turn every change of a lead into new entries
    -- in all three indexes, one on the day lets those of the same day be updated in place.
    updated_on  date NOT NULL GENERATED ALWAYS AS ((updated_at AT TIME ZONE 'UTC')::date) STORED,
    PRIMARY KEY (account, id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX leads_of_buyer ON leads (account, buyer, assign_seq) WHERE buyer <> '';
CREATE INDEX leads_updated_on ON leads (updated_on);

-- One row per feed: how far it goes, and the buyer's counter of the day. A commit locks it before it
-- numbers an event or counts against a cap; that makes feeds gapless and caps exact.
CREATE TABLE feeds (
    account   text NOT NULL COLLATE "C",
    buyer     text NOT NULL COLLATE "C",
    head      bigint NOT NULL DEFAULT 0,
    floor     bigint NOT NULL DEFAULT 0, -- newest sequence that retention removed
    day       text   NOT NULL DEFAULT '' COLLATE "C",
    day_count bigint NOT NULL DEFAULT 0,
    total     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, buyer)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- What was announced, by day of the decision; lead.assigned carries its decision trace and the count it
-- was given, so that an assignment and its announcement are one row and cannot part.
CREATE TABLE feed_events (
    account     text NOT NULL COLLATE "C",
    buyer       text NOT NULL COLLATE "C",
    seq         bigint NOT NULL,
    decided_at  timestamptz NOT NULL,
    type        text NOT NULL,
    lead        text NOT NULL COLLATE "C",
    campaign    text NOT NULL COLLATE "C",
    source      text NOT NULL COLLATE "C",
    event_id    text NOT NULL COLLATE "C",
    event_seq   bigint NOT NULL,
    contact     bytea NOT NULL,
    received_at timestamptz NOT NULL,
    day         text,    -- of lead.assigned: the day it counts for,
    day_count   bigint,  -- the how manieth of that day it is,
    cap         bigint,  -- of at most so many (0: no cap),
    trace       bytea,   -- and why this buyer
    commit_id   bigint NOT NULL,
    PRIMARY KEY (account, buyer, seq, decided_at)
) PARTITION BY RANGE (decided_at);
CREATE TABLE feed_events_default PARTITION OF feed_events DEFAULT;

-- What dashboards report, by day of the feed event and not of the report: the same event is then always
-- in the same partition, and its first report keeps the later ones out.
CREATE TABLE seen (
    account            text NOT NULL COLLATE "C",
    buyer              text NOT NULL COLLATE "C",
    seq                bigint NOT NULL,
    decided_at         timestamptz NOT NULL,
    client_received_at timestamptz,
    rendered_at        timestamptz,
    reported_at        timestamptz NOT NULL,
    commit_id          bigint NOT NULL,
    PRIMARY KEY (account, buyer, seq, decided_at)
) PARTITION BY RANGE (decided_at);
CREATE TABLE seen_default PARTITION OF seen DEFAULT;
