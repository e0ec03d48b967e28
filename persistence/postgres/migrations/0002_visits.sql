-- What a pixel sees: visitors, whom they turned out to be, what is owed to their leads, what left, and what
-- must not be identified. As in the first file, ids compare byte by byte and bodies are bytea: JSON that is
-- kept as it came and never parsed here. Columns beside a body are what a statement looks by.

-- The revision of suppressions in force. Observations and judgements read it under a shared advisory lock,
-- Suppress raises it under the exclusive one (see basis.go): a row lock here would meet that of the pings.
ALTER TABLE store ADD COLUMN suppression_revision bigint NOT NULL DEFAULT 0;

-- A visitor that enters a campaign waits like any event, and its number is that of the hit it came from,
-- whose row in events says something else. So it brings its event along, as JSON; null: see events.
ALTER TABLE pending_events ADD COLUMN event bytea;

-- Numbers sightings. No cache, as with event_seq.
CREATE SEQUENCE sighting_seq CACHE 1;

-- How far what others read by number goes: an account's announcements, and under '' the links of all accounts.
-- A commit that adds to one locks its row first, the last of its locks, and adds without a gap: so whoever
-- sees a number sees all before it. A sequence would hand out numbers in one order and commits make them
-- seen in another. The price: nodes that write to one row at once take turns, a commit each.
CREATE TABLE heads (
    account text PRIMARY KEY COLLATE "C",
    head    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
INSERT INTO heads (account) VALUES ('');

-- One row per visitor: the session under way and who it is, rewritten with each hit.
CREATE TABLE visits (
    account   text NOT NULL COLLATE "C",
    visitor   text NOT NULL COLLATE "C",
    revision  bigint NOT NULL,
    event_seq bigint NOT NULL,            -- the newest event that went into it
    person    text NOT NULL COLLATE "C",  -- '' while nobody is known
    last_at   timestamptz NOT NULL,
    body      bytea NOT NULL,             -- domain.Visit; revision and event_seq in it do not count
    commit_id bigint NOT NULL,
    last_on   date NOT NULL GENERATED ALWAYS AS ((last_at AT TIME ZONE 'UTC')::date) STORED, -- as leads.updated_on
    PRIMARY KEY (account, visitor)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX visits_of_person ON visits (account, person) WHERE person <> '';
CREATE INDEX visits_last_on ON visits (last_on);

-- Hits of somebody who is known, until their lead has judged them: milliseconds, or as long as updates are
-- gathered. Like pending events every one passes through. Recovery asks for what is past its time, which is
-- next to nothing of what is here: the index leads it there.
CREATE TABLE sightings (
    n              bigint PRIMARY KEY,
    partition      smallint NOT NULL,          -- of the lead's actor
    due_at         timestamptz NOT NULL,
    account        text NOT NULL COLLATE "C",
    visitor        text NOT NULL COLLATE "C",
    lead           text NOT NULL COLLATE "C",
    event_seq      bigint NOT NULL,
    visit_revision bigint NOT NULL,
    visit          bytea NOT NULL,             -- domain.Visit after the hit
    body           bytea NOT NULL,             -- domain.Sighting without it
    commit_id      bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
CREATE INDEX sightings_due ON sightings (due_at, n, partition);

-- Whom an account has met. The key makes a first match happen once.
CREATE TABLE acquaintances (
    account   text NOT NULL COLLATE "C",
    lead      text NOT NULL COLLATE "C",
    revision  bigint NOT NULL,
    last_at   timestamptz NOT NULL,
    body      bytea NOT NULL,  -- domain.Acquaintance; the revision in it does not count
    commit_id bigint NOT NULL,
    last_on   date NOT NULL GENERATED ALWAYS AS ((last_at AT TIME ZONE 'UTC')::date) STORED,
    PRIMARY KEY (account, lead)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX acquaintances_last_on ON acquaintances (last_on);

-- Which key an account has learned to be whose: the newest person of each key. A removed link stays for a day
-- without its person, so that nodes which hold it in memory drop it.
CREATE TABLE links (
    account text NOT NULL COLLATE "C",
    kind    text NOT NULL COLLATE "C",
    value   text NOT NULL COLLATE "C",
    seq     bigint NOT NULL UNIQUE,
    person  text NOT NULL COLLATE "C",
    origin  text NOT NULL,
    at      timestamptz NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account, kind, value)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX links_of_person ON links (account, person);
CREATE INDEX links_at ON links (at); -- retention, oldest first
CREATE INDEX links_removed ON links (at) WHERE removed;

-- Events that leave, by day of the decision.
CREATE TABLE announcements (
    account   text NOT NULL COLLATE "C",
    seq       bigint NOT NULL,
    at        timestamptz NOT NULL,
    id        text NOT NULL COLLATE "C",
    type      text NOT NULL,
    lead      text NOT NULL COLLATE "C",
    pixel     text NOT NULL COLLATE "C",
    payload   bytea NOT NULL,
    commit_id bigint NOT NULL,
    PRIMARY KEY (account, seq, at)
) PARTITION BY RANGE (at);
CREATE TABLE announcements_default PARTITION OF announcements DEFAULT;

-- What must not be identified. A removed one stays, so that nodes learn of it.
CREATE TABLE suppressions (
    id       text PRIMARY KEY COLLATE "C",
    revision bigint NOT NULL,
    removed  boolean NOT NULL DEFAULT false,
    body     bytea NOT NULL -- domain.Suppression; revision and removed in it do not count
);
CREATE UNIQUE INDEX suppressions_revision ON suppressions (revision, id);

-- Who did what.
CREATE TABLE audit (
    seq     bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (CACHE 1),
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    account text NOT NULL COLLATE "C",
    subject text NOT NULL,
    detail  text NOT NULL
);
CREATE INDEX audit_of_account ON audit (account, seq);

-- The keys of /api/v1, as JSON of domain.APIKey.
CREATE TABLE api_keys (
    id   text PRIMARY KEY COLLATE "C",
    body bytea NOT NULL
);

-- Tables in whose files bytes of somebody erased are left: the server marks a row as dead and leaves it lying.
-- A table is done when it has other files than it had (relfilenode), whoever rewrote it (see rewrite.go).
CREATE TABLE erasures_due (
    relation name PRIMARY KEY,
    filenode bigint NOT NULL,
    xid      xid8   NOT NULL, -- the transaction that erased: rewritten while somebody still sees before it, they stay
    since    timestamptz NOT NULL
);

-- The server samples columns for its planner, and keeps the samples in its catalog. Of what says who somebody
-- is there must be none: an erasure would not reach it. Plans lose nothing, since these columns are found by
-- whole keys or not looked by at all. (New days get the same, see days.go. The type, changed to what it is,
-- takes with it what was sampled before.)
ALTER TABLE events ALTER contact TYPE bytea, ALTER contact SET STATISTICS 0, ALTER body TYPE bytea, ALTER body SET STATISTICS 0,
    ALTER lead SET STATISTICS 0; -- of a hit it names the visitor
ALTER TABLE feed_events ALTER contact TYPE bytea, ALTER contact SET STATISTICS 0;
ALTER TABLE leads ALTER contact TYPE bytea, ALTER contact SET STATISTICS 0;
ALTER TABLE pending_events ALTER event SET STATISTICS 0;
ALTER TABLE visits ALTER visitor SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE sightings ALTER visitor SET STATISTICS 0, ALTER visit SET STATISTICS 0, ALTER body SET STATISTICS 0;
ALTER TABLE acquaintances ALTER body SET STATISTICS 0;
ALTER TABLE links ALTER value SET STATISTICS 0;
ALTER TABLE announcements ALTER payload SET STATISTICS 0;
